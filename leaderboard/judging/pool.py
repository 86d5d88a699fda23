"""Pools of pairs to judge: what the top lists of several runs propose, in an order of no rank."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from dvtr_bench.dataset.fingerprint import Fingerprint, canonical_json, ids_sha256
from dvtr_bench.errors import ConfigError, InputError, ResultError
from dvtr_bench.ranking import Direction
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.runtime.terminal import count_of
from leaderboard.judging.facts import FITS, JudgedSplit, PooledRun, PoolFacts, Queries
from leaderboard.judging.judgements import Judgements

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.reports.kept_clips import KeptSplit
    from leaderboard.result_files import ResultFile

FORMAT_VERSION: Final = 1

POOLED: Final[tuple[Direction, ...]] = ("t2v", "v2t_caption")
"""Directions that can be pooled; a candidate of v2t is a set, and people judge single captions."""

Known: TypeAlias = Literal["", "own", "text", "judged"]
"""Why nobody is asked about a pair: the caption's own clip, a clip that has its text, or judged
before. Empty for a pair to judge."""

_ID_DIGITS: Final = 16


@dataclass(frozen=True)
class PoolOptions:
    """How a pool is made.

    Attributes:
        depth: Candidates that are taken of each list.
        directions: ``t2v``, ``v2t_caption`` or both.
        queries: Number of queries of each direction, drawn at random; None for all.
        batch_pairs: Most pairs of a batch, unless a single query has more.
        seed: Of the order and the draw.
    """

    depth: int = 10
    directions: tuple[Direction, ...] = ("t2v",)
    queries: int | None = None
    batch_pairs: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers and the directions."""
        queries = 1 if self.queries is None else self.queries
        if min(self.depth, self.batch_pairs, queries) < 1 or self.seed < 0:
            raise ConfigError(
                f"a pool needs a depth, a size of batches and a number of queries from 1 and a "
                f"seed from 0, found {self}"
            )
        unknown = [name for name in self.directions if name not in POOLED]
        if unknown or not self.directions or len(set(self.directions)) != len(self.directions):
            found = ", ".join(self.directions) or "none"
            raise ConfigError(f"a pool takes each of {', '.join(POOLED)} once, found {found}")


@dataclass(frozen=True)
class Pair:
    """A caption and a clip.

    Attributes:
        pair: An id, the same in every pool of the split.
        batch: Number of its batch, from 1; 0 for a known pair.
        caption_id: Of the caption.
        video_id: Of the clip.
        caption: The text.
        known: Why nobody is asked.
        grade: Of a known pair; None for one to judge.
    """

    pair: str
    batch: int
    caption_id: str
    video_id: str
    caption: str
    known: Known = ""
    grade: int | None = None


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs to judge, and those that are known.

    Attributes:
        facts: What it was made from.
        pairs: All pairs: those to judge batch by batch, then the known ones. The own pair of every
            caption of the split is among the known.
    """

    facts: PoolFacts
    pairs: tuple[Pair, ...]

    def __repr__(self) -> str:
        """Split, number of pairs and batches."""
        return (
            f"Pool({self.facts.dataset.title}: {count_of(len(self.to_judge), 'pair')} to judge in "
            f"{count_of(self.num_batches, 'batch')}, {count_of(len(self.facts.runs), 'run')})"
        )

    @property
    def to_judge(self) -> tuple[Pair, ...]:
        """The pairs to judge, in order."""
        return tuple(pair for pair in self.pairs if not pair.known)

    @property
    def num_batches(self) -> int:
        """Number of batches."""
        return max((pair.batch for pair in self.pairs), default=0)

    @property
    def own(self) -> dict[str, str]:
        """The clip of each caption, in row order."""
        return {pair.caption_id: pair.video_id for pair in self.pairs if pair.known == "own"}

    @property
    def texts(self) -> tuple[str, ...]:
        """The captions, in row order."""
        return tuple(pair.caption for pair in self.pairs if pair.known == "own")

    def batch(self, number: int) -> tuple[Pair, ...]:
        """Return the pairs of a batch, in order."""
        return tuple(pair for pair in self.pairs if pair.batch == number)

    def known_counts(self) -> Mapping[str, int]:
        """Return how many proposed pairs are known, by reason; own clips that no run listed too."""
        counts: dict[str, int] = {}
        for pair in self.pairs:
            if pair.known:
                counts[pair.known] = counts.get(pair.known, 0) + 1
        return counts


def pool_of(
    files: "Sequence[ResultFile]",
    split: "RetrievalSplit | KeptSplit",
    options: PoolOptions,
    earlier: Judgements | None = None,
) -> Pool:
    """Make a pool from the top lists of runs.

    Args:
        files: Runs on one split, with their top lists.
        split: The split, for its captions.
        options: How.
        earlier: Judgements of the same split, whose pairs are not asked again.

    Returns:
        The pool. It does not depend on the order of the runs.

    Raises:
        InputError: There are no runs, or a list is shorter than the depth.
        IncomparableError: The runs, or the judgements, are of different splits.
        NotFoundError: A run has no top lists.
        ResultError: The lists are of other queries than the split's.
    """
    if not files:
        raise InputError("a pool needs at least one result file, found none")
    dataset = JudgedSplit.of(files[0].record)
    for file in files:
        dataset.require_same(JudgedSplit.of(file.record), file.stem)
    if earlier is not None:
        dataset.require_same(earlier.dataset, "the file of earlier judgements")
    if (
        ids_sha256(split.caption_ids) != dataset.queries_sha256
        or ids_sha256(split.video_ids) != dataset.gallery_sha256
    ):
        raise ResultError(f"the runs searched other captions or clips than {dataset.title} has")
    queries = _chosen_queries(split, options)
    own = {
        caption: split.video_ids[row]
        for caption, row in zip(split.caption_ids, split.caption_video_index.tolist(), strict=True)
    }
    given = earlier or Judgements.of(dataset, own, split.captions, {}, queries=queries)
    pairs = _Pairs(dataset, dict(zip(split.caption_ids, split.captions, strict=True)), given)
    for group in _groups(files, queries, options):
        pairs.add(group, options.batch_pairs)
    listed = pairs.listed()
    return Pool(
        PoolFacts(
            FORMAT_VERSION,
            fingerprint_of(listed, options.seed),
            dataset,
            options.depth,
            queries,
            options.seed,
            options.batch_pairs,
            tuple(sorted(map(_pooled_run, files), key=repr)),
            None if earlier is None else earlier.sha256,
        ),
        listed,
    )


def fingerprint_of(pairs: Iterable[Pair], seed: int) -> str:
    """Return a hash of pairs, their order and their batches.

    Args:
        pairs: All pairs of a pool.
        seed: Of the pool.
    """
    fingerprint = Fingerprint({"format_version": FORMAT_VERSION, "seed": seed})
    for pair in pairs:
        fingerprint.add(to_json(pair))
    return fingerprint.hexdigest()


class _Pairs:
    """Pairs as they come: those to judge get batches, the others a reason."""

    def __init__(self, dataset: JudgedSplit, texts: Mapping[str, str], given: Judgements) -> None:
        self._dataset = dataset
        self._texts = texts
        self._given = given
        self._to_judge: list[Pair] = []
        self._same_text: list[Pair] = []
        self._batch = 1
        self._in_batch = 0

    def add(self, group: Sequence[tuple[str, str]], batch_pairs: int) -> None:
        """Add the pairs of one query; they stay in one batch."""
        to_judge = []
        for caption, video in group:
            if video not in self._given.known_videos(caption):
                if video not in self._given.grades.get(caption, {}):
                    to_judge.append((caption, video))
            elif video != self._given.own[caption]:
                self._same_text.append(self._pair(caption, video, "text", FITS))
        if self._in_batch and self._in_batch + len(to_judge) > batch_pairs:
            self._batch, self._in_batch = self._batch + 1, 0
        self._in_batch += len(to_judge)
        self._to_judge += [self._pair(*pair, batch=self._batch) for pair in to_judge]

    def listed(self) -> tuple[Pair, ...]:
        """Return the pairs to judge, then the known ones."""
        own = [self._pair(*pair, "own", FITS) for pair in self._given.own.items()]
        judged = [
            self._pair(caption, video, "judged", grade)
            for caption, graded in self._given.grades.items()
            for video, grade in graded.items()
        ]
        return (*self._to_judge, *own, *self._same_text, *judged)

    def _pair(
        self,
        caption: str,
        video: str,
        known: Known = "",
        grade: int | None = None,
        *,
        batch: int = 0,
    ) -> Pair:
        identity = [self._dataset.fingerprint, self._dataset.split, caption, video]
        digest = hashlib.sha256(canonical_json(identity)).hexdigest()[:_ID_DIGITS]
        return Pair(digest, batch, caption, video, self._texts[caption], known, grade)


def _groups(
    files: "Sequence[ResultFile]", queries: Queries, options: PoolOptions
) -> Iterator[list[tuple[str, str]]]:
    """Yield the pairs of each query, each pair once, queries and pairs in an order drawn by seed.

    Neither ranks nor runs have a part in the order, so nothing in it says who proposed a pair.
    """
    seen: set[tuple[str, str]] = set()
    for direction in options.directions:
        proposed = _proposed(files, direction, options.depth)
        wanted = queries[direction]
        for query in _drawn(proposed if wanted is None else wanted, options.seed, direction):
            pairs = {
                (query, other) if direction == "t2v" else (other, query)
                for other in proposed[query]
            }
            yield sorted(pairs - seen, key=lambda pair: _draw(options.seed, *pair))
            seen |= pairs


def _proposed(
    files: "Sequence[ResultFile]", direction: Direction, depth: int
) -> dict[str, set[str]]:
    """Return the first candidates of each query, of all runs together."""
    proposed: dict[str, set[str]] = {}
    for file in files:
        listed = file.top_lists()[direction]
        kept = max(map(len, listed.candidate_ids), default=0)
        if kept < min(depth, file.record.rank_table.gallery_size(direction)):
            raise InputError(
                f"{file.stem} keeps {count_of(kept, 'candidate')} of each {direction} query: pool "
                f"to depth {kept}, or evaluate it again with --top {depth}"
            )
        for query, candidates in zip(listed.query_ids, listed.candidate_ids, strict=True):
            proposed.setdefault(query, set()).update(candidates[:depth])
    return proposed


def _chosen_queries(split: "RetrievalSplit | KeptSplit", options: PoolOptions) -> Queries:
    """Draw the queries of each direction; None for all of them."""
    ids = {
        "t2v": list(split.caption_ids),
        "v2t_caption": [split.video_ids[row] for row in np.unique(split.caption_video_index)],
    }
    chosen: dict[Direction, tuple[str, ...] | None] = {}
    for direction in options.directions:
        drawn = _drawn(ids[direction], options.seed, direction)
        takes_all = options.queries is None or options.queries >= len(drawn)
        chosen[direction] = None if takes_all else tuple(sorted(drawn[: options.queries]))
    return chosen


def _drawn(ids: Iterable[str], seed: int, direction: Direction) -> list[str]:
    return sorted(ids, key=lambda each: _draw(seed, direction, each))


def _draw(seed: int, *names: str) -> bytes:
    return hashlib.sha256(canonical_json([seed, *names])).digest()


def _pooled_run(file: "ResultFile") -> PooledRun:
    return PooledRun(file.record.label, file.stem, file.record.model.seeds)
