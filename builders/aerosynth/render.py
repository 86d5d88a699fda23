"""From a plan to frames, and from frames to an MP4 file."""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.camera import FPS, HEIGHT_PX, NUM_FRAMES, WIDTH_PX
from builders.aerosynth.canvas import Ground, texel_matrix
from builders.aerosynth.effects import cut, wake
from builders.aerosynth.light import LIGHTS, grade_table
from builders.aerosynth.palette import NAMED, Colour
from builders.aerosynth.plan import ClipPlan
from builders.aerosynth.scenes import ground_of
from builders.aerosynth.seeds import stable_rng
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
    ground = ground_of(plan.scene, plan.variant)
    light = LIGHTS[plan.time_of_day]
    picture = lit_ground(plan.scene, plan.variant, plan.time_of_day)
    cast = [
        Performer(actor, TIMES_SECONDS)
        for index, actor in enumerate(plan.actors)
        if index not in hidden
    ]
    cutters = [
        performer.actor for performer in cast if traces and performer.actor.kind == "harvester"
    ]
    if cutters:
        picture = picture.copy()
    has_water = bool(ground.water.any())
    cut_until = -6.0
    for number in numbers:
        time = TIMES_SECONDS[number]
        for harvester in cutters:
            cut(picture, ground, harvester, cut_until, time)
        cut_until = time
        matrix = plan.camera.projection(float(time))
        flat = matrix[:, [0, 1, 3]] @ texel_matrix()
        frame = _look(picture, flat)
        if has_water:
            _ripple(frame, _look(ground.water, flat), flat, float(time))
        if traces:
            _draw_traces(frame, cast, matrix, number, light.shadow)
        for performer in sorted(cast, key=lambda one: one.actor.kind in ("smoke", "ball")):
            if performer.puffs is None:
                performer.sprite(number).draw(frame, matrix, performer.placed(number))
            else:
                paint = NAMED[performer.actor.colour]
                performer.puffs.draw(frame, matrix, float(time), paint)
        yield np.asarray(cv2.LUT(frame, grade_table(plan.time_of_day)))


@lru_cache(maxsize=160)
def lit_ground(scene: str, variant: int, time_of_day: str) -> ImageArray:
    """The ground of a site with the shadows of one time of day.

    Args:
        scene: Kind of background.
        variant: Number of the background.
        time_of_day: A key of ``LIGHTS``.

    Returns:
        uint8 (rows, columns, 3), read-only.
    """
    ground: Ground = ground_of(scene, variant)
    keep = 1 - ground.shade.astype(np.float32) / 255 * LIGHTS[time_of_day].shadow
    lit = np.round(ground.albedo * keep[:, :, None]).astype(np.uint8)
    lit.flags.writeable = False
    return lit


def _look(layer: ImageArray, flat: FloatArray) -> ImageArray:
    """A layer of the ground as the camera sees it."""
    return np.asarray(
        cv2.warpPerspective(
            layer,
            flat,
            (WIDTH_PX, HEIGHT_PX),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


WAVE_TILE = 256
"""After so many world units the waves repeat."""


@lru_cache(maxsize=1)
def _waves() -> npt.NDArray[np.float32]:
    """Waves over more than the whole ground: float32, one tile without a seam, repeated."""
    noise = stable_rng("waves").standard_normal((WAVE_TILE, WAVE_TILE)).astype(np.float32)
    smooth = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), sigmaX=5.0, sigmaY=1.6)
    tile = smooth[WAVE_TILE : 2 * WAVE_TILE, WAVE_TILE : 2 * WAVE_TILE]
    return np.asarray(np.tile(tile / tile.std(), (4, 4)), dtype=np.float32)


def _ripple(frame: ImageArray, water: ImageArray, flat: FloatArray, time: float) -> None:
    """Let light play on open water: two layers of waves that move against each other."""
    # Half the resolution is enough for soft waves and four times as fast.
    half = np.diag([0.5, 0.5, 1.0]) @ flat
    size = (WIDTH_PX // 2, HEIGHT_PX // 2)
    light = np.zeros(size[::-1], np.float32)
    for x, y in ((14.0 * time, 4.0 * time), (90.0 - 9.0 * time, 40.0 + 6.0 * time)):
        x, y = x % WAVE_TILE - 2.5 * WAVE_TILE, y % WAVE_TILE - 2.5 * WAVE_TILE
        moved = half @ np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
        light += cv2.warpPerspective(_waves(), moved, size, flags=cv2.INTER_LINEAR)
    glint = np.clip(np.maximum(light - 1.1, 0) * 16 + light * 2.5 + 3.0, 0, 255).astype(np.uint8)
    large = cv2.resize(glint, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    seen = cv2.multiply(large, water, scale=1 / 255)
    cv2.add(frame, cv2.merge([seen, seen, seen]), dst=frame)


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
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    window = (slice(y, y + height), slice(x, x + width))
    weight = mask[window]
    keep = cv2.convertScaleAbs(weight, alpha=-most, beta=255)
    tint = cv2.merge([cv2.convertScaleAbs(weight, alpha=most * part / 255) for part in colour])
    kept = cv2.multiply(frame[window], cv2.merge([keep, keep, keep]), scale=1 / 255)
    frame[window] = cv2.add(kept, tint)
