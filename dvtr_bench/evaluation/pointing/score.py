"""The pointing score: the share of a model's attention on the objects that a caption names.

Three numbers of a map, each averaged over captions:

    mass      the share of the map inside the boxes
    maxima    the share of its maxima, one in each frame, inside them (the pointing game)
    uniform   the value of both for a uniform map: the share of the area

A cell that is partly inside a box counts by that share, as if the map were constant within the
cell. Cells with equal maxima count by their mean. So all three are comparable for any size of
cells. A fourth number, ``average``, is the mass of the map averaged over the whole split, the same
for every video. A map that is better than ``uniform`` but not than ``average`` knows where objects
usually are, but not where they are in this clip.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.ranking.bootstrap import BootstrapConfig, draws, interval

Floats = NDArray[np.float64]

_TIE: Final = 1e-4
"""Weights count as equal to the maximum if they are below it by less than this share."""


@dataclass(frozen=True)
class Pointing:
    """The pointing score of one map; shares in 0..1.

    Attributes:
        name: Name of the map.
        num_captions: Number of captions that name a visible object; only these count.
        num_videos: Number of their videos.
        mass: Share of the map inside the boxes.
        maxima: Share of its maxima inside the boxes.
        uniform: The value of both for a uniform map.
        average: The mass of the average map.
        mass_gain: ``mass - uniform``: lower end, upper end.
        maxima_gain: ``maxima - uniform``: lower end, upper end.
        average_gain: ``mass - average``: lower end, upper end.
    """

    name: str
    num_captions: int
    num_videos: int
    mass: float
    maxima: float
    uniform: float
    average: float
    mass_gain: tuple[float, float]
    maxima_gain: tuple[float, float]
    average_gain: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def pointing_scores(
    maps: Mapping[str, NDArray[np.float32]],
    covered: NDArray[np.float32],
    there: NDArray[np.bool_],
    owner: NDArray[np.int64],
    config: BootstrapConfig | None = None,
) -> list[Pointing]:
    """Score maps against boxes, with intervals by bootstrap over videos.

    Args:
        maps: Maps by name: float32, T x F x h x w, or V x F x h x w for maps that are the same for
            every caption of a video; not negative.
        covered: float32, T x F x h x w, in 0..1: the share of each cell inside the boxes.
        there: bool, V x F: False for padding.
        owner: int64, T: the row of each caption's video.
        config: Settings of the bootstrap; None for the defaults.

    Returns:
        One score a map; empty if no caption counts.

    Raises:
        InputError: Maps and boxes differ in shape.
    """
    num_captions, num_frames = covered.shape[:2]
    inside = covered.reshape(num_captions, num_frames, -1).astype(np.float64)
    valid = np.broadcast_to(there[owner][..., None], inside.shape)
    uniform = (inside * valid).sum(axis=(1, 2)) / valid.sum(axis=(1, 2))
    counts = uniform > 0
    if not counts.any():
        return []
    found = []
    for name, given in maps.items():
        if given.shape[1:] != covered.shape[1:] or len(given) not in (len(covered), len(there)):
            raise InputError(
                f"{name}: a map of shape {given.shape} for boxes of shape {covered.shape}: maps "
                "and boxes must lie over the same frames and cells"
            )
        values = given.reshape(len(given), num_frames, -1).astype(np.float64)
        by_caption = values if len(values) == len(inside) else values[owner]
        average = np.broadcast_to(values.mean(axis=0), inside.shape) * valid
        parts = {
            "mass": _mass(by_caption, inside)[counts],
            "maxima": _maxima(by_caption, inside, there[owner])[counts],
            "uniform": uniform[counts],
            "average": _mass(average, inside)[counts],
        }
        found.append(_summed_up(name, parts, owner[counts], config or BootstrapConfig()))
    return found


def _mass(maps: Floats, inside: Floats) -> Floats:
    return np.asarray((maps * inside).sum(axis=(1, 2)) / maps.sum(axis=(1, 2)))


def _maxima(maps: Floats, inside: Floats, there: NDArray[np.bool_]) -> Floats:
    tied = maps >= maps.max(axis=2, keepdims=True) * (1 - _TIE)
    hit = (inside * tied).sum(axis=2) / tied.sum(axis=2)
    return np.asarray((hit * there).sum(axis=1) / there.sum(axis=1))


def _summed_up(
    name: str,
    parts: Mapping[str, Floats],
    owner: NDArray[np.int64],
    config: BootstrapConfig,
) -> Pointing:
    videos, place = np.unique(owner, return_inverse=True)
    num_videos = len(videos)
    captions = np.bincount(place, minlength=num_videos)
    sums = np.stack([np.bincount(place, part, minlength=num_videos) for part in parts.values()])
    drawn = np.concatenate(list(draws(num_videos, len(owner), config)))
    means = (drawn @ sums.T) / (drawn @ captions)[:, None]
    resampled = dict(zip(parts, means.T, strict=True))
    mean = {part: float(values.mean()) for part, values in parts.items()}

    def gain(of: str, beside: str) -> tuple[float, float]:
        return interval(resampled[of] - resampled[beside], config.level)

    return Pointing(
        name=name,
        num_captions=len(owner),
        num_videos=num_videos,
        **mean,
        mass_gain=gain("mass", "uniform"),
        maxima_gain=gain("maxima", "uniform"),
        average_gain=gain("mass", "average"),
    )


def split_maps(name: str, maps: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return the K maps along the last axis of an array by name, and their mean.

    Args:
        name: Name of the maps, such as ``semantic map``.
        maps: float32, ... x K.

    Returns:
        ``NAME 1`` to ``NAME K`` and ``mean of the K``.
    """
    found = {f"{name} {k + 1}": maps[..., k] for k in range(maps.shape[-1])}
    if maps.shape[-1] > 1:
        found[f"mean of the {maps.shape[-1]}"] = maps.mean(axis=-1)
    return found
