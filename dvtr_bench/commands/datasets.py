"""List the datasets that can be built and those that are."""

from pathlib import Path
from typing import Annotated

import typer


def datasets(
    root: Annotated[Path, typer.Option(help="Folder that datasets are in.")] = Path("dvtr"),
) -> None:
    """List the datasets that can be built, and those that are built."""
    from builders.summary import print_datasets

    print_datasets(root)
