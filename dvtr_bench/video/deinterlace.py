"""Deinterlacing of single frames by FFmpeg's bwdif."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from av.filter import Graph

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

DEINTERLACER: Final = "bwdif"
_MIN_WIDTH_PX, _MIN_HEIGHT_PX = 3, 4


def can_deinterlace(frame: VideoFrame) -> bool:
    """Return whether bwdif takes a frame as it is: planar YUV or grey, not tiny."""
    name = frame.format.name
    planar = name.startswith(("yuv4", "yuvj4", "yuva4", "gray"))
    return planar and frame.width >= _MIN_WIDTH_PX and frame.height >= _MIN_HEIGHT_PX


def deinterlaced(
    before: VideoFrame | None, frame: VideoFrame, after: VideoFrame | None
) -> VideoFrame:
    """Rebuild the lines of a frame's second field, which was filmed half a frame later.

    bwdif looks at no other frames than the two neighbours. So one frame alone can be deinterlaced,
    with the pixels that it has in the whole filtered clip, and at its own time.

    Args:
        before: The frame before it; None for the first.
        frame: A frame that `can_deinterlace` accepts.
        after: The frame after it; None for the last.

    Returns:
        The frame as it is shown when its first field is, with all lines.

    Source:
        FFmpeg's filter bwdif, mode send_frame: w3fdif and yadif combined.
    """
    before, after = _like(frame, before), _like(frame, after)
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
    )
    bwdif = graph.add(DEINTERLACER, "mode=send_frame:parity=auto:deint=all")
    sink = graph.add("buffersink")
    source.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure(auto_buffer=False)
    if before is not None:
        graph.vpush(before)
    graph.vpush(frame)
    # Without a frame after it, this one is the last, which the filter treats in another way.
    graph.vpush(after)
    if before is not None:
        graph.vpull()
    return graph.vpull()


def _like(frame: VideoFrame, neighbour: VideoFrame | None) -> VideoFrame | None:
    """Return a neighbour, unless the stream changes its size or format between the two."""
    if neighbour is None or neighbour.format.name != frame.format.name:
        return None
    same_size = (neighbour.width, neighbour.height) == (frame.width, frame.height)
    return neighbour if same_size else None
