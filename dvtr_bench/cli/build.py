"""Build a dataset from clips and captions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from builders.engine.settings import FrameSettings

Workers = Annotated[
    int | None, typer.Option(help="Processes that decode, all cores by default; 0 uses none.")
]
Executor = Annotated[
    str, typer.Option(help="local, or ray to decode on all machines of a Ray cluster.")
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, head:6379; else the one this machine is in.")
]
Version = Annotated[str | None, typer.Option(help="Version of the dataset, 1.0.0 (folder).")]
Licence = Annotated[
    str | None,
    typer.Option(
        "--licence", "--license", help="Of clips and captions, such as cc-by-4.0 (folder)."
    ),
]
Citation = Annotated[Path | None, typer.Option(help="File of BibTeX for the card (folder).")]
Language = Annotated[str | None, typer.Option(help="Of the captions, en (folder).")]
GroupBy = Annotated[str | None, typer.Option(help="Column whose clips stay in one split (folder).")]
KeepClips = Annotated[
    Path | None, typer.Option(help="Folder to keep rendered MP4 files in (aerosynth).")
]
ClipSecondsLimit = Annotated[
    float, typer.Option(help="What one clip may take to decode before it counts as broken.")
]
Annotations = Annotated[
    str | None,
    typer.Option(help="Folder with the published annotation files; auto fetches them."),
]
Ratios = Annotated[str | None, typer.Option(help="Drawn train/validation/test, 70/10/20 (folder).")]
Encoding = Annotated[str | None, typer.Option(help="Of the table of captions, utf-8 (folder).")]
ValidationFraction = Annotated[
    float | None, typer.Option(help="Share of train that becomes validation (capera, msrvtt).")
]


def build(
    dataset: Annotated[
        str, typer.Argument(help="aerosynth, capera, folder, msrvtt, msvd, umcrd or usrd.")
    ],
    clips: Annotated[Path | None, typer.Option(help="Folder or zip with the clips.")] = None,
    captions: Annotated[
        Path | None, typer.Option(help="Table of captions: CSV, JSONL or Parquet (folder).")
    ] = None,
    annotations: Annotations = None,
    annotations_only: Annotated[
        bool, typer.Option("--annotations-only", help="Captions, splits and qrels, no frames.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the dataset and of its folder.")] = None,
    root: Annotated[Path, typer.Option(help="Folder that datasets go to.")] = Path("dvtr"),
    sampling: Annotated[
        str, typer.Option(help="12: the middles of 12 equal segments; 1fps: one a second.")
    ] = "12",
    format: Annotated[str, typer.Option(help="jpeg, or png for bit-exact frames.")] = "jpeg",
    missing: Annotated[
        str, typer.Option(help="stop at missing or broken clips, or drop them and say so.")
    ] = "stop",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another dataset of that name.")
    ] = False,
    workers: Workers = None,
    executor: Executor = "local",
    address: Address = None,
    clip_seconds_limit: ClipSecondsLimit = 600,
    version: Version = None,
    licence: Licence = None,
    citation: Citation = None,
    language: Language = None,
    group_by: GroupBy = None,
    ratios: Ratios = None,
    seed: Annotated[int | None, typer.Option(help="Of the draw (folder, aerosynth).")] = None,
    encoding: Encoding = None,
    validation_fraction: ValidationFraction = None,
    size: Annotated[str | None, typer.Option(help="small, full or large (aerosynth).")] = None,
    split: Annotated[str | None, typer.Option(help="1k-a or full (msrvtt).")] = None,
    keep_clips: KeepClips = None,
) -> None:
    """Build a dataset from clips and captions into dvtr/NAME."""
    from builders.build import build as build_dataset
    from builders.engine.settings import BuildSettings
    from builders.sources.published import AUTO
    from builders.summary import print_summary

    settings = BuildSettings(
        root=root,
        name=name,
        frames=None if annotations_only else _frames(sampling, format),
        missing=missing,  # type: ignore[arg-type]
        overwrite=overwrite,
        workers=workers,
        executor=executor,  # type: ignore[arg-type]
        address=address,
        clip_seconds_limit=clip_seconds_limit,
    )
    given = {
        "clips": clips,
        "captions": captions,
        "annotations": annotations if annotations in (None, AUTO) else Path(annotations),
        "version": version,
        "licence": licence,
        "citation": citation,
        "language": language,
        "group_by": group_by,
        "ratios": ratios,
        "seed": seed,
        "encoding": encoding,
        "validation_fraction": validation_fraction,
        "size": size,
        "split": split,
        "keep_clips": keep_clips,
    }
    options = {option: value for option, value in given.items() if value is not None}
    print_summary(build_dataset(dataset, options, settings))


def _frames(sampling: str, kind: str) -> "FrameSettings":
    from builders.engine.settings import FrameSettings
    from dvtr_bench.video.frame_store import FrameFormat
    from dvtr_bench.video.sampling import Sampling

    return FrameSettings(Sampling.parse(sampling), FrameFormat(kind))  # type: ignore[arg-type]
