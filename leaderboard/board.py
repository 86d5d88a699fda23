"""Records into boards: one for each set of results that may share a table."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dvtr_bench.protocol.ceilings import SharedText
from dvtr_bench.results import ComparableKey, RunRecord, comparable_key, require_comparable
from dvtr_bench.results.record import Ties


@dataclass(frozen=True)
class Cell:
    """One figure of one row.

    Attributes:
        value: The figure; the mean where the row stands for several seeds.
        low: Lower end of the 95% interval; None where the row stands for several seeds.
        high: Upper end of the 95% interval; None where the row stands for several seeds.
        deviation: Standard deviation over seeds; None where the row is a single run.
    """

    value: float
    low: float | None
    high: float | None
    deviation: float | None = None


@dataclass(frozen=True)
class Entry:
    """One row: a model, trained once or with several seeds.

    Attributes:
        label: The model, its text block where it has one, and whether it was brought from outside.
        backbone: Name and weights of its encoders; empty when it states none.
        seeds: Seeds of the runs behind the row.
        num_runs: Runs behind the row.
        figures: By direction, relevance and metric.
        runs: The runs behind the row.
    """

    label: str
    backbone: str
    seeds: tuple[int, ...]
    num_runs: int
    figures: Mapping[tuple[str, str, str], Cell]
    runs: tuple[RunRecord, ...]


@dataclass(frozen=True)
class Board:
    """All results that may stand in one table.

    Attributes:
        key: What they have in common.
        num_videos: Gallery.
        num_captions: Queries of t2v.
        entries: Rows, best strict T2V R@1 first.
        chance: R@k of a random order by direction, percent.
        shared_text: What identical captions leave.
        notes: What a reader must know, one sentence each.
    """

    key: ComparableKey
    num_videos: int
    num_captions: int
    entries: tuple[Entry, ...]
    chance: Mapping[str, Mapping[str, float]]
    shared_text: SharedText
    notes: tuple[str, ...]


def make_boards(records: Iterable[RunRecord]) -> list[Board]:
    """Sort records into boards.

    Args:
        records: Runs of any datasets; each was checked when it was read.

    Returns:
        Boards in order of dataset, split and post-processing.
    """
    sharing: dict[ComparableKey, list[RunRecord]] = {}
    for record in records:
        sharing.setdefault(comparable_key(record), []).append(record)
    ordered = sorted(
        sharing, key=lambda key: (key.dataset, key.split, key.post_processing, key.fingerprint)
    )
    return [_make_board(key, sharing[key]) for key in ordered]


def _make_board(key: ComparableKey, records: Sequence[RunRecord]) -> Board:
    require_comparable(records)
    families: dict[str, list[RunRecord]] = {}
    for record in records:
        families.setdefault(_family(record), []).append(record)
    notes: list[str] = []
    entries = [_make_entry(family, notes) for family in families.values()]
    entries.sort(key=lambda entry: -_headline(entry))
    for record in records:
        notes += record.left_out
        notes += _tie_notes(record)
    first = records[0]
    return Board(
        key=key,
        num_videos=first.dataset.num_videos,
        num_captions=first.dataset.num_captions,
        entries=tuple(entries),
        chance=first.chance,
        shared_text=first.shared_text,
        notes=tuple(dict.fromkeys(notes)),
    )


def _tie_notes(record: RunRecord) -> list[str]:
    """Say by how much the order of equal scores could raise a run's R@1, where it could."""
    raised = [
        f"{direction} R@1 by {gain:.1f} ({ties.queries} queries)"
        for direction, ties in record.ties.items()
        if (gain := _tie_gain(record, direction, ties)) > 0
    ]
    if not raised:
        return []
    return [f"{record.label}: equal scores, counted against it, cost {', '.join(raised)}."]


def _tie_gain(record: RunRecord, direction: str, ties: Ties) -> float:
    return ties.optimistic["R@1"] - record.metrics[direction]["strict"]["R@1"].value


def _family(record: RunRecord) -> str:
    """Name what two runs have in common when they differ in nothing but their seed."""
    model, scoring = record.model, record.scoring
    return json.dumps(
        [record.kind, model.name, model.config, model.backbone, scoring.text_block],
        sort_keys=True,
        default=str,
    )


def _make_entry(family: Sequence[RunRecord], notes: list[str]) -> Entry:
    newest: dict[tuple[int, ...], RunRecord] = {}
    for record in sorted(family, key=lambda record: record.environment.date_utc):
        newest[record.model.seeds] = record
    runs = list(newest.values())
    first = runs[0]
    label = first.label if first.kind == "model" else f"{first.label} (external)"
    if len(family) > len(runs):
        older = len(family) - len(runs)
        notes.append(
            f"{label}: the newest run of each seed is shown; {older} older "
            f"{'run is' if older == 1 else 'runs are'} left out."
        )
    return Entry(
        label=label,
        backbone=first.model.backbone or "",
        seeds=tuple(sorted(seed for run in runs for seed in run.model.seeds)),
        num_runs=len(runs),
        figures=_figures(runs),
        runs=tuple(runs),
    )


def _figures(runs: Sequence[RunRecord]) -> dict[tuple[str, str, str], Cell]:
    figures: dict[tuple[str, str, str], Cell] = {}
    for direction, kinds in runs[0].metrics.items():
        for relevance, metrics in kinds.items():
            for name, figure in metrics.items():
                place = (direction, relevance, name)
                if len(runs) == 1:
                    figures[place] = Cell(figure.value, figure.low, figure.high)
                else:
                    values = [run.metrics[direction][relevance][name].value for run in runs]
                    figures[place] = Cell(
                        statistics.mean(values), None, None, statistics.stdev(values)
                    )
    return figures


def _headline(entry: Entry) -> float:
    cell = entry.figures.get(("t2v", "strict", "R@1"))
    return cell.value if cell else -1.0
