"""Print all that is known of one dataset, or draw it."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import AnyDataset, Json, Root, out_file, print_json
from dvtr_bench.runtime.terminal import write_line


def info(
    dataset: AnyDataset,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Draw clips of a built dataset with their captions too.")
    ] = False,
    out: Annotated[
        Path | None,
        out_file("The contact sheet to write (PNG).", show_default="the dataset's name, here"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of the sheet.", show_default="all")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, help="Most clips of the sheet.")] = 24,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw the clips of the sheet at random.", show_default="spread evenly"),
    ] = None,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Print all that is known of a dataset, built or not; `datasets` lists what there is."""
    if not sheet and (out is not None or split is not None or seed is not None):
        raise typer.BadParameter("--out, --split and --seed are about the sheet: add --sheet")
    from builders.info import info_as_json, print_info

    written = _draw(dataset, split, clips, seed, out, root) if sheet else None
    if as_json:
        about = {} if written is None else {"written": [written]}
        print_json({**info_as_json(dataset, root), **about})
        return
    print_info(dataset, root)
    if written is not None:
        write_line(f"wrote {written}")


def _draw(
    dataset: str, split: str | None, clips: int, seed: int | None, out: Path | None, root: Path
) -> Path:
    from dvtr_bench.reports.contact_sheet import save_png

    built = dvtr.open_dataset(dataset, root)
    drawn = dvtr.draw_dataset(built, split, clips=clips, seed=seed)
    return save_png(drawn, out or Path(f"{built.name}.png"))
