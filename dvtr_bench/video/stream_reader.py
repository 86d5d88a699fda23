"""Decoding of one video stream in order, with detection of damage and a record of frame times."""

from __future__ import annotations

import re
import statistics
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import sub
from typing import TYPE_CHECKING, Final

import av
import av.error
import av.logging

from dvtr_bench.errors import ClipError
from dvtr_bench.video.containers import (
    MAX_FRAME_PX,
    check_frame_size,
    clip_size,
    open_container,
    pick_video_stream,
)
from dvtr_bench.video.sampling import mended_timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from dvtr_bench.video.sampling import Timeline

_DAMAGED_ADVICE = (
    "Get the file again; to keep what can be shown, convert it first: "
    "ffmpeg -i CLIP -c:v libx264 -crf 18 FIXED.mp4"
)


class StreamReader:
    """Decodes one stream once, checks its frames and records their times.

    Args:
        path: The clip, for messages.
        container: The open container.
        stream: The stream to decode, with its threads configured.
        packets: All its packets; None to read them from the container.
    """

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        stream: VideoStream,
        packets: Iterable[Packet[VideoStream]] | None = None,
    ) -> None:
        """Prepare to decode; no packet is read yet."""
        self._path = path
        self._stream = stream
        self._packets = container.demux(stream) if packets is None else packets
        self._size = clip_size(path)
        self._has_display_times = _has_display_times(container)
        self._is_mpeg = _is_mpeg(container)
        self._slots: list[int] = []
        self._num_packets = 0
        self._short_packet = False
        self._last_duration = 0
        self._ticks: list[int] = []

    @property
    def lacks_bytes(self) -> bool:
        """Whether the file is shorter than its container declares."""
        return self._size.is_cut_off

    def frames(self) -> Iterator[VideoFrame]:
        """Decode the stream to its end; call it only once.

        Yields:
            Every frame that a player shows, in display order.

        Raises:
            ClipError: The clip is cut off, damaged, or has no frames.
        """
        try:
            for packet in self._packets:
                # Empty packets mean "the same picture again" (Theora, AVI); to the decoder, they
                # would mean the end.
                if not packet.size:
                    continue
                self._num_packets += 1
                self._short_packet |= packet.is_corrupt
                if packet.dts is not None and not self._has_display_times:
                    self._slots.append(packet.dts)
                try:
                    decoded = packet.decode()
                except (av.error.InvalidDataError, EOFError):
                    if self._ticks:
                        raise
                    continue  # before the first key frame
                yield from self._checked(decoded)
            yield from self._checked(self._stream.decode(None))
        except av.error.FFmpegError as error:
            raise self._damaged() from error
        if self._is_cut_off():
            raise self._damaged()
        if not self._ticks:
            self._check_refused_size()
            raise ClipError(
                f"{self._path}: a clip of zero frames: none could be decoded from the "
                f"{self._num_packets} packets of {self._stream.codec_context.name} video in it. "
                f"{_DAMAGED_ADVICE}"
            )

    def timeline(self, *, lacks_clock: bool = False) -> Timeline:
        """Return when each frame is shown; call it after the last frame.

        Args:
            lacks_clock: Whether the container has no clock, so that time stamps mean nothing.
        """
        timeline = mended_timeline(
            self._ticks,
            self._last_duration,
            _time_base(self._stream),
            _rates(self._stream),
            is_mpeg=self._is_mpeg,
            lacks_clock=lacks_clock,
        )
        if self._stream.codec_context.has_b_frames and (empty := self._num_empty_slots()):
            remark = f"empty slots: {empty:,} in AVI with B-frames"
            return replace(timeline, remarks=(*timeline.remarks, remark))
        return timeline

    def num_as_predicted(self, timeline: Timeline) -> int:
        """Return how many of the frames so far have the times of a timeline, from the first on."""
        first = self._ticks[0] if self._ticks else 0
        times = zip(self._ticks, timeline.starts, strict=False)
        differ = (n for n, (tick, start) in enumerate(times) if tick - first != start)
        return next(differ, min(len(self._ticks), len(timeline.starts)))

    def _slot_gaps(self) -> list[int]:
        """Return the distances of AVI's filled slots, in ticks, of which a slot may have many."""
        return [gap for gap in map(sub, self._slots[1:], self._slots) if gap > 0]

    def _slot_ticks(self) -> int:
        """Return the usual distance of AVI's slots."""
        gaps = self._slot_gaps()
        return statistics.median_low(gaps) if gaps else 1

    def _num_empty_slots(self) -> int:
        usual = self._slot_ticks()
        return sum(gap // usual - 1 for gap in self._slot_gaps() if gap > usual)

    def _checked(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield the frames that are whole, and record their times.

        Raises:
            ClipError: A frame is damaged, other than before the first whole one.
        """
        for frame in frames:
            if frame.is_corrupt:
                if self._ticks:
                    raise self._damaged()
                continue
            self._check_and_record(frame)
            yield frame

    def _check_and_record(self, frame: VideoFrame) -> None:
        """Check a frame's size and time, and record its time.

        Raises:
            ClipError: The frame is too large or has no time.
        """
        check_frame_size(self._path, frame.width, frame.height)
        if self._has_display_times:
            tick = frame.pts if frame.pts is not None else frame.dts
            self._last_duration = frame.duration
        else:
            # The slot of the packet after which the decoder releases it; the last frames, which it
            # releases at the end, follow in steps of one slot. So FFmpeg does.
            tick = frame.dts
            if tick is None:
                tick = self._ticks[-1] + self._slot_ticks() if self._ticks else 0
        if tick is None:
            raise ClipError(
                f"{self._path}: frame {len(self._ticks) + 1} has no time stamp. {_DAMAGED_ADVICE}"
            )
        self._ticks.append(tick)

    def _is_cut_off(self) -> bool:
        """Return whether the file ends before its last frame.

        Frame counts in headers are often wrong, so too few packets prove nothing. The file must
        also be shorter than its boxes declare; and if all packets are there, it is not cut off.
        """
        if not self._size.is_cut_off:
            return False
        has_all = 0 < self._stream.frames <= self._num_packets
        return self._short_packet or not has_all

    def _check_refused_size(self) -> None:
        """Raise another error than "damaged" if the decoder refused a picture for its size.

        Raises:
            ClipError: The decoder refused a picture for its size.
        """
        if size := find_refused_size(self._path):
            check_frame_size(self._path, *size)

    def _damaged(self) -> ClipError:
        """Return the error for a clip that is cut off or cannot be decoded further."""
        num_frames = len(self._ticks)
        if self._is_cut_off():
            total = f" of {self._stream.frames:,} by its header" if self._stream.frames else ""
            return ClipError(
                f"{self._path}: cut off after frame {num_frames}{total}: the file has "
                f"{self._size.actual_bytes:,} bytes, its container says "
                f"{self._size.declared_bytes:,}. The download or copy was not finished: get the "
                "file again."
            )
        self._check_refused_size()
        return ClipError(
            f"{self._path}: damaged after frame {num_frames}: the decoder "
            f"({self._stream.codec_context.name}) cannot show the next one whole. "
            f"{_DAMAGED_ADVICE}"
        )


MAX_READ_AHEAD_BYTES: Final = 32_000_000
"""Packets up to this total size are held in memory, so that the file is read once; the file of a
larger clip is opened again."""


@dataclass(frozen=True)
class ReadAhead:
    """The packets of a stream, read before any is decoded.

    Attributes:
        timeline: The predicted timeline; None if packets have no times. Decoding may find another
            one: frames at the start of a cut group of pictures have packets but are never shown.
        holds_all_packets: Whether all packets fit into memory, so that `replay` can yield them.
        is_sound: Whether the packets show a clock that runs through: each has a time, none jumps or
            goes back, nothing is cut off.
    """

    timeline: Timeline | None
    holds_all_packets: bool
    is_sound: bool
    _packets: deque[Packet[VideoStream]]
    _failure: av.error.FFmpegError | None

    def replay(self) -> Iterator[Packet[VideoStream]]:
        """Yield the packets and release them; then raise the error of reading, if any."""
        while self._packets:
            yield self._packets.popleft()
        if self._failure is not None:
            raise self._failure


def read_ahead(
    container: InputContainer, stream: VideoStream, max_bytes: int = MAX_READ_AHEAD_BYTES
) -> ReadAhead:
    """Read all packets of a stream, to predict its times before decoding.

    Args:
        container: The open container, not read yet.
        stream: A stream of the container.
        max_bytes: Maximum total size of packets to hold in memory.

    Returns:
        The packets and the predicted timeline.
    """
    has_display_times = _has_display_times(container)
    ticks: list[tuple[int, int]] = []
    packets: deque[Packet[VideoStream]] = deque()
    room, failure = max_bytes, None
    is_sound, before = has_display_times, None
    try:
        for packet in container.demux(stream):
            tick = packet.pts if has_display_times and packet.pts is not None else packet.dts
            if packet.size:
                runs = packet.dts is not None and (before is None or packet.dts > before)
                is_sound &= runs and packet.pts is not None and not packet.is_corrupt
                before = packet.dts
            if packet.size and tick is not None and not packet.is_discard:
                ticks.append((tick, packet.duration or 0))
            room -= packet.size
            if room >= 0:
                packets.append(packet)
            else:
                packets.clear()
    except av.error.FFmpegError as error:
        failure = error  # decoding meets the same error and reports it
    timeline = None
    if ticks and failure is None:
        ticks.sort()
        starts = [tick for tick, _ in ticks]
        last_duration = ticks[-1][1] if has_display_times else 0
        timeline = mended_timeline(
            starts,
            last_duration,
            _time_base(stream),
            _rates(stream),
            is_mpeg=_is_mpeg(container),
        )
    is_sound &= timeline is not None and not timeline.remarks
    return ReadAhead(timeline, room >= 0, is_sound, packets, failure)


def _has_display_times(container: InputContainer) -> bool:
    """Return whether a container stores display times.

    AVI has only slots in decoding order, one per frame and perhaps empty; the display times and
    durations that libav derives from them are wrong for H.264 with B-frames.
    """
    return container.format.name != "avi"


def _is_mpeg(container: InputContainer) -> bool:
    """Return whether a container is an MPEG stream, whose clock may be set anew in the middle."""
    return container.format.name in {"mpegts", "mpeg"}


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def _rates(stream: VideoStream) -> Iterator[Fraction | None]:
    """Yield what the stream says of its frame rate."""
    yield stream.average_rate or stream.guessed_rate
    yield stream.codec_context.framerate
    yield stream.guessed_rate


_LOGGED = re.compile(r"Picture size (\d+)x(\d+)")
_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc3]..\x08(..)(..)", re.DOTALL)
"""Header of a JPEG frame: marker, length, 8 bits a sample, height, width."""


def find_refused_size(path: Path) -> tuple[int, int] | None:
    """Find the first picture that the decoder refused because it exceeds `MAX_FRAME_PX`.

    Args:
        path: A clip that could not be decoded as a whole.

    Returns:
        Width and height in pixels; None if decoding failed for another reason.

    Raises:
        ClipError: The clip cannot be opened.
    """
    with _captured_log() as log, open_container(path) as container:
        stream = pick_video_stream(path, container)
        stream.thread_type = "SLICE"
        stream.codec_context.thread_count = 1
        is_jpeg = stream.codec_context.name == "mjpeg"
        try:
            for packet in container.demux(stream):
                try:
                    packet.decode()
                except (av.error.FFmpegError, EOFError):
                    if size := _too_large(log, bytes(packet) if is_jpeg else b""):
                        return size
        except av.error.FFmpegError:
            pass  # the log up to here is all the information there is
        return _too_large(log, b"")


def _too_large(log: list[tuple[int, str, str]], header: bytes) -> tuple[int, int] | None:
    sizes = [(int(w), int(h)) for _, _, text in log for w, h in _LOGGED.findall(text)]
    if match := _JPEG_FRAME.search(header):
        height, width = (int.from_bytes(number, "big") for number in match.groups())
        sizes.append((width, height))
    return next((size for size in sizes if size[0] * size[1] > MAX_FRAME_PX), None)


@contextmanager
def _captured_log() -> Iterator[list[tuple[int, str, str]]]:
    """Capture libav's log messages of this thread."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as log:
            yield log
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
