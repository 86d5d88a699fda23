"""CSV tables with one row per figure, for pandas and spreadsheets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.reports.others_text import safe_cell
from dvtr_bench.results import seed_summary, to_frame
from dvtr_bench.runtime.files import written_beside
from leaderboard.exported import Exported, named
from leaderboard.result_files import ResultFile

if TYPE_CHECKING:
    import pandas as pd


def export(results: Sequence[ResultFile], folder: Path) -> Exported:
    """Write every figure of every result into one file, and its mean over seeds into another.

    Args:
        results: Result files, of any datasets.
        folder: The output folder.

    Returns:
        ``figures.csv``: the columns of `dvtr_bench.results.to_frame` after ``result``, the name of
        the result file; seeds are separated by spaces, and a text that a spreadsheet would take for
        a formula starts with an apostrophe. If a setup has several seeds, also
        ``seeds.csv``: the columns of `dvtr_bench.results.seed_summary`.
    """
    import pandas as pd

    frames = []
    for name, result in named(results):
        frame = to_frame([result.record])
        frame.insert(0, "result", name)
        _make_plain(frame, ("text_block", "queries", "gallery_size"))
        frames.append(frame)
    path = folder / "figures.csv"
    with written_beside(path) as beside:
        pd.concat(frames).to_csv(beside, index=False, lineterminator="\n")
    summary = seed_summary([result.record for result in results])
    if summary["count"].max() == 1:
        return Exported((path,))
    _make_plain(summary, ("text_block",))
    seeds = folder / "seeds.csv"
    with written_beside(seeds) as beside:
        summary.to_csv(beside, index=False, lineterminator="\n")
    return Exported((path, seeds))


def _make_plain(frame: "pd.DataFrame", integer_columns: Sequence[str]) -> None:
    frame["seeds"] = [" ".join(map(str, seeds)) for seeds in frame["seeds"]]
    for column in frame.columns:
        frame[column] = [
            safe_cell(value) if isinstance(value, str) else value for value in frame[column]
        ]
    # Text blocks are integers, which pandas turns into floats if a run has none.
    for column in integer_columns:
        frame[column] = frame[column].astype("Int64")
