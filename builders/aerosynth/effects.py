"""Traces on the ground: the cut swath behind a harvester, the wake behind a boat."""

import cv2
import numpy as np
import numpy.typing as npt

from builders.aerosynth.actors import Actor
from builders.aerosynth.camera import project
from builders.aerosynth.canvas import texels
from builders.aerosynth.scenes.field import LANE_WIDTH
from builders.aerosynth.sprites.solid import SUBPIXEL_BITS, fixed_point

FloatArray = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

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
