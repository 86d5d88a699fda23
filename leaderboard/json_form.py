"""Boards, studies and comparisons as JSON values, for `--json`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dvtr_bench.reading.json_records import to_json
from dvtr_bench.results.setups import run_letter
from leaderboard.board import Board, make_boards
from leaderboard.row_json import places_of, row_as_json

if TYPE_CHECKING:
    from leaderboard.comparison.differences import Comparison
    from leaderboard.comparison.run_comparison import RunComparison
    from leaderboard.comparison.several import SeveralComparison
    from leaderboard.rank_ranges import FigureKey, RankRange
    from leaderboard.result_files import ResultFile
    from leaderboard.study.figures import StudyFigures


def boards_as_json(boards: Sequence[Board], *, breakdowns: bool = False) -> list[dict[str, Any]]:
    """Return boards as JSON values.

    Args:
        boards: The boards.
        breakdowns: Whether to include each row's figures by group of captions.

    Returns:
        One mapping per board, see `board_as_json`.
    """
    return [board_as_json(board, places_of(board), breakdowns=breakdowns) for board in boards]


def board_as_json(
    board: Board,
    places: "Sequence[Mapping[FigureKey, RankRange]]",
    *,
    breakdowns: bool = False,
) -> dict[str, Any]:
    """Return a board as JSON values, as docs/reference/json.md describes them.

    Args:
        board: The board.
        places: The places that each row may have, as `leaderboard.row_json.places_of` gives them.
        breakdowns: Whether to include each row's figures by group of captions.

    Returns:
        What its rows share (``dataset``, ``split``, ``post_processing`` and so on) and ``rows``,
        best T2V R@1 first.
    """
    return {
        **to_json(board.key),
        "num_videos": board.num_videos,
        "num_captions": board.num_captions,
        "chance": to_json(board.chance),
        "caption_ceiling": board.shared_text.ceiling,
        "shared_captions_percent": board.shared_text.shared_percent,
        "rows": [
            row_as_json(entry, row_places, breakdowns=breakdowns)
            for entry, row_places in zip(board.entries, places, strict=True)
        ],
        "notes": list(board.notes),
    }


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
    return {
        "runs": _runs(compared.files),
        **_comparison(comparison),
        "changed": [
            {**to_json(change), "caption": None if split is None else split.captions[change.query]}
            for change in (*comparison.gained, *comparison.lost)
        ],
        "notes": [*comparison.notes, *compared.evidence.missing],
    }


def comparisons_as_json(compared: "SeveralComparison") -> dict[str, Any]:
    """Return a comparison of several runs as JSON values.

    Args:
        compared: The comparison.

    Returns:
        ``runs`` by letter and ``comparisons``, one for each pair: its letters ``first`` and
        ``second``, ``figures``, ``groups`` and ``notes`` as for two runs.
    """
    letters = list(map(run_letter, range(len(compared.files))))
    return {
        "runs": _runs(compared.files),
        "comparisons": [
            {
                "first": letters[a],
                "second": letters[b],
                **_comparison(comparison),
                "notes": list(comparison.notes),
            }
            for (a, b), comparison in zip(compared.pairs, compared.comparisons, strict=True)
        ],
    }


def _runs(files: "Sequence[ResultFile]") -> dict[str, dict[str, Any]]:
    """Return each run by letter: as a row of one run, with its file."""
    runs = {}
    for place, file in enumerate(files):
        (board,) = make_boards([file.record])
        row = row_as_json(board.entries[0])
        runs[run_letter(place)] = {**row, "file": str(file.path or "")}
    return runs


def _comparison(comparison: "Comparison") -> dict[str, Any]:
    figures: dict[str, dict[str, Any]] = {}
    for key, difference in comparison.figures.items():
        direction, name = key
        figures.setdefault(direction, {})[name] = {
            **to_json(difference),
            "p_corrected": comparison.p_corrected[key],
        }
    return {"figures": figures, "groups": to_json(comparison.groups)}
