"""Sort records into boards: one for each set of results that can share a table."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dvtr_bench.models.entry import EARLIER_BEHAVIOUR
from dvtr_bench.ranking.ceilings import SharedText
from dvtr_bench.ranking.group_figures import FEW, are_few
from dvtr_bench.ranking.seed_means import SeedMeans
from dvtr_bench.reports.others_text import one_line
from dvtr_bench.results import (
    ComparableKey,
    RunRecord,
    SeedRuns,
    Setup,
    by_setup,
    comparable_key,
    require_comparable,
)
from dvtr_bench.results.setups import contamination
from dvtr_bench.runtime.terminal import count_of

SEEN: Final = "may have seen test clips"
"""The mark of a row whose model may have seen clips of the split in training."""


@dataclass(frozen=True)
class Cell:
    """One figure of one row.

    Attributes:
        value: The figure; the mean if the row has several seeds.
        low: Lower end of its bootstrap interval over videos; None where it has none.
        high: Upper end of its bootstrap interval over videos; None where it has none.
        deviation: Sample standard deviation over seeds; None where the row is a single run.
    """

    value: float
    low: float | None
    high: float | None
    deviation: float | None = None


@dataclass(frozen=True)
class Entry:
    """One row: a model, trained once or with several seeds.

    Attributes:
        label: The model, its text block if it has one, and whether its scores are external.
        variant: The settings in which it differs from other rows with that label; empty if there
            are none.
        backbone: Name and weights of its encoders; empty if not stated.
        seeds: Seeds of the runs behind the row.
        num_runs: Number of runs behind the row.
        figures: By direction, relevance and metric.
        runs: The runs behind the row.
    """

    label: str
    variant: str
    backbone: str
    seeds: tuple[int, ...]
    num_runs: int
    figures: Mapping[tuple[str, str, str], Cell]
    runs: tuple[RunRecord, ...]

    def __repr__(self) -> str:
        """Name, seeds and T2V R@1."""
        cell = self.figures.get(("t2v", "strict", "R@1"))
        recall = "" if cell is None else f", T2V R@1 {cell.value:.1f}"
        return f"Entry({one_line(self.name, 120)}, {count_of(self.num_runs, 'run')}{recall})"

    @property
    def contamination(self) -> str:
        """Why its model may have seen clips of the split in training; empty if nothing says so."""
        return next(filter(None, map(contamination, self.runs)), "")

    @property
    def name(self) -> str:
        """Label and variant: unique on the board."""
        return f"{self.label}, {self.variant}" if self.variant else self.label


@dataclass(frozen=True)
class Board:
    """All results that can share one table.

    Attributes:
        key: What they have in common.
        num_videos: Gallery.
        num_captions: Queries of t2v.
        entries: Rows, best strict T2V R@1 first.
        chance: R@k of a random order by direction, percent.
        shared_text: How many captions are shared, and the ceiling.
        notes: Sentences for readers.
    """

    key: ComparableKey
    num_videos: int
    num_captions: int
    entries: tuple[Entry, ...]
    chance: Mapping[str, Mapping[str, float]]
    shared_text: SharedText
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Dataset, sizes and number of rows."""
        from leaderboard.tables import board_title

        rows = count_of(len(self.entries), "row")
        return f"Board({one_line(board_title(self), 200)}, {rows})"

    def _repr_html_(self) -> str:
        from leaderboard.html import board_html

        return board_html(self)


def make_boards(records: Iterable[RunRecord]) -> list[Board]:
    """Sort records into boards.

    Args:
        records: Runs of any datasets.

    Returns:
        Boards in order of dataset, split and post-processing, raw scores first.
    """
    sharing: dict[ComparableKey, list[RunRecord]] = {}
    for record in records:
        sharing.setdefault(comparable_key(record), []).append(record)
    ordered = sorted(
        sharing,
        key=lambda key: (
            key.dataset,
            key.split,
            key.post_processing != "none",
            key.post_processing,
            key.fingerprint,
        ),
    )
    return [_make_board(key, sharing[key]) for key in ordered]


def _make_board(key: ComparableKey, records: Sequence[RunRecord]) -> Board:
    require_comparable(records)
    setups = by_setup(records)
    variants = _variants(setups)
    entries = [_make_entry(runs, variant) for runs, variant in zip(setups, variants, strict=True)]
    entries.sort(key=lambda entry: -_headline(entry))
    notes = [
        note
        for runs, variant in zip(setups, variants, strict=True)
        for note in _older_notes(runs, variant)
    ]
    for record in records:
        notes += record.left_out
    for entry in entries:
        notes += _tie_notes(entry)
        if cut := next(filter(None, (run.cut_captions for run in entry.runs)), None):
            notes.append(f"{entry.name}: {cut}")
        if entry.contamination:
            notes.append(f"{entry.name}: {SEEN}. {entry.contamination}")
    first = records[0]
    with_captions = len(first.rank_table.query_videos("v2t"))
    if are_few(first.dataset.num_captions, with_captions):
        notes.append(
            f"This split has {first.dataset.num_captions} captions of {with_captions} videos: with "
            f"fewer than {FEW}, figures say little."
        )
    return Board(
        key=key,
        num_videos=first.dataset.num_videos,
        num_captions=first.dataset.num_captions,
        entries=tuple(entries),
        chance=first.chance,
        shared_text=first.shared_text,
        notes=tuple(dict.fromkeys(notes)),
    )


def _label(record: RunRecord) -> str:
    return record.label if record.kind == "model" else f"{record.label} (external)"


def _variants(setups: Sequence[SeedRuns]) -> list[str]:
    """Tell the rows of each label apart."""
    labels = [_label(runs.runs[0]) for runs in setups]
    variants = [""] * len(setups)
    for label in dict.fromkeys(labels):
        indices = [index for index, other in enumerate(labels) if other == label]
        for index, variant in zip(
            indices, tell_apart([setups[index].setup for index in indices]), strict=True
        ):
            variants[index] = variant
    return variants


def _make_entry(setup_runs: SeedRuns, variant: str) -> Entry:
    first = setup_runs.runs[0]
    return Entry(
        label=_label(first),
        variant=variant,
        backbone=first.model.backbone or "",
        seeds=setup_runs.seeds,
        num_runs=len(setup_runs.runs),
        figures=_figures(setup_runs.runs),
        runs=setup_runs.runs,
    )


def _figures(runs: Sequence[RunRecord]) -> dict[tuple[str, str, str], Cell]:
    if len(runs) == 1:
        return {
            (direction, relevance, name): Cell(figure.value, figure.low, figure.high)
            for direction, kinds in runs[0].metrics.items()
            for relevance, metrics in kinds.items()
            for name, figure in metrics.items()
        }
    means = SeedMeans.of([run.rank_table for run in runs], runs[0].bootstrap)
    figures: dict[tuple[str, str, str], Cell] = {}
    for key in means.values:
        figure = means.figure(*key)
        figures[key] = Cell(figure.mean, figure.low, figure.high, figure.deviation)
    return figures


def _headline(entry: Entry) -> float:
    cell = entry.figures.get(("t2v", "strict", "R@1"))
    return cell.value if cell else -1.0


def _older_notes(setup_runs: SeedRuns, variant: str) -> Iterator[str]:
    if setup_runs.num_older:
        label = ", ".join(part for part in (_label(setup_runs.runs[0]), variant) if part)
        number = (
            f"{setup_runs.num_older} older {'run is' if setup_runs.num_older == 1 else 'runs are'}"
        )
        yield f"{label}: the newest run of each seed is shown; {number} left out."


def _tie_notes(entry: Entry) -> Iterator[str]:
    """Yield how much a different order of equal scores could raise a row's R@1."""
    raised = []
    for direction in dict.fromkeys(
        direction_name for run in entry.runs for direction_name in run.ties
    ):
        gain, queries = max(_tie_gain(run, direction) for run in entry.runs)
        if gain > 0:
            raised.append(f"{direction} R@1 by {gain:.1f} ({queries} queries)")
    if raised:
        most = "" if entry.num_runs == 1 else "up to this in one seed: "
        yield f"{entry.name}: equal scores, counted against it, cost {most}{', '.join(raised)}."


def _tie_gain(record: RunRecord, direction: str) -> tuple[float, int]:
    ties = record.ties.get(direction)
    if ties is None:
        return 0.0, 0
    return ties.optimistic["R@1"] - record.metrics[direction]["strict"]["R@1"].value, ties.queries


_HASHES: Final = ("backbone weights", "trained on build")
"""Traits of which the first digits suffice."""


def tell_apart(setups: Sequence[Setup]) -> list[str]:
    """Name the settings in which rows with the same label differ.

    Args:
        setups: Setups of rows with the same label.

    Returns:
        One text for each, such as ``pooling=mean, epochs=10``; can be empty. A value shared by more
        than half of the rows is named only for the others.

    Example:
        >>> tell_apart([])
        []
    """
    traits: list[Mapping[str, str]] = [dict(setup.traits) for setup in setups]
    names = sorted({name for setup_traits in traits for name in setup_traits})
    differences: list[list[str]] = [[] for _ in setups]
    for name in names:
        # A setting that is as it was before it existed is in no setup.
        unstated = json.dumps(EARLIER_BEHAVIOUR.get(name.removeprefix("config.")))
        values = [setup_traits.get(name, unstated) for setup_traits in traits]
        (usual, count), *_ = Counter(values).most_common(1)
        if count == len(values):
            continue
        for texts, value in zip(differences, values, strict=True):
            if value != usual or count * 2 <= len(values):
                texts.append(_setting_text(name, value))
    return [", ".join(texts) for texts in differences]


def _setting_text(name: str, value: str) -> str:
    decoded = json.loads(value)
    if isinstance(decoded, str):
        shown = decoded[:8] if name in _HASHES else decoded
    else:
        shown = {"null": "none"}.get(value, value)
    setting = name.removeprefix("config.").removeprefix("recipe.")
    return f"{setting} {shown}" if " " in setting else f"{setting}={shown}"
