"""Join answers to a pool into judged relevance, or judge by what a dataset knows."""

from pathlib import Path
from typing import Annotated

import typer

import dvtr_bench as dvtr
from dvtr_bench.cli._command import Json, Root, out_file, print_json
from dvtr_bench.errors import InputError
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.runtime.terminal import count_of, printable, write_line


def judge(
    pool: Annotated[
        Path | None,
        typer.Argument(help="The folder of a pool, as `dvtr-bench pool` writes it."),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ANSWERS...",
            help="Files that its pages saved, or NAME=FILE for a CSV file that NAME filled in.",
        ),
    ] = None,
    ground_truth: Annotated[
        str | None,
        typer.Option(
            help="In place of a pool: judge every pair of this dataset by the facts of its clips "
            "(aerosynth).",
            show_default="none",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="The split of that dataset.")] = "test",
    unsettled: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file to write with the pairs whose judges are divided.",
            show_default="none",
            dir_okay=False,
        ),
    ] = None,
    out: Annotated[Path, out_file("Judged relevance, with TREC qrels beside it.")] = Path(
        "judged.json"
    ),
    root: Root = Path("dvtr"),
    as_json: Json = False,
) -> None:
    """Join answers to a pool into judged relevance, or judge by the facts of aerosynth."""
    if ground_truth is not None:
        if pool is not None or unsettled is not None:
            raise InputError("--ground-truth takes neither a pool nor --unsettled")
        made = dvtr.judge_by_facts(ground_truth, split, out, root=root)
    elif pool is None or not answers:
        raise InputError("name a pool and files of answers to it, or --ground-truth DATASET")
    else:
        made = dvtr.collect_judgements(pool, answers, out, unsettled=unsettled)
    stem = out.name.removesuffix(".json")
    written = [out, *(out.with_name(f"{stem}.{each}.qrels") for each in made.directions)]
    if as_json:
        facts = ("sha256", "dataset", "source", "complete", "judges", "agreement", "unsettled")
        print_json(
            {
                **{name: to_json(getattr(made, name)) for name in facts},
                "judged_pairs": made.num_judged,
                "written": written,
            }
        )
        return
    for each in made.judges:
        write_line(
            f"{printable(each.name)}: {each.yes:,} yes, {each.partly:,} partly, {each.no:,} no, "
            f"{each.skip:,} skipped"
        )
    for pair in made.agreement:
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        write_line(
            f"{printable(pair.first)} and {printable(pair.second)}: Cohen's kappa {kappa} on "
            f"{count_of(pair.pairs, 'pair')}"
        )
    more = ", all others do not fit" if made.complete else f", {made.unsettled:,} unsettled"
    write_line(f"{count_of(made.num_judged, 'pair')} judged{more}; judgements {made.sha256[:8]}")
    for path in written:
        write_line(f"wrote {path}")
