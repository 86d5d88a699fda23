"""The highest R@1 that identical captions allow, and the R@k of a random order.

A caption that two videos share cannot tell them apart. A model that sees only the text ranks either
first with the same probability, so identical captions set a ceiling on T2V R@1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.reading.json_records import Count, Percent, Positive


@dataclass(frozen=True)
class SharedText:
    """How many captions of a split describe more than one video.

    Attributes:
        captions: Number of captions.
        shared_captions: Captions whose text another video also has.
        ceiling: Highest expected T2V R@1, in percent, of a model that sees only the text.
    """

    captions: Positive
    shared_captions: Count
    ceiling: Percent

    @property
    def shared_percent(self) -> float:
        """Percentage of captions whose text another video also has."""
        return 100.0 * self.shared_captions / self.captions


@dataclass(frozen=True)
class CutCaptions:
    """How many captions a model reads in part, and which of them became alike by it.

    Attributes:
        tokens: Tokens of a caption that the model reads.
        cut: Captions that have more.
        alike: Captions that the model reads as it reads a caption of another video, though their
            texts differ.
        ceiling: Highest expected T2V R@1, in percent, of any model that reads the captions so.
    """

    tokens: Positive
    cut: Count
    alike: Count
    ceiling: Percent

    def __str__(self) -> str:
        """Say what was cut and what it costs, in a sentence or two."""
        told = (
            f"{self.cut:,} captions have more than the {self.tokens} tokens that it reads and were "
            "cut"
        )
        if not self.alike:
            return f"{told}; none of them became equal to one of another video."
        return (
            f"{told}; {self.alike:,} became equal to one of another video, which leaves a T2V R@1 "
            f"of at most {self.ceiling:.1f}."
        )


def cut_captions(
    read: NDArray[np.int64],
    is_cut: NDArray[np.bool_],
    captions: Sequence[str],
    caption_video_index: NDArray[np.int64],
) -> CutCaptions:
    """Count the captions that a model reads in part.

    Args:
        read: int64, T x L: the tokens that it reads, equal rows for captions that it reads alike.
        is_cut: bool, T: whether the caption has more tokens.
        captions: T captions of one split.
        caption_video_index: int64, T: the video of each caption.

    Returns:
        The counts and the ceiling.

    Raises:
        InputError: No captions, or not one row and one video index a caption.

    Example:
        >>> tokens, own = np.array([[5, 9], [5, 9], [7, 0]]), np.array([0, 1, 2])
        >>> texts = ["a lake in spring", "a lake in autumn", "a road"]
        >>> cut_captions(tokens, np.array([True, True, False]), texts, own).alike
        2
    """
    if not len(captions) == len(read) == len(is_cut):
        raise InputError(
            f"{len(captions)} captions with tokens of {len(read)} and {len(is_cut)} marks: "
            "expected one of each a caption"
        )
    as_read = videos_with_text([row.tobytes().hex() for row in read], caption_video_index)
    written = videos_with_text(captions, caption_video_index)
    return CutCaptions(
        tokens=read.shape[1],
        cut=int(is_cut.sum()),
        alike=int((as_read > written).sum()),
        ceiling=float(100.0 * (1.0 / as_read).mean()),
    )


def normalise_text(caption: str) -> str:
    """Return a caption stripped and in lower case, for comparison with others.

    Args:
        caption: A caption, verbatim.

    Returns:
        The normalised caption; everything else, including punctuation, is kept.

    Example:
        >>> normalise_text(" A lake. ") == normalise_text("a LAKE.")
        True
    """
    return caption.strip().lower()


def text_ids(captions: Sequence[str]) -> NDArray[np.int64]:
    """Number the texts: captions of the same text get the same number.

    Args:
        captions: T captions.

    Returns:
        int64, T: numbers from 0 in order of first appearance.

    Example:
        >>> text_ids(["a lake", "a road", "A lake "]).tolist()
        [0, 1, 0]
    """
    numbers: dict[str, int] = {}
    ids = (numbers.setdefault(normalise_text(caption), len(numbers)) for caption in captions)
    return np.fromiter(ids, dtype=np.int64, count=len(captions))


def shared_text(captions: Sequence[str], caption_video_index: NDArray[np.int64]) -> SharedText:
    """Count the captions whose text another video has, and compute the resulting ceiling.

    Args:
        captions: T captions of one split.
        caption_video_index: int64, T: the video of each caption.

    Returns:
        The counts and the ceiling: the mean over captions of 1 / (videos that have that text).

    Raises:
        InputError: No captions, or not one video index a caption.

    Example:
        >>> shared_text(["a lake", "a road", "A lake"], np.array([0, 0, 1])).shared_captions
        2
    """
    videos = videos_with_text(captions, caption_video_index)
    return SharedText(
        captions=len(captions),
        shared_captions=int((videos > 1).sum()),
        ceiling=float(100.0 * (1.0 / videos).mean()),
    )


def videos_with_text(
    captions: Sequence[str], caption_video_index: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count the videos that have the text of each caption.

    Args:
        captions: T captions of one split.
        caption_video_index: int64, T: the video of each caption.

    Returns:
        int64, T: 1 for a text that only its own video has.

    Raises:
        InputError: No captions, or not one video index a caption.

    Example:
        >>> videos_with_text(["a lake", "a road", "A lake"], np.array([0, 0, 1])).tolist()
        [2, 1, 2]
    """
    if not len(captions) or len(captions) != len(caption_video_index):
        raise InputError(
            f"{len(captions)} captions with {len(caption_video_index)} video indices: expected at "
            "least one caption and one index for each"
        )
    ids = text_ids(captions)
    pairs = np.unique(np.stack([ids, caption_video_index]), axis=1)
    videos: NDArray[np.int64] = np.bincount(pairs[0])[ids]
    return videos


def identical_caption_ceiling(
    captions: Sequence[str], caption_video_index: NDArray[np.int64]
) -> float:
    """Return the highest T2V R@1 that identical captions allow, in percent.

    Args:
        captions: T captions of one split.
        caption_video_index: int64, T: the video of each caption.

    Returns:
        Percent, 0 to 100.

    Raises:
        InputError: No captions, or not one video index a caption.

    Example:
        >>> identical_caption_ceiling(["a lake", "a lake"], np.array([0, 1]))
        50.0
    """
    return shared_text(captions, caption_video_index).ceiling


def chance(gallery_size: int, k: int, relevant: int = 1) -> float:
    """Return the R@k that a random order of the gallery reaches, in percent.

    Args:
        gallery_size: Number of candidates.
        k: Depth of the recall, at most the gallery's size.
        relevant: Relevant candidates of a query; one of them within the first k is enough.

    Returns:
        Percent: 100 * (1 - C(gallery - relevant, k) / C(gallery, k)).

    Raises:
        InputError: k or the number of relevant candidates does not fit the gallery.

    Example:
        >>> chance(gallery_size=200, k=5)
        2.5
    """
    if not (1 <= k <= gallery_size and 1 <= relevant <= gallery_size):
        raise InputError(
            f"chance of R@{k} with {relevant} relevant of {gallery_size} candidates: both numbers "
            "must be between 1 and the gallery's size"
        )
    orders = comb(gallery_size, k)
    return 100.0 * ((orders - comb(gallery_size - relevant, k)) / orders)
