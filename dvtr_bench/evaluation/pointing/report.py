"""Printing and writing of pointing scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from dvtr_bench.evaluation.pointing.score import Pointing
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.checkpoint import write_json
from dvtr_bench.runtime.terminal import count_of

FORMAT_VERSION: Final = 1

MEANINGS: Final = {
    "mass": "share of the map inside the boxes of the objects that the caption names",
    "maxima": "share of the map's maxima inside them, one in each frame",
    "uniform": "what both are for a map that looks everywhere alike",
    "average": "the mass of this map averaged over the split, the same for every video",
    "gain": "95% interval of a difference, by bootstrap over videos",
}

_HEADINGS: Final = (
    "mass",
    "maxima",
    "uniform",
    "average",
    "mass - uniform",
    "maxima - uniform",
    "mass - average",
)


def print_pointing(scores: Sequence[Pointing], title: str, console: Console | None = None) -> None:
    """Print scores as a table, in percent.

    Args:
        scores: At least one score.
        title: Name of the model and the dataset.
        console: The console; None for standard output.
    """
    counts = (
        f"{count_of(scores[0].num_captions, 'caption')} of "
        f"{count_of(scores[0].num_videos, 'video')}"
    )
    table = Table(
        title=f"{title}: what lies in the boxes of what a caption names, %; {counts}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="",
    )
    table.add_column("map")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for score in scores:
        shares = (score.mass, score.maxima, score.uniform, score.average)
        gains = (score.mass_gain, score.maxima_gain, score.average_gain)
        table.add_row(
            score.name,
            *(f"{100 * share:.1f}" for share in shares),
            *(f"{100 * low:+.1f} to {100 * high:+.1f}" for low, high in gains),
        )
    (console or make_console()).print(table)


def write_pointing(scores: Sequence[Pointing], about: Mapping[str, Any], path: Path) -> Path:
    """Write scores and their meanings as JSON.

    Args:
        scores: The scores.
        about: Model, checkpoint, dataset and split, as JSON values.
        path: The file; its folder must exist.

    Returns:
        The path written.
    """
    content = {
        "format_version": FORMAT_VERSION,
        **about,
        "meanings": MEANINGS,
        "scores": [score.as_json() for score in scores],
    }
    write_json(path, content)
    return path
