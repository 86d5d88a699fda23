"""Boards, studies and comparisons as JSON values, for `--json`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dvtr_bench.results import breakdowns_frame
from dvtr_bench.runtime.json_records import to_json
from leaderboard.board import Board, Entry

if TYPE_CHECKING:
    from leaderboard.comparison.run_comparison import RunComparison
    from leaderboard.study.figures import StudyFigures


def boards_as_json(boards: Sequence[Board], *, breakdowns: bool = False) -> list[dict[str, Any]]:
    """Return boards as JSON values.

    Args:
        boards: The boards.
        breakdowns: Whether to include each row's figures by group of captions.

    Returns:
        One mapping per board: what its rows share (``dataset``, ``split``, ``post_processing`` and
        so on) and ``rows``, best T2V R@1 first. A row's ``figures`` are keyed by direction,
        relevance and name: ``figures["t2v"]["strict"]["R@1"]["value"]``.
    """
    return [
        {
            **to_json(board.key),
            "num_videos": board.num_videos,
            "num_captions": board.num_captions,
            "chance": to_json(board.chance),
            "caption_ceiling": board.shared_text.ceiling,
            "shared_captions_percent": board.shared_text.shared_percent,
            "rows": [_row(entry, breakdowns) for entry in board.entries],
            "notes": list(board.notes),
        }
        for board in boards
    ]


def study_as_json(figures: "Sequence[StudyFigures]") -> list[dict[str, Any]]:
    """Return a study's figures as JSON values.

    Args:
        figures: The figures, one item per dataset.

    Returns:
        One mapping per dataset: ``study``, ``dataset``, ``rows`` with R@1 by direction and seed,
        ``answers`` to its questions, its ``conclusion``, and the rows that are ``missing``.
    """
    return [
        {
            "study": dataset_figures.study.name,
            "dataset": dataset_figures.first.dataset.name,
            "rows": [
                {
                    "name": row.row.name,
                    "seeds": list(row.seeds),
                    "R@1": {direction: row.by_seed(direction) for direction in ("t2v", "v2t")},
                }
                for row in dataset_figures.rows
            ],
            "answers": [
                {
                    "question": answer.question.name,
                    "first": answer.question.first,
                    "second": answer.question.second,
                    "direction": answer.direction,
                    "queries": answer.queries,
                    **to_json(answer.difference),
                    "by_seed": to_json(answer.by_seed),
                    "verdict": answer.verdict,
                }
                for answer in dataset_figures.answers
            ],
            "conclusion": dataset_figures.conclusion,
            "missing": list(dataset_figures.missing),
        }
        for dataset_figures in figures
    ]


def comparison_as_json(compared: "RunComparison") -> dict[str, Any]:
    """Return a comparison as JSON values.

    Args:
        compared: The comparison of two runs.

    Returns:
        ``runs``, ``figures`` and ``groups`` with their differences (B - A), ``changed`` captions,
        and ``notes``.
    """
    comparison, split = compared.comparison, compared.evidence.split
    figures: dict[str, dict[str, Any]] = {}
    for (direction, name), difference in comparison.figures.items():
        figures.setdefault(direction, {})[name] = to_json(difference)
    return {
        "runs": {
            letter: {"label": file.record.label, "file": str(file.path or "")}
            for letter, file in zip("AB", compared.files, strict=True)
        },
        "figures": figures,
        "groups": to_json(comparison.groups),
        "changed": [
            {**to_json(change), "caption": None if split is None else split.captions[change.query]}
            for change in (*comparison.gained, *comparison.lost)
        ],
        "notes": [*comparison.notes, *compared.evidence.missing],
    }


def _row(entry: Entry, breakdowns: bool) -> dict[str, Any]:
    figures: dict[str, dict[str, dict[str, Any]]] = {}
    for (direction, relevance, name), cell in entry.figures.items():
        kinds = figures.setdefault(direction, {})
        kinds.setdefault(relevance, {})[name] = to_json(cell)
    row: dict[str, Any] = {
        "name": entry.name,
        "label": entry.label,
        "variant": entry.variant,
        "backbone": entry.backbone,
        "seeds": list(entry.seeds),
        "num_runs": entry.num_runs,
        "figures": figures,
    }
    return {**row, "breakdowns": _breakdowns(entry)} if breakdowns else row


def _breakdowns(entry: Entry) -> list[dict[Any, Any]]:
    columns = ["seeds", "axis", "group", "direction", "metric", "value", "low", "high", "queries"]
    frame = breakdowns_frame(entry.runs)
    # Without breakdowns the frame has no columns.
    return [] if frame.empty else [dict(row) for row in frame[columns].to_dict("records")]
