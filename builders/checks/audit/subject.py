"""A dataset under audit: its splits, and statistics of their frames.

The statistics are hashes for finding copies, similarity of neighbouring frames (SSIM), small grey
pictures.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from builders.engine.settings import usable_cores
from builders.sources.source import Origin, origin_of
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.dataset.measures import stored_arrays
from dvtr_bench.errors import InputError
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.video.perceptual_hash import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.runtime.terminal import Advance


_C1: Final = (0.01 * 255) ** 2
_C2: Final = (0.03 * 255) ** 2
_WINDOW_PX: Final = 11
_SIGMA: Final = 1.5


def structural_similarity(first: "NDArray[np.uint8]", second: "NDArray[np.uint8]") -> float:
    """Compare two grey pictures by structural similarity.

    Args:
        first: uint8, height x width, at least 11 pixels each way.
        second: uint8, of the same shape.

    Returns:
        Mean SSIM over windows that lie inside the picture: 1 for equal pictures, around 0 for
        unrelated ones, below for inverted ones.

    Example:
        >>> import numpy as np
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
        >>> round(structural_similarity(ramp, ramp), 6)
        1.0

    Source:
        Wang et al., Image quality assessment (2004), equations 13 to 17: Gaussian window of
        11 x 11, sigma 1.5, K1 0.01, K2 0.03.
    """
    return _similarity(_Blurred.of(first), _Blurred.of(second))


def neighbour_similarity(pictures: "Sequence[NDArray[np.uint8]]") -> list[float]:
    """Compare each grey picture with the next.

    Args:
        pictures: Each as for `structural_similarity`.

    Returns:
        The same numbers as `structural_similarity` of each two neighbours, in three quarters of the
        time: what is blurred of one picture serves both comparisons of it.
    """
    return [_similarity(*pair) for pair in pairwise(map(_Blurred.of, pictures))]


@dataclass(frozen=True, eq=False)
class _Blurred:
    """What a comparison needs of one picture.

    Attributes:
        picture: float32, height x width.
        mean: Its mean in each window.
        square: The mean of its square in each window.
    """

    picture: "NDArray[np.float32]"
    mean: "NDArray[np.float32]"
    square: "NDArray[np.float32]"

    @classmethod
    def of(cls, picture: "NDArray[np.uint8]") -> "_Blurred":
        values = picture.astype("float32")
        return cls(values, _blur(values), _blur(values * values))


def _blur(picture: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import cv2
    import numpy as np

    edge = _WINDOW_PX // 2
    blur = cv2.GaussianBlur(picture, (_WINDOW_PX, _WINDOW_PX), _SIGMA)
    return np.asarray(blur[edge:-edge, edge:-edge], dtype=np.float32)


def _similarity(first: _Blurred, second: _Blurred) -> float:
    import numpy as np

    products = first.mean * second.mean
    squares = first.mean * first.mean + second.mean * second.mean
    variances = first.square + second.square - squares
    covariance = _blur(first.picture * second.picture) - products
    alike = (2 * products + _C1) * (2 * covariance + _C2)
    return float(np.mean(alike / ((squares + _C1) * (variances + _C2)), dtype=np.float64))


MEASURE: Final = "frame_looks-1"
"""Name and version of the stored arrays; raised with every change of their computation."""

BLOCK_VIDEOS: Final = 500
"""Videos per stored block: at most this many are processed again after an interruption."""

MIDDLES: Final = 1000
"""Largest number of videos of a split whose middle frame is kept for comparing clips."""

SIDE_PX: Final = 128
FLAT_DEVIATION: Final = 3.0
"""Standard deviation of grey, of 255, below which a frame is flat, such as black, fog or a blank
card. Its hash is meaningless and often equal to that of other flat frames.
"""


@dataclass(frozen=True)
class FrameLooks:
    """Statistics of the frames of a split.

    Attributes:
        hashes: int64, F: `perceptual_hash` of every stored frame, videos in row order.
        textured: bool, F: False for a flat frame.
        starts: int64, V + 1: where each video's frames begin in ``hashes``.
        change: float64, V: mean SSIM of a frame and the next; NaN for a video of one frame.
        middle_rows: int64, M: the randomly drawn videos whose middle frame is kept.
        middles: uint8, M x 128 x 128: those frames, grey.
    """

    hashes: "NDArray[np.int64]"
    textured: "NDArray[np.bool_]"
    starts: "NDArray[np.int64]"
    change: "NDArray[np.float64]"
    middle_rows: "NDArray[np.int64]"
    middles: "NDArray[np.uint8]"


def look_at_frames(split: "RetrievalSplit", show_progress: bool) -> FrameLooks:
    """Decode every stored frame of a split once and keep what an audit needs.

    The arrays are stored beside the dataset in blocks, so that an interrupted audit continues where
    it stopped.

    Args:
        split: The split, with frames.
        show_progress: Whether to show a progress bar.

    Returns:
        The statistics.
    """
    count = len(split.video_ids)
    wanted = np.sort(np.random.default_rng(0).permutation(count)[:MIDDLES])
    blocks = []
    with progress_bar(f"look at {split.name} frames", count, enabled=show_progress) as advance:
        for start in range(0, count, BLOCK_VIDEOS):
            rows = range(start, min(start + BLOCK_VIDEOS, count))
            chosen = wanted[(wanted >= rows.start) & (wanted < rows.stop)]
            blocks.append(_look_at_block(split, rows, chosen, advance))
    return FrameLooks(
        hashes=np.concatenate([block["hashes"] for block in blocks]),
        textured=np.concatenate([block["textured"] for block in blocks]),
        starts=np.cumsum([0, *np.concatenate([block["counts"] for block in blocks])]),
        change=np.concatenate([block["change"] for block in blocks]),
        middle_rows=wanted,
        middles=np.concatenate([block["middles"] for block in blocks]),
    )


def grey_square(frame: "NDArray[np.uint8]", side_px: int) -> "NDArray[np.uint8]":
    """Return a frame as a small grey picture.

    Args:
        frame: uint8, height x width x 3, RGB.
        side_px: Width and height of the result.

    Returns:
        uint8, side x side.
    """
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


@dataclass(frozen=True)
class _VideoLooks:
    """Statistics of the frames of one video; see `FrameLooks`."""

    hashes: list[int]
    textured: list[bool]
    change: float
    middle: "NDArray[np.uint8]"


def _look_at_block(
    split: "RetrievalSplit", rows: range, chosen: "NDArray[np.int64]", advance: "Advance"
) -> "Mapping[str, NDArray[Any]]":
    num_done = 0

    def look() -> "Mapping[str, NDArray[Any]]":
        nonlocal num_done
        wanted = set(chosen.tolist())
        hashes: list[int] = []
        textured: list[bool] = []
        counts, change, middles = [], [], []
        # Decoding and resizing release the GIL: threads share the work without copies.
        threads = ThreadPoolExecutor(usable_cores())
        try:
            videos = threads.map(_look_at_row, repeat(split), rows)
            for row, video in zip(rows, videos, strict=True):
                hashes += video.hashes
                textured += video.textured
                counts.append(len(video.hashes))
                change.append(video.change)
                if row in wanted:
                    middles.append(video.middle)
                num_done += 1
                advance()
        finally:
            # After Ctrl-C, waiting videos are cancelled.
            threads.shutdown(cancel_futures=True)
        return {
            "hashes": np.array(hashes, dtype=np.int64),
            "textured": np.array(textured, dtype=np.bool_),
            "counts": np.array(counts, dtype=np.int64),
            "change": np.array(change, dtype=np.float64),
            "middles": np.array(middles, dtype=np.uint8).reshape(-1, SIDE_PX, SIDE_PX),
        }

    arrays = stored_arrays(split, f"{MEASURE}-{rows.start}", look)
    advance(len(rows) - num_done)
    return arrays


def _look_at_row(split: "RetrievalSplit", row: int) -> _VideoLooks:
    return _look_at_video(split.frames(row))


def _look_at_video(frames: "Frames") -> _VideoLooks:
    grey = [grey_square(frame, SIDE_PX) for frame in frames]
    steps = neighbour_similarity(grey)
    return _VideoLooks(
        hashes=[perceptual_hash([frame]) for frame in frames],
        textured=[bool(picture.std() >= FLAT_DEVIATION) for picture in grey],
        change=float(np.mean(steps)) if steps else float("nan"),
        middle=grey[len(grey) // 2],
    )


NO_FRAMES = "not measured: this build holds no frames"


@dataclass(frozen=True)
class NotMeasured:
    """Why a finding was not measured.

    Attributes:
        reason: A sentence.
    """

    reason: str


@dataclass(frozen=True)
class Subject:
    """One dataset, split by split.

    Attributes:
        name: Its name.
        version: Its version.
        fingerprint: Its fingerprint.
        splits: By name, in the order train, validation, test.
        origin: The source collection of its clips, if stated.
    """

    name: str
    version: str
    fingerprint: str
    splits: "Mapping[str, RetrievalSplit]"
    origin: Origin | None = None
    _looks: dict[str, FrameLooks] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_frames(self) -> bool:
        """Whether every split has frames."""
        return all(split.has_frames for split in self.splits.values())

    def looks(self, split: str, show_progress: bool) -> FrameLooks:
        """Return the statistics of a split's frames, which are decoded at most once.

        Args:
            split: Its name.
            show_progress: Whether to show a progress bar while frames are decoded.
        """
        if split not in self._looks:
            self._looks[split] = look_at_frames(self.splits[split], show_progress)
        return self._looks[split]


def subject_of(dataset: "BuiltDataset") -> Subject:
    """Open a built dataset for an audit.

    Args:
        dataset: The dataset.

    Returns:
        All its splits; frames are read when a finding needs them.
    """
    manifest = dataset.manifest
    return Subject(
        name=manifest.name,
        version=manifest.version,
        fingerprint=manifest.fingerprint,
        splits={name: dataset.split(name) for name in dataset.split_names},
        origin=origin_of(manifest),
    )


def told_apart(subject: Subject, against: Subject) -> tuple[Subject, Subject]:
    """Make the names of two datasets differ, such as of two versions of one dataset.

    Args:
        subject: A dataset.
        against: Another one.

    Returns:
        Both, unchanged if their names differ.

    Raises:
        InputError: They are the same build.
    """
    if subject.fingerprint == against.fingerprint:
        raise InputError(
            f"{subject.name} and {against.name} are the same build ({subject.fingerprint[:12]}): "
            "expected another dataset to compare with; inside one dataset clips and captions are "
            "compared without it"
        )
    if subject.name != against.name:
        return subject, against

    def renamed(dataset: Subject) -> Subject:
        by = dataset.version if subject.version != against.version else dataset.fingerprint[:6]
        return replace(dataset, name=f"{dataset.name} {by}")

    return renamed(subject), renamed(against)


def label(subject: Subject, split: str, against: Subject | None) -> str:
    """Return the label of a split in a table, with its dataset if there are two.

    Example:
        >>> label(Subject("usrd", "1.0.0", "f", {}), "test", None)
        'test'
    """
    return f"{subject.name} {split}" if against is not None else split


def leak_order(of_split: str, in_split: str) -> tuple[int, int]:
    """Return a sort key for leaks of one split into another.

    Args:
        of_split: A split's name.
        in_split: Another split's name.

    Returns:
        A key that sorts test in train first, then validation in train.

    Example:
        >>> leak_order("test", "train") < leak_order("train", "test")
        True
    """
    return SPLITS.index(in_split), -SPLITS.index(of_split)
