"""The typed record of one run, with everything that docs/reference/protocol.md requires."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeAlias

import numpy as np
from pydantic import Field

from dvtr_bench.dataset.contamination import Contamination
from dvtr_bench.models.retriever import Scoring
from dvtr_bench.ranking import DIRECTIONS, Direction, RelevanceKind
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import CutCaptions, SharedText
from dvtr_bench.ranking.figures import Figure
from dvtr_bench.ranking.group_figures import FiguresByGroup
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.ranking.rank_table import Groups, QueryRanks, RankTable, Unit
from dvtr_bench.reading.json_records import (
    MAY_BE_ABSENT,
    ComparedByValue,
    Count,
    Indices,
    NotNegative,
    Percent,
    Positive,
    Ranks,
    Sha256,
    Text,
    keep_read_only,
)
from dvtr_bench.runtime.environment import EnvironmentFacts

RESULT_FORMAT_VERSION: Final = 3
"""Version of the file format; raised when an older reader would misread a newer file."""

Kind: TypeAlias = Literal["model", "external"]
"""``model``: scored by this harness. ``external``: scores or embeddings from outside."""


@dataclass(frozen=True)
class DatasetFacts:
    """What was searched.

    Attributes:
        name: Of the dataset.
        version: Of the dataset.
        fingerprint: Of the dataset: rows and build settings.
        split: ``train``, ``validation`` or ``test``.
        sampling: How frames were sampled, such as ``uniform:12``.
        frames_per_video: Most stored frames of a video; None when no frames were read.
        num_videos: Gallery of t2v.
        num_captions: Queries of t2v.
        num_videos_without_captions: Videos that are candidates but cannot be queries.
        gallery_sha256: Of the video ids in row order.
        queries_sha256: Of the caption ids in row order.
    """

    name: Text
    version: Text
    fingerprint: Text
    split: Annotated[str, Field(pattern="^(train|validation|test)$")]
    sampling: str
    frames_per_video: Positive | None
    num_videos: Annotated[int, Field(ge=1, le=1_000_000_000)]
    num_captions: Positive
    num_videos_without_captions: Count
    gallery_sha256: Sha256
    queries_sha256: Sha256


@dataclass(frozen=True)
class TrainingFacts:
    """How a model was trained here.

    Attributes:
        dataset: Dataset of the train split; the checkpoint was chosen on its validation split.
        fingerprint: Of that dataset.
        recipe: The whole recipe, ``seed`` included (JSON values).
        epoch: Epoch of the checkpoint, from 1.
        validation_t2v_r1: T2V R@1 of the checkpoint on validation, percent.
        version: Version of that dataset.
        shared_clips: On another version of that dataset: clips of the searched split that the
            training has used, by id or file. None where it is the same version, or where the clips
            were not at hand.
    """

    dataset: Text
    fingerprint: Text
    recipe: Mapping[str, Any]
    epoch: Positive
    validation_t2v_r1: Percent
    version: Text | None = field(default=None, metadata=MAY_BE_ABSENT)
    shared_clips: Count | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True)
class ModelFacts:
    """What scored.

    Attributes:
        name: What the model is called in tables.
        config: Its whole configuration (JSON values).
        num_parameters: Trainable and fixed ones; None when not known.
        checkpoint_sha256: Of the checkpoint or of the brought scores; None when nothing was loaded.
        backbone: Name and weights of the encoders; None when there is none.
        backbone_sha256: Of the backbone's weights; None when not known.
        seeds: Seeds that the model was trained with.
        training: How it was trained; None when it was not, or not here.
    """

    name: Text
    config: Mapping[str, Any]
    num_parameters: Count | None
    checkpoint_sha256: Sha256 | None
    backbone: str | None
    backbone_sha256: Sha256 | None
    seeds: tuple[int, ...]
    training: TrainingFacts | None = None


RERANK: Final = "rerank"
"""Name of what a second model does that puts the best candidates in a new order."""


@dataclass(frozen=True)
class PostProcessingFacts:
    """What this harness did to the scores of the whole run.

    Attributes:
        name: Name of a file in `dvtr_bench.evaluation.post_processing`, or `RERANK`.
        config: All its settings (JSON values).
        facts: Facts about this run, such as the size of its bank and the hash of the bank's ids
            (JSON values).
        statement: A sentence about its effect, for readers.
    """

    name: Text
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    statement: Text


@dataclass(frozen=True)
class ScoringFacts:
    """What a score depends on.

    Attributes:
        scoring: ``pairwise`` or ``query_block``.
        text_block: Texts scored together; None for ``pairwise``.
        order: Order of the queries: ``file``.
        post_processing: What was done to the whole sim_matrix afterwards: ``none``, a
            post-processor with its settings, or the statement that came with external scores.
        post_processed: Details, if this harness did it; else None.
        each_way: True where each direction has a sim_matrix of its own before that, as of a model
            with another prompt for queries than for documents; None where one is for both.
    """

    scoring: Scoring
    text_block: Positive | None
    order: Text = "file"
    post_processing: Text = "none"
    post_processed: PostProcessingFacts | None = None
    each_way: Literal[True] | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True)
class Seconds:
    """How long each step of the run took; None for steps not done here."""

    encode_texts: NotNegative | None
    encode_videos: NotNegative | None
    score: NotNegative | None


@dataclass(frozen=True)
class Ties:
    """How far ranks depend on the order of equal scores, under strict relevance.

    Attributes:
        queries: Number of queries whose rank depends on it.
        optimistic: Figures if the relevant candidate comes first among equal scores.
        expected: Figures of the expected ranks.
    """

    queries: Positive
    optimistic: Mapping[str, float]
    expected: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class RankLists(ComparedByValue):
    """Ranks of every query under one kind of relevance.

    Attributes:
        pessimistic: int64, Q, from 1; the protocol's rank.
        optimistic: int64, Q, from 1; None when equal to ``pessimistic``.
    """

    pessimistic: Ranks
    optimistic: Ranks | None

    def __post_init__(self) -> None:
        """Keep the ranks as read-only arrays."""
        keep_read_only(self, "pessimistic", "optimistic")

    def __repr__(self) -> str:
        """Sizes alone."""
        ties = "no ties" if self.optimistic is None else "with ties"
        return f"RankLists({len(self.pessimistic):,} queries, {ties})"

    @classmethod
    def of(cls, ranks: QueryRanks) -> "RankLists":
        """Make the lists from ranks."""
        return cls(ranks.pessimistic, ranks.optimistic if ranks.tied_queries else None)

    def query_ranks(self) -> QueryRanks:
        """Return both ranks of every query."""
        optimistic = self.pessimistic if self.optimistic is None else self.optimistic
        return QueryRanks(self.pessimistic, optimistic)


@dataclass(frozen=True)
class DirectionRanks:
    """Ranks of one direction.

    Attributes:
        strict: Under strict relevance.
        text_identical: Under text-identical relevance; None when equal to ``strict``.
    """

    strict: RankLists
    text_identical: RankLists | None


@dataclass(frozen=True, eq=False)
class Breakdown(ComparedByValue):
    """The figures of a run by group, along one axis.

    Attributes:
        title: Of the axis, for reports.
        unit: What is sorted into groups: ``caption`` or ``video``.
        groups: Their names, in the order of reports.
        codes: int64, an index into ``groups`` for each caption or video, in row order.
        results: By direction and group: number of queries and their figures under strict relevance.
            ``v2t`` is included for axes that sort videos.
    """

    title: Text
    unit: Unit
    groups: Annotated[tuple[Text, ...], Field(min_length=1)]
    codes: Indices
    results: FiguresByGroup

    def __post_init__(self) -> None:
        """Keep the codes as a read-only array."""
        keep_read_only(self, "codes")

    def __repr__(self) -> str:
        """Title and groups."""
        return f"Breakdown({self.title!r}, {len(self.codes):,} {self.unit}s in {self.groups})"

    @classmethod
    def of(cls, groups: Groups, results: FiguresByGroup) -> "Breakdown":
        """Make the breakdown from groups."""
        return cls(groups.title, groups.unit, groups.names, groups.codes, results)

    def as_groups(self) -> Groups:
        """Return the groups without figures, as `compare_groups` takes them."""
        return Groups(self.title, self.unit, self.groups, self.codes)

    def sorts_like(self, other: "Breakdown") -> bool:
        """Tell whether both put the same queries into the same groups."""
        return self.groups == other.groups and np.array_equal(self.codes, other.codes)


@dataclass(frozen=True, eq=False)
class RunRecord(ComparedByValue):
    """One run of the protocol: one JSON file.

    Attributes:
        format_version: Version of the file format.
        protocol_version: Version of the recall protocol.
        kind: Where the scores came from.
        dataset: What was searched.
        model: What scored.
        scoring: What a score depends on.
        environment: Machine, library versions, commit and date.
        honesty: Honesty checks: pairs that were scored again, each way.
        contamination: Why it may have seen these clips in training; None without a sign of it.
        seconds: How long each step took.
        bootstrap: Settings of the intervals.
        metrics: Every figure with its interval.
        left_out: Figures that are not defined for this run, one sentence each.
        cut_captions: Captions that the model read in part; None where it read all, or did not say.
        ties: By direction, where ranks depend on the order of equal scores.
        chance: R@k of a random order by direction, in percent.
        shared_text: How many captions describe several videos, and the resulting ceiling.
        breakdowns: Figures by group of queries, by axis: a file of ``evaluation/breakdowns/``.
        caption_video_index: int64, T: row of each caption's video.
        ranks: Per-query ranks by direction, in row order; for v2t, of videos that have captions.
    """

    format_version: int
    protocol_version: int
    kind: Kind
    dataset: DatasetFacts
    model: ModelFacts
    scoring: ScoringFacts
    environment: EnvironmentFacts
    honesty: tuple[HonestyCheck, ...]
    contamination: Contamination | None = field(default=None, kw_only=True, metadata=MAY_BE_ABSENT)
    seconds: Seconds
    bootstrap: BootstrapConfig
    metrics: Mapping[
        str, Annotated[Mapping[RelevanceKind, Mapping[str, Figure]], Field(min_length=2)]
    ]
    left_out: tuple[Text, ...]
    cut_captions: CutCaptions | None = field(default=None, kw_only=True, metadata=MAY_BE_ABSENT)
    ties: Mapping[str, Ties]
    chance: Mapping[str, Mapping[str, float]]
    shared_text: SharedText
    breakdowns: Mapping[str, Breakdown]
    caption_video_index: Indices
    ranks: Annotated[Mapping[Direction, DirectionRanks], Field(min_length=len(DIRECTIONS))]

    def __post_init__(self) -> None:
        """Keep the index as a read-only array."""
        keep_read_only(self, "caption_video_index")

    def __repr__(self) -> str:
        """Model, dataset, sizes and T2V R@1."""
        from dvtr_bench.reports.others_text import one_line

        figure = self.metrics["t2v"]["strict"]["R@1"]
        recall = f"T2V R@1 {figure.value:.1f} ({figure.low:.1f} to {figure.high:.1f})"
        return f"RunRecord({one_line(self._title(), 200)}: {recall})"

    def _repr_html_(self) -> str:
        from dvtr_bench.reports.html_table import figures_table

        dataset = self.dataset
        sizes = f"{dataset.num_captions:,} captions, {dataset.num_videos:,} videos"
        interval = f"{self.bootstrap.level:.0%} interval by bootstrap over videos below each figure"
        notes = (f"{sizes}; {interval}", *self.left_out)
        return figures_table(self.metrics, title=self._title(), notes=notes)

    def _title(self) -> str:
        dataset = self.dataset
        label = self.label if self.kind == "model" else f"{self.label} (external)"
        seeds = "".join(f", seed {seed}" for seed in self.model.seeds)
        method = self.scoring.post_processing
        after = "" if method == "none" else f", post-processed by {method}"
        return f"{label}{seeds} on {dataset.name} {dataset.version}, {dataset.split}{after}"

    @cached_property
    def rank_table(self) -> RankTable:
        """The ranks as arrays, for figures and paired comparisons."""
        ranks: dict[Direction, Mapping[RelevanceKind, QueryRanks]] = {}
        for direction in DIRECTIONS:
            lists = self.ranks[direction]
            identical = lists.strict if lists.text_identical is None else lists.text_identical
            ranks[direction] = {
                "strict": lists.strict.query_ranks(),
                "text_identical": identical.query_ranks(),
            }
        return RankTable(self.caption_video_index, self.dataset.num_videos, ranks)

    @property
    def label(self) -> str:
        """Name for tables: the model, and its text block where it has one."""
        block = self.scoring.text_block
        return self.model.name if block is None else f"{self.model.name} (block {block})"
