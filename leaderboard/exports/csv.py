"""One table of every figure, a figure a row, as pandas and spreadsheets read it."""

from collections.abc import Sequence
from pathlib import Path

from dvtr_bench.atomic import written_beside
from dvtr_bench.results import to_frame
from leaderboard.exported import Exported, named
from leaderboard.result_files import ResultFile


def export(results: Sequence[ResultFile], folder: Path) -> Exported:
    """Write every figure of every result into one file.

    Args:
        results: Result files, of any datasets.
        folder: Where to.

    Returns:
        ``figures.csv``: the columns of `dvtr_bench.results.to_frame` after ``result``, the name of
        the result file; seeds stand with spaces between them.
    """
    import pandas as pd

    frames = []
    for name, result in named(results):
        frame = to_frame([result.record])
        frame["seeds"] = [" ".join(map(str, seeds)) for seeds in frame["seeds"]]
        # Blocks are whole numbers, of which pandas makes floats beside a run without any.
        for column in ("text_block", "queries", "gallery_size"):
            frame[column] = frame[column].astype("Int64")
        frame.insert(0, "result", name)
        frames.append(frame)
    path = folder / "figures.csv"
    with written_beside(path) as beside:
        pd.concat(frames).to_csv(beside, index=False, lineterminator="\n")
    return Exported((path,))
