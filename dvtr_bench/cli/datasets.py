"""List the datasets that can be built and those that are."""

from pathlib import Path

from dvtr_bench.cli._options import Root


def datasets(
    root: Root = Path("dvtr"),
) -> None:
    """List the datasets that can be built, and those that are built."""
    from builders.summary import print_datasets

    print_datasets(root)
