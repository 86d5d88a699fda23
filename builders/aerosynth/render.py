"""From a plan to frames, and from frames to an MP4 file."""

import math
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.actors import Actor
from builders.aerosynth.camera import FPS, HEIGHT_PX, NUM_FRAMES, WIDTH_PX, project
from builders.aerosynth.canvas import SEEN_HALF_HEIGHT, SEEN_HALF_WIDTH, TEXELS, Ground, texels
from builders.aerosynth.light import LIGHTS, grade_table
from builders.aerosynth.palette import NAMED, Colour
from builders.aerosynth.pixels import FRACTION_BITS, draw_ground, glitter
from builders.aerosynth.plan import ClipPlan
from builders.aerosynth.scenes import ground_of
from builders.aerosynth.scenes.field import LANE_WIDTH
from builders.aerosynth.seeds import stable_rng
from builders.aerosynth.sprites.solid import SUBPIXEL_BITS, fixed_point
from builders.aerosynth.stage import Performer
from dvtr_bench.video.mp4_writer import write_mp4

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

WAVE_TILE = 256
"""The waves repeat after this many pixels of the ground."""


class View:
    """Draws the ground of one site, frame by frame."""

    def __init__(self, ground: Ground, shadow: float) -> None:
        """Prepare the shadows.

        Args:
            ground: The ground of the site.
            shadow: Share of the light that a shadow removes, 0 to 1.
        """
        self._ground = ground
        self._keep = np.rint(256 * (1 - shadow * np.arange(256) / 255)).astype(np.uint64)

    def frame(self, picture: ImageArray, matrix: FloatArray, time: float) -> ImageArray:
        """Draw the ground.

        Args:
            picture: uint8 (rows, columns, 4), the site's picture, perhaps changed.
            matrix: float64 (3, 4), world to frame.
            time: Seconds from the start of the clip, for moving waves.

        Returns:
            uint8 (rows, columns, 3), a new frame in red, green, blue.
        """
        x, y = 0.5 / TEXELS - SEEN_HALF_WIDTH, 0.5 / TEXELS - SEEN_HALF_HEIGHT
        origin = matrix[:, 0] * x + matrix[:, 1] * y + matrix[:, 3]
        flat = np.stack([matrix[:, 0] / TEXELS, matrix[:, 1] / TEXELS, origin], axis=1)
        frame = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        packed = picture.reshape(-1).view(np.uint32)
        packed.flags.writeable = False  # like the site's picture, so that Numba compiles only once
        draw_ground(packed, picture.shape[:2], flat, self._keep, frame)
        if self._ground.water is not None:
            # Two layers of waves that move against each other.
            moved = np.array([[14.0, 4.0], [-9.0, 6.0]]) * time + np.array([[0.0, 0.0], [90, 40]])
            shifts = np.rint(moved % WAVE_TILE * (1 << FRACTION_BITS)).astype(np.int32)
            glitter(frame, self._ground.water, flat, _waves(), shifts)
        return frame


@lru_cache(maxsize=1)
def _waves() -> npt.NDArray[np.int16]:
    """Return a seamless tile of waves with mean 0 and standard deviation 256, longer than wide."""
    heights = stable_rng("waves").standard_normal((WAVE_TILE, WAVE_TILE))
    for axis, sigma in ((1, 5.0), (0, 1.6)):
        reach = math.ceil(4 * sigma)
        weights = {by: math.exp(-0.5 * (by / sigma) ** 2) for by in range(-reach, reach + 1)}
        power = math.sqrt(sum(weight**2 for weight in weights.values()))
        rolled = (np.roll(heights, by, axis) * weight for by, weight in weights.items())
        heights = sum(rolled, np.zeros_like(heights)) / power
    return np.rint(256 * heights).astype(np.int16)


HEADER = 18.0
"""Distance from the middle of a harvester to its header, in world units."""


def cut(
    picture: ImageArray, under: ImageArray, harvester: Actor, since: float, until: float
) -> None:
    """Draw the stubble that a harvester leaves between two times.

    Args:
        picture: uint8 (rows, columns, 4), the ground of this clip, changed in place.
        under: uint8 (rows, columns, 4), the stubble.
        harvester: The harvester.
        since: Start, in seconds.
        until: End, in seconds; the strip ends at the header's position at this time.
    """
    times = np.linspace(since, until, max(2, int((until - since) * 20)))
    poses = harvester.track.poses(times)
    ahead = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
    aside = np.column_stack([-ahead[:, 1], ahead[:, 0]]) * (LANE_WIDTH / 2)
    fronts = poses[:, :2] + ahead * HEADER
    left, right = texels(fronts - aside), texels(fronts + aside)
    edges = np.concatenate([left, right]) >> SUBPIXEL_BITS
    size = np.array(picture.shape[1::-1])
    low = np.clip(edges.min(axis=0) - 1, 0, size)
    high = np.clip(edges.max(axis=0) + 2, 0, size)
    if np.any(low >= high):
        return
    mask = np.zeros((high - low)[::-1], np.uint8)
    for corners in zip(left, left[1:], right[1:], right, strict=False):
        inside = np.array(corners) - (low << SUBPIXEL_BITS)
        cv2.fillConvexPoly(mask, inside.astype(np.int32), (255,), cv2.LINE_8, SUBPIXEL_BITS)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    picture[window] = np.where(mask[:, :, None] > 0, under[window], picture[window])


def wake(mask: ImageArray, boat: Actor, matrix: FloatArray, time: float) -> None:
    """Draw the foam behind a boat.

    Args:
        mask: uint8 (rows, columns), strength of the foam, changed in place.
        boat: The boat.
        matrix: float64 (3, 4), world to frame.
        time: Seconds from the start of the clip.
    """
    ages = np.linspace(0.0, 2.6, 11)
    poses = boat.track.poses(time - ages)
    ahead = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
    across = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    stern = poses[:, :2] - ahead * 19.0
    churned = _pixels(matrix, stern)
    arms = [
        _pixels(matrix, stern + ahead * 22.0 + across * (side * (6.0 + 11.0 * ages))[:, None])
        for side in (-1.0, 1.0)
    ]
    for index in range(len(ages) - 1, 0, -1):
        fade = 1 - ages[index - 1] / 2.6
        pieces = [(churned, round(1 + 6 * fade), 190 * fade)]
        pieces += [(arm, 2, 150 * fade) for arm in arms]
        for line, width, strength in pieces:
            cv2.line(
                mask,
                line[index].tolist(),
                line[index - 1].tolist(),
                (strength,),
                width,
                cv2.LINE_AA,
                SUBPIXEL_BITS,
            )


def _pixels(matrix: FloatArray, points: FloatArray) -> npt.NDArray[np.int32]:
    """Project ground points to pixels of the frame, in fixed point form."""
    flat = np.column_stack([points, np.zeros(len(points))])
    return fixed_point(project(matrix, flat))


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
