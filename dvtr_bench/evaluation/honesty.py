"""Honesty checks: pairs are scored again among other items, and their scores must not change.

The scores of a sample of pairs are kept from the run. Then the same pairs are scored

- with the queries shuffled and in other blocks, against the same videos;
- with the gallery shuffled and in other chunks, for the same captions;
- with captions, and with videos, encoded again in another order and other batches.

A `pairwise` model must pass all checks. The scores of a `query_block` model may depend on the other
texts of their block, so its queries stay in their blocks; at block 1 it must pass all checks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError, ProtocolError
from dvtr_bench.features.encode import select_rows
from dvtr_bench.ranking.blocks import Block, cut
from dvtr_bench.ranking.movement import (
    CAPTIONS_ENCODED_AGAIN,
    GALLERY_SHUFFLED,
    LARGEST_MOVE,
    LARGEST_SHARE_EXCHANGED,
    QUERIES_SHUFFLED,
    VIDEOS_ENCODED_AGAIN,
    HonestyCheck,
    measure,
)
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.evaluation.ranking import Scorer
    from dvtr_bench.models.retriever import Features

Rows = NDArray[np.int64]

SCORE_STEPS: Final = 16
"""Floating-point steps by which another order of summation may change a score."""

ENCODE_STEPS: Final = 64
"""The same for an encoder, which may use other kernels in every layer for other batch sizes."""


@dataclass(frozen=True)
class SampleConfig:
    """How many items are scored again.

    Attributes:
        captions: Captions drawn from the whole split.
        videos: Videos drawn from the whole gallery.
        encoded_captions: Captions encoded again.
        encoded_videos: Videos decoded and encoded again.
        piece: Items of a piece when queries or gallery are divided again.
        seed: Seed for drawing and shuffling, and of the order in which captions are encoded and
            scored (`dvtr_bench.evaluation.one_pass`). It changes no rank of an honest model.
    """

    captions: int = 128
    videos: int = 128
    encoded_captions: int = 64
    encoded_videos: int = 8
    piece: int = 37
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the seed."""
        if self.seed < 0:
            raise ConfigError(f"the seed of the checks must be at least 0, found {self.seed}")


class HonestySample:
    """A sample of pairs whose scores are kept from the run, to be compared later.

    Attributes:
        captions: Rows drawn from the whole split, ascending.
        videos: Columns drawn from the whole gallery, ascending.
        run: Consecutive captions, in whole text blocks.
        chunk: Consecutive videos, one chunk of the grid.
    """

    def __init__(self, scorer: "Scorer", config: SampleConfig) -> None:
        """Draw the sample.

        Args:
            scorer: Scorer of the run, with its sizes and blocks.
            config: Sizes of the sample.
        """
        grid = scorer.grid
        self._config = config
        self._random = np.random.default_rng(config.seed)
        self.captions = self._draw(grid.num_captions, config.captions)
        self.videos = self._draw(grid.num_videos, config.videos)
        block = scorer.text_block
        runs = list(cut(grid.num_captions, max(1, config.encoded_captions // block) * block))
        chunks = list(cut(grid.num_videos, grid.block_videos))
        self.run: slice = runs[self._random.integers(len(runs))]
        self.chunk: slice = chunks[self._random.integers(len(chunks))]
        self._rows = np.union1d(self.captions, _range(self.run))
        self._columns = np.union1d(self.videos, _range(self.chunk))
        self._scores = np.full((len(self._rows), len(self._columns)), np.nan)
        # Copies from before the run: a model could leave notes for the checks in what it is given.
        self._texts = _rows_of(scorer.texts, self._rows)
        self._videos = _rows_of(scorer.videos, self._columns)

    def add(self, scores: torch.Tensor, block: Block) -> None:
        """Keep the scores of the sample in a block of the run.

        Args:
            scores: float, captions x videos of the block.
            block: The block.
        """
        rows, columns = _within(self._rows, block.captions), _within(self._columns, block.videos)
        inside = np.ix_(
            self._rows[rows] - block.captions.start, self._columns[columns] - block.videos.start
        )
        if inside[0].size and inside[1].size:
            there = tuple(torch.from_numpy(index).to(scores.device) for index in inside)
            self._scores[rows, columns] = scores[there].cpu().double().numpy()

    @property
    def kept(self) -> NDArray[np.float64]:
        """float64, sample captions x sample videos; NaN for pairs that were not in any block."""
        return self._scores

    def take(self, kept: NDArray[np.float64]) -> None:
        """Add the scores that another process kept of the same sample.

        Args:
            kept: Its `kept`.
        """
        self._scores = np.where(np.isnan(self._scores), kept, self._scores)

    def scores(self, captions: Rows, videos: Rows) -> NDArray[np.float64]:
        """Return the scores of the run.

        Args:
            captions: Rows of the sample.
            videos: Columns of the sample.

        Returns:
            float64, captions x videos.
        """
        places = np.searchsorted(self._rows, captions), np.searchsorted(self._columns, videos)
        found: NDArray[np.float64] = self._scores[np.ix_(*places)]
        return found

    def texts(self, captions: Rows) -> "Features":
        """Return the features of captions of the sample, as they were before the run."""
        return _rows_of(self._texts, np.searchsorted(self._rows, captions))

    def videos_of(self, videos: Rows) -> "Features":
        """Return the features of videos of the sample, as they were before the run."""
        return _rows_of(self._videos, np.searchsorted(self._columns, videos))

    def require_untouched(self, scorer: "Scorer") -> None:
        """Refuse a model that changed the features that it was given.

        Args:
            scorer: Scorer of the run, after it.

        Raises:
            ProtocolError: Features of the sample are others than before the run.
        """
        now = {
            "texts": (self._texts, _rows_of(scorer.texts, self._rows)),
            "videos": (self._videos, _rows_of(scorer.videos, self._columns)),
        }
        for side, (before, after) in now.items():
            for name, value in before.items():
                if not torch.equal(value.nan_to_num(), after[name].nan_to_num()):
                    raise ProtocolError(
                        f"{scorer.name}: score changed its argument {side}[{name!r}], in which it "
                        "could leave notes about the other items for later calls: change a copy, "
                        "such as x = x / norm in place of x /= norm"
                    )

    def pieces(self, items: Rows) -> list[Rows]:
        """Shuffle items and divide them into pieces.

        Args:
            items: Rows or columns.

        Returns:
            The pieces, at least two if there are two items.
        """
        shuffled = self._random.permutation(items)
        size = max(1, min(self._config.piece, len(items) // 2))
        return [shuffled[piece] for piece in cut(len(items), size)]

    def encoded_videos(self) -> Rows:
        """Draw the videos to encode again from those of the sample."""
        return self._draw_from(self.videos, self._config.encoded_videos)

    def _draw(self, count: int, size: int) -> Rows:
        return self._draw_from(np.arange(count), size)

    def _draw_from(self, items: Rows, size: int) -> Rows:
        drawn = self._random.choice(items, size=min(size, len(items)), replace=False)
        return np.sort(drawn)


def check_honesty(
    scorer: "Scorer",
    sample: HonestySample,
    *,
    encode_captions: Callable[[Sequence[Rows]], "Features"],
    encode_videos: Callable[[Sequence[Rows]], "Features"],
) -> tuple[HonestyCheck, ...]:
    """Score the sample again among other items, and refuse a model whose scores change.

    Args:
        scorer: Scorer of the run.
        sample: The sample with its scores from the run.
        encode_captions: Encodes captions again, each piece in its own batch, in order.
        encode_videos: Encodes videos again in the same way.

    Returns:
        The result of each check.

    Raises:
        ProtocolError: A score changed by more than the tolerance, candidates changed places, or
            features were changed.
    """
    sample.require_untouched(scorer)
    checks = []
    if scorer.text_block == 1:
        checks.append(_shuffled_queries(scorer, sample))
    checks.append(_shuffled_gallery(scorer, sample))
    checks.append(_captions_encoded_again(scorer, sample, encode_captions))
    checks.append(_videos_encoded_again(scorer, sample, encode_videos))
    for check in checks:
        if not check.passed:
            raise ProtocolError(refusal(scorer, check))
    return tuple(checks)


def _shuffled_queries(scorer: "Scorer", sample: HonestySample) -> HonestyCheck:
    pieces = sample.pieces(sample.captions)
    videos = sample.videos_of(_range(sample.chunk))
    again = [scorer.score_features(sample.texts(piece), videos) for piece in pieces]
    before = sample.scores(np.concatenate(pieces), _range(sample.chunk))
    return measure(QUERIES_SHUFFLED, before, _array(again, 0), rounding_steps=SCORE_STEPS)


def _shuffled_gallery(scorer: "Scorer", sample: HonestySample) -> HonestyCheck:
    pieces = sample.pieces(sample.videos)
    texts = sample.texts(_range(sample.run))
    again = [scorer.score_features(texts, sample.videos_of(piece)) for piece in pieces]
    before = sample.scores(_range(sample.run), np.concatenate(pieces))
    return measure(GALLERY_SHUFFLED, before, _array(again, 1), rounding_steps=SCORE_STEPS)


def _captions_encoded_again(
    scorer: "Scorer", sample: HonestySample, encode: Callable[[Sequence[Rows]], "Features"]
) -> HonestyCheck:
    rows = _range(sample.run)
    features = _reordered(sample.pieces(rows), rows, encode)
    again = scorer.score_features(features, sample.videos_of(_range(sample.chunk)))
    return measure(
        CAPTIONS_ENCODED_AGAIN,
        sample.scores(rows, _range(sample.chunk)),
        _array([again], 0),
        rounding_steps=ENCODE_STEPS,
        cap=np.inf,
    )


def _videos_encoded_again(
    scorer: "Scorer", sample: HonestySample, encode: Callable[[Sequence[Rows]], "Features"]
) -> HonestyCheck:
    columns = sample.encoded_videos()
    features = _reordered(sample.pieces(columns), columns, encode)
    again = scorer.score_features(sample.texts(_range(sample.run)), features)
    return measure(
        VIDEOS_ENCODED_AGAIN,
        sample.scores(_range(sample.run), columns),
        _array([again], 1),
        rounding_steps=ENCODE_STEPS,
        cap=np.inf,
    )


def _reordered(
    pieces: Sequence[Rows], rows: Rows, encode: Callable[[Sequence[Rows]], "Features"]
) -> "Features":
    """Encode pieces and return the features in the order of the rows."""
    features = encode(pieces)
    return _rows_of(features, np.argsort(np.concatenate(pieces)))


def refusal(scorer: "Scorer", check: HonestyCheck) -> str:
    """Return why a model that failed a check is not ranked, and what to do."""
    name = scorer.retriever.name
    if scorer.retriever.scoring == "pairwise":
        claim = "claims pairwise scoring"
        step = "declare scoring = 'query_block', or make each score depend on its own pair alone"
    else:
        claim = f"claims that a score depends on the texts of its block ({scorer.text_block}) alone"
        step = "make the scores depend on nothing else"
    if check.moved_little:
        return (
            f"{name} {claim}, but with {check.check} {100 * (check.exchanged or 0):.1f}% of the "
            f"candidates that follow each other changed places at some height of the rankings "
            f"({count_of(check.pairs, 'pair')} scored again, at most "
            f"{100 * LARGEST_SHARE_EXCHANGED:g}% pass "
            f"as rounding): it is not ranked. To go on, {step}"
        )
    return (
        f"{name} {claim}, but with {check.check} a score moved by {check.largest_move:.3g} "
        f"({count_of(check.pairs, 'pair')} scored again, at most {check.tolerance:.3g} passes as "
        "rounding: the "
        f"protocol allows {LARGEST_MOVE}, or that share of the range of the scores): it is not "
        f"ranked. To go on, {step}"
    )


def _array(parts: Sequence[torch.Tensor], axis: int) -> NDArray[np.float64]:
    joined: NDArray[np.float64] = torch.cat(list(parts), dim=axis).cpu().double().numpy()
    return joined


def _range(run: slice) -> Rows:
    return np.arange(run.start, run.stop)


def _rows_of(features: "Features", rows: Rows) -> "Features":
    return select_rows(features, torch.from_numpy(rows))


def _within(items: Rows, run: slice) -> slice:
    first, last = np.searchsorted(items, [run.start, run.stop])
    return slice(int(first), int(last))
