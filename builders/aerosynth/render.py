"""From a plan to frames, and from frames to an MP4 file."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import FPS, NUM_FRAMES
from builders.aerosynth.effects import cut, wake
from builders.aerosynth.light import LIGHTS, grade_table
from builders.aerosynth.palette import NAMED, Colour
from builders.aerosynth.plan import ClipPlan
from builders.aerosynth.scenes import ground_of
from builders.aerosynth.stage import Performer
from dvtr_bench.video.mp4_writer import write_mp4

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

TIMES_SECONDS = np.arange(NUM_FRAMES) / FPS
"""When each frame is shown."""

FOAM: Colour = (238, 244, 244)


def render_clip(plan: ClipPlan, path: Path) -> None:
    """Render a clip into an H.264 MP4 file.

    Args:
        plan: The clip.
        path: The file to write; an old one is replaced once the new one is complete.

    Raises:
        BuildError: The file cannot be written.
        NotFoundError: PyAV has no H.264 encoder.
    """
    write_mp4(render_frames(plan), path, FPS)


def render_frames(
    plan: ClipPlan,
    hidden: Collection[int] = (),
    traces: bool = True,
    numbers: Sequence[int] = range(NUM_FRAMES),
) -> Iterator[ImageArray]:
    """Render the frames of a clip.

    Args:
        plan: The clip.
        hidden: Indices of objects that are left out, with all their traces.
        traces: Whether shadows of objects, wakes and swaths are drawn.
        numbers: Which frames to render, in ascending order; all by default.

    Yields:
        uint8 (rows, columns, 3), red, green, blue.
    """
    from builders.aerosynth.pixels import grade
    from builders.aerosynth.view import View

    ground = ground_of(plan.scene, plan.variant)
    daylight = LIGHTS[plan.time_of_day]
    cast = [
        Performer(actor, TIMES_SECONDS)
        for index, actor in enumerate(plan.actors)
        if index not in hidden
    ]
    cutters = [
        performer.actor for performer in cast if traces and performer.actor.kind == "harvester"
    ]
    picture = ground.picture.copy() if cutters else ground.picture
    view = View(ground, daylight.shadow)
    cut_until = -6.0
    for number in numbers:
        time = float(TIMES_SECONDS[number])
        for harvester in cutters:
            if ground.under is not None:
                cut(picture, ground.under, harvester, cut_until, time)
        cut_until = time
        matrix = plan.camera.projection(time)
        frame = view.frame(picture, matrix, time)
        if traces:
            _draw_traces(frame, cast, matrix, number, daylight.shadow)
        for performer in sorted(
            cast, key=lambda performer: performer.actor.kind in ("smoke", "ball")
        ):
            if performer.puffs is None:
                performer.sprite(number).draw(frame, matrix, performer.placed(number))
            else:
                performer.puffs.draw(frame, matrix, time, NAMED[performer.actor.colour])
        grade(frame, grade_table(plan.time_of_day))
        yield frame


def _draw_traces(
    frame: ImageArray, cast: list[Performer], matrix: FloatArray, number: int, shadow: float
) -> None:
    """Draw wakes and shadows into a frame."""
    foam = np.zeros(frame.shape[:2], np.uint8)
    shade = np.zeros(frame.shape[:2], np.uint8)
    for performer in cast:
        if performer.actor.kind == "boat":
            wake(foam, performer.actor, matrix, float(performer.times[number]))
        if performer.puffs is None:
            performer.sprite(number).shade(shade, matrix, performer.placed(number))
    _mix(frame, foam, FOAM, 0.9)
    _mix(frame, shade, (0, 0, 0), shadow)


def _mix(frame: ImageArray, mask: ImageArray, colour: Colour, most: float) -> None:
    """Mix a colour into a frame where a mask says so, ``most`` where the mask is 255."""
    from builders.aerosynth.pixels import mix

    mix(frame, mask, cv2.boundingRect(mask), np.array(colour, np.int32), round(256 * most))
