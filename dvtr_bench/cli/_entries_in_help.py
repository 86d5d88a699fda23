"""Help pages that list what there is: formats, charts and the like, read from their files."""

from typing import Any

from dvtr_bench.catalog import Catalog
from dvtr_bench.cli._command import Command


class EntriesInHelp(Command):
    """A command whose help page ends with the entries of a catalog, none of them imported.

    Attributes:
        title: What stands above the entries.
        catalog: The entries.
    """

    title: str
    catalog: Catalog

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the entries."""
        super().format_options(ctx, formatter)
        with formatter.section(self.title):
            for name, summary in self.catalog.summaries().items():
                formatter.write_text(f"{name} ({summary.rstrip('.')})" if summary else name)
