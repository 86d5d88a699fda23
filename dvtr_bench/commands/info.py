"""Print all that is known of one dataset."""

from pathlib import Path
from typing import Annotated

import typer


def info(
    dataset: Annotated[
        str, typer.Argument(help="Name or folder of a built dataset, or one that can be built.")
    ],
    root: Annotated[Path, typer.Option(help="Folder that names are looked for in.")] = Path("dvtr"),
) -> None:
    """Print all that is known of a dataset, built or not; `datasets` lists what there is."""
    from builders.info import print_info

    print_info(dataset, root)
