"""Print an audit in the terminal: tables and sentences; charts and pictures are on the page."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from builders.checks.audit.blocks import Paragraph, Table
from builders.checks.audit.run import Audit, DatasetRecord, finding_modules
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.terminal import count_of, printable

SHORT_LETTERS: Final = 12
"""Smallest width of a text column."""


def print_audit(audit: Audit, console: Console | None = None) -> None:
    """Print what an audit found.

    Args:
        audit: The audit.
        console: The console; standard output by default.
    """
    console = console or make_console()
    console.print(
        Text(printable(f"Audit of {describe(audit.dataset)}"), style="bold"), soft_wrap=True
    )
    if audit.against is not None:
        console.print(Text(printable(f"against {describe(audit.against)}")), soft_wrap=True)
    for name, module in finding_modules().items():
        console.print()
        console.print(Text(module.TITLE, style="bold"))
        if name in audit.not_measured:
            console.print(Text(printable(audit.not_measured[name])))
            continue
        for block in module.blocks(audit.findings[name]):
            if isinstance(block, Paragraph):
                console.print(Text(printable(block.text), style="dim"))
            elif isinstance(block, Table):
                _print_table(block, console)


def describe(dataset: DatasetRecord) -> str:
    """Describe a dataset in a line: name, version, sizes, whether it has frames."""
    sizes = ", ".join(
        f"{split} {count_of(count, 'video')} with {count_of(dataset.captions[split], 'caption')}"
        for split, count in dataset.videos.items()
    )
    frames = "" if dataset.has_frames else "; annotations only"
    return f"{dataset.name} {dataset.version} ({sizes}{frames}), {dataset.fingerprint[:12]}"


def _print_table(block: Table, console: Console) -> None:
    console.print(Text(printable(block.title), style="italic"))
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column, heading in enumerate(block.header):
        is_text = column < block.num_text_columns
        # Text can be wrapped, figures not.
        longest_word = max(map(len, heading.split()))
        widest = max([longest_word, *(len(row[column]) for row in block.rows)])
        table.add_column(
            Text(printable(heading)),
            justify="left" if is_text else "right",
            overflow="fold",
            min_width=min(widest, SHORT_LETTERS) if is_text else widest,
        )
    for row in block.rows[: block.terminal_rows]:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
    if (more := len(block.rows) - block.terminal_rows) > 0:
        console.print(Text(f"and {more:,} more, see the page and audit.json", style="dim"))
