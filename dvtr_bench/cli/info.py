"""Print all that is known of one dataset."""

from pathlib import Path
from typing import Annotated

import typer

from dvtr_bench.cli._options import Root


def info(
    dataset: Annotated[
        str,
        typer.Argument(
            help="Name or folder of a built dataset, ORG/NAME@v1.0.0 on the Hub, or one that can "
            "be built."
        ),
    ],
    root: Root = Path("dvtr"),
) -> None:
    """Print all that is known of a dataset, built or not; `datasets` lists what there is."""
    from builders.info import print_info

    print_info(dataset, root)
