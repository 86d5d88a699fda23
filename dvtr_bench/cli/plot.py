"""Draw results as a chart for a paper or a page."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.catalog import PLOTS
from dvtr_bench.cli._command import OUTPUT, EntriesInHelp, Json, Runs, out_file, print_json
from dvtr_bench.runtime.terminal import write_line

WHICH = "Which results"

PlottedDataset = Annotated[
    str | None,
    typer.Option(
        help="Name of the dataset.", show_default="the only one there", rich_help_panel=WHICH
    ),
]

PlottedSplit = Annotated[
    str | None,
    typer.Option(
        help="Name of the split.", show_default="the only one there", rich_help_panel=WHICH
    ),
]


class PlotCommand(EntriesInHelp):
    """Lists the kinds on its help page."""

    title = "Kinds"
    catalog = PLOTS


COMMAND_CLASS = PlotCommand


def plot(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Result files, or folders of them.", show_default="./results"),
    ] = None,
    kind: Annotated[str, typer.Option(help="What to draw; the kinds are listed below.")] = "recall",
    out: Annotated[Path, out_file("The chart: .pdf, .svg or .png.")] = Path("plot.pdf"),
    size: Annotated[
        str,
        typer.Option(
            help="column (84 mm), page (175 mm) or a width such as 120mm.", rich_help_panel=OUTPUT
        ),
    ] = "column",
    no_title: Annotated[
        bool,
        typer.Option("--no-title", help="No title above the chart.", rich_help_panel=OUTPUT),
    ] = False,
    dataset: PlottedDataset = None,
    split: PlottedSplit = None,
    post_processing: Annotated[
        str | None,
        typer.Option(
            help="How the scores were post-processed.",
            show_default="raw scores",
            rich_help_panel=WHICH,
        ),
    ] = None,
    direction: Annotated[
        str, typer.Option(help="t2v, v2t or v2t_caption.", rich_help_panel=WHICH)
    ] = "t2v",
    against: Annotated[
        str | None,
        typer.Option(
            help="The row that ablation compares with, as tables name it.",
            show_default="the best row",
            rich_help_panel=WHICH,
        ),
    ] = None,
    figure: Annotated[
        str, typer.Option(help="The figure that ablation compares.", rich_help_panel=WHICH)
    ] = "R@1",
    axis: Annotated[
        str | None,
        typer.Option(
            help="The groups of breakdown, such as caption_length.",
            show_default="the first there are",
            rich_help_panel=WHICH,
        ),
    ] = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Draw results as one chart: recall, size, speed, groups, curves, ranks, ablation, training."""
    from dvtr_bench.reports.chart_style import width_inches
    from dvtr_bench.reports.drawing import checked_suffix

    # What cannot be written is reported before many files are read.
    checked_suffix(out)
    width_inches(size)
    chart = dvtr.plot(
        results or Path("results"),
        kind,
        dataset=dataset,
        split=split,
        post_processing=post_processing,
        direction=direction,
        against=against,
        figure=figure,
        axis=axis,
        runs=runs,
    )
    written = chart.save(out, size, title=not no_title)
    if as_json:
        told = {"chart": chart.name, "data": chart.data, "notes": chart.notes, "written": written}
        print_json(told)
        return
    for note in chart.notes:
        write_line(note, err=True)
    write_line(f"wrote {written}")
