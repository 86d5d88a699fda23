from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from dvtr_bench.errors import ClipError
from dvtr_bench.video import containers
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.sampling import Sampling
from tests.fixtures.barcode_clips import copy_streams, write_clip

if TYPE_CHECKING:
    from pathlib import Path


def refuse(path: Path, message: str) -> None:
    with pytest.raises(ClipError, match=message) as caught:
        extract_frames(path, Sampling())
    assert str(path) in str(caught.value)


def cut(source: Path, path: Path, share: float) -> Path:
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_missing_folder_and_empty(tmp_path: Path) -> None:
    refuse(tmp_path / "none.mp4", "there is no such clip")
    refuse(tmp_path, "found a folder")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    refuse(empty, "the file is empty")


@pytest.mark.parametrize(
    "content",
    [
        b"Just some words.\nNo clip at all.\n",
        b"1\n00:00:00,000 --> 00:00:02,000\nsubtitles\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\nhttp://localhost/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile cfr.mp4\n",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        bytes(5000),
        bytes(random.Random(0).randrange(256) for _ in range(5000)),
    ],
    ids=["text", "subtitles", "playlist", "concat", "picture", "zeros", "noise"],
)
def test_what_is_no_video_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    refuse(path, "this is not a video file")


def test_a_playlist_never_opens_another_file(clip_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{clip_folder / 'cfr.mp4'}'\n")
    refuse(path, "this is not a video file")


def test_a_name_that_looks_like_an_address_is_a_file_name(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "concat:a|b%03d.mp4"
    path.write_bytes((clip_folder / "cfr.mp4").read_bytes())
    assert extract_frames(path, Sampling(1)).facts.source_num_frames == 60


def test_sound_alone(tmp_path: Path) -> None:
    import ffmpeg

    from tests.oracles.ffmpeg_binary import ffmpeg_binary

    path = tmp_path / "sound.mp4"
    tone = ffmpeg.input("sine=duration=1", format="lavfi").output(str(path), acodec="aac")
    tone.run(cmd=ffmpeg_binary(), quiet=True)
    refuse(path, r"no video stream in it \(streams found: audio\)")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cfr.mp4", "the moov box"),
        ("fast_start.mp4", r"cut off after frame \d+ of 60 by its header"),
        ("fragmented.mp4", r"cut off after frame \d+: the file has"),
        ("mpeg4.avi", r"cut off after frame \d+ of 60 by its header"),
        ("h264.mkv", r"cut off after frame \d+: the file has"),
        ("vp9.webm", r"cut off after frame \d+: the file has"),
    ],
)
def test_cut_in_half(clip_folder: Path, tmp_path: Path, name: str, message: str) -> None:
    source = clip_folder / name
    if name == "fast_start.mp4":
        source = copy_streams(clip_folder / "cfr.mp4", tmp_path / "whole.mp4", movflags="faststart")
    refuse(cut(source, tmp_path / name, 0.6), message)


def test_a_cut_transport_stream_is_damaged_or_shorter(clip_folder: Path, tmp_path: Path) -> None:
    # MPEG-TS does not say how long it is: only a cut inside a frame can be told.
    found = []
    for share in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75):
        path = cut(clip_folder / "mpeg2.ts", tmp_path / "cut.ts", share)
        try:
            found.append(extract_frames(path, Sampling()).facts.source_num_frames < 60)
        except ClipError as error:
            found.append("damaged after frame" in str(error))
    assert all(found)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_cut_anywhere(clip_folder: Path, tmp_path: Path, share: float) -> None:
    source = copy_streams(clip_folder / "cfr.mp4", tmp_path / "whole.mp4", movflags="faststart")
    extract_frames(source, Sampling())
    refuse(cut(source, tmp_path / "cut.mp4", share), "cut off")


def test_wrong_header_counts_and_trailing_bytes_are_no_cut(
    clip_folder: Path, tmp_path: Path
) -> None:
    data = bytearray((clip_folder / "mpeg4.avi").read_bytes())
    for field in (data.find(b"avih") + 24, data.find(b"strh") + 40):
        data[field : field + 4] = (500).to_bytes(4, "little")
    lying = tmp_path / "lying.avi"
    lying.write_bytes(data)
    assert extract_frames(lying, Sampling()).facts.source_num_frames == 60
    trailing = tmp_path / "trailing.mp4"
    trailing.write_bytes((clip_folder / "cfr.mp4").read_bytes() + b"left over" * 100)
    assert extract_frames(trailing, Sampling()).facts.source_num_frames == 60


def test_damage_half_way(clip_folder: Path, tmp_path: Path) -> None:
    source = copy_streams(clip_folder / "cfr.mp4", tmp_path / "whole.mp4", movflags="faststart")
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    refuse(path, r"damaged after frame \d+.*ffmpeg -i")


def test_a_codec_without_a_decoder(clip_folder: Path, tmp_path: Path) -> None:
    data = (clip_folder / "mpeg4.avi").read_bytes()
    path = tmp_path / "clip.avi"
    path.write_bytes(data.replace(b"FMP4", b"ZQZQ"))
    refuse(path, "no decoder for its video codec")


def test_zero_frames(tmp_path: Path) -> None:
    # Cut at the start: not one key frame with its headers is left.
    whole = write_clip(
        tmp_path / "whole.ts", vcodec="libx264", pix_fmt="yuv420p", g=250, preset="veryfast"
    ).read_bytes()
    path = tmp_path / "tail.ts"
    path.write_bytes(whole[len(whole) // 2 // 188 * 188 :])
    refuse(path, "a clip of zero frames")


def test_absurd_frame_size(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_FRAME_PX", 160 * 96 - 1)
    refuse(clip_folder / "cfr.mp4", "frames of 160 x 96 pixels")


def test_nothing_is_printed(
    clip_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("h264.mkv", "cfr.mp4", "mpeg4.avi"):
        with pytest.raises(ClipError):
            extract_frames(cut(clip_folder / name, tmp_path / name, 0.6), Sampling())
    assert capfd.readouterr() == ("", "")
