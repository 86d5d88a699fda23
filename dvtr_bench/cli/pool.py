"""Make pools of pairs of caption and clip for people to judge."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Json, Root, out_folder, print_json
from dvtr_bench.runtime.terminal import count_of, write_line


class PooledDirection(StrEnum):
    """Which lists are pooled."""

    T2V = "t2v"
    V2T_CAPTION = "v2t_caption"


class Pictures(StrEnum):
    """Whether pages hold pictures."""

    LICENSED = "licensed"
    ALL = "all"
    NONE = "none"


def pool(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Result files with their top lists, or folders of them, all on one split.",
            show_default="./results",
        ),
    ] = None,
    out: Annotated[Path, out_folder("Pages and CSV files, a pair for each batch.")] = Path("pool"),
    depth: Annotated[int, typer.Option(help="Candidates that are taken of each list.")] = 10,
    direction: Annotated[
        list[PooledDirection] | None,
        typer.Option(help="Which lists; repeat for both.", show_default="t2v"),
    ] = None,
    queries: Annotated[
        int | None,
        typer.Option(
            help="Judge the candidates of so many queries, drawn at random.", show_default="all"
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Most pairs of a batch.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the order and the draw.")] = 0,
    judged: Annotated[
        Path | None,
        typer.Option(
            help="Earlier judgements: their pairs are not asked again.",
            show_default="none",
            dir_okay=False,
        ),
    ] = None,
    pictures: Annotated[
        Pictures,
        typer.Option(
            help="Whether pages hold frames: licensed, where the licence lets them be shown; all, "
            "for pages that stay with you; none."
        ),
    ] = Pictures.LICENSED,
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Make pools of pairs to judge from the top lists of several runs, as pages and CSV files."""
    made = dvtr.make_pool(
        results or Path("results"),
        out,
        depth=depth,
        directions=tuple(each.value for each in direction or [PooledDirection.T2V]),
        queries=queries,
        batch_pairs=batch,
        seed=seed,
        judged=judged,
        pictures=pictures.value,
        root=root,
        show_progress=not as_json,
    )
    known = made.known_counts()
    if as_json:
        print_json(
            {
                "pool": made.facts,
                "to_judge": len(made.to_judge),
                "batches": made.num_batches,
                "known": known,
                "written": [out],
            }
        )
        return
    write_line(
        f"{count_of(len(made.to_judge), 'pair')} to judge in "
        f"{count_of(made.num_batches, 'batch')}, from the first "
        f"{count_of(depth, 'candidate')} of {count_of(len(made.facts.runs), 'run')} on "
        f"{made.facts.dataset.title}"
    )
    write_line(
        f"not asked: the clips of {count_of(known.get('own', 0), 'caption')}, "
        f"{known.get('text', 0):,} "
        f"candidates with the caption's text, {count_of(known.get('judged', 0), 'pair')} judged "
        "before"
    )
    write_line(f"wrote {out}: open batch-001.html, then `dvtr-bench judge {out} ANSWERS...`")
