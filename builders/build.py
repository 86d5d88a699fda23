"""Builds a dataset from its name and options: the one entry to everything in this package."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builders.documents.report import BuildReport, make_report
from builders.documents.texts import write_texts
from builders.engine.assemble import write_dataset
from builders.engine.check import (
    BROKEN,
    absent_splits,
    check_source,
    problems_path,
    settle_missing,
    stop_at,
    write_problems,
)
from builders.engine.decode import (
    Decoded,
    decode_clips,
    disk_errors_explained,
    identities,
    open_staging,
    put_in_place,
)
from builders.engine.parquet import Rows
from builders.engine.settings import BuildSettings
from builders.engine.treatment import with_treatment
from builders.options import make_options
from builders.sources.matching import bullets
from builders.sources.packed import Packed
from builders.sources.source import Source
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.fingerprint import Fingerprint
from dvtr_bench.dataset.manifest import MANIFEST_NAME
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import MissingClipsError, OutputExistsError


@dataclass(frozen=True)
class Build:
    """What a build came to.

    Attributes:
        dataset: The dataset in place.
        report: What was found and left out; None when the dataset was built before.
    """

    dataset: BuiltDataset
    report: BuildReport | None


def build(name: str, options: Mapping[str, object], settings: BuildSettings) -> Build:
    """Build a dataset, or say that it is built already.

    Args:
        name: A file of `builders.datasets`, such as ``usrd``.
        options: What the user gave of the options that the dataset takes, by name.
        settings: Everything that is the same for all datasets.

    Returns:
        The dataset and what was found.

    Raises:
        DvtrError: Whatever stands in the way; nothing half-written is left.

    Example:
        >>> from pathlib import Path
        >>> annotations = {"annotations": Path("annotations")}
        >>> build("usrd", annotations, BuildSettings(frames=None))  # doctest: +SKIP
    """
    module = DATASETS.load(name)
    takes_name = "name" in {field.name for field in dataclasses.fields(module.Options)}
    if takes_name and settings.name is not None:
        options = {"name": settings.name, **options}
    source: Source = module.read(make_options(module.Options, module.INFO.name, options))
    if settings.name is not None:
        source = replace(source, info=replace(source.info, name=settings.name))
    check_source(source)
    return build_source(source, settings)


def build_source(source: Source, settings: BuildSettings) -> Build:
    """Build a dataset from a checked source.

    Args:
        source: What a dataset file read.
        settings: Everything else.

    Returns:
        The dataset and what was found.

    Raises:
        MissingClipsError: Ids without clips, clips without ids, or broken clips.
        OutputExistsError: There is another dataset of that name.
        BuildError: The disk is full, or another process builds the same dataset.
    """
    source, left_out = settle_missing(source, settings)
    target = settings.root / source.info.name
    if target.exists() and (built := _built_already(target, source, settings)):
        return Build(built, None)
    with (
        open_staging(settings.root, source.info.name) as staging,
        disk_errors_explained(settings.root),
    ):
        decoded = decode_clips(source, settings, staging)
        inputs_sha256 = hash_inputs(source, settings, decoded.identities)
        kept, left_out = _settle_broken(source, settings, decoded, left_out)
        kept = replace(kept, notes=(*kept.notes, *absent_splits(kept)))
        kept = with_treatment(kept, decoded.staged)
        rows = Rows(kept, decoded.staged, staging.clips)
        report = make_report(rows, left_out)
        assembled = write_dataset(
            rows, settings, staging.output, inputs_sha256=inputs_sha256, left_out=left_out
        )
        write_texts(staging.output, rows, assembled, report)
        put_in_place(staging)
        problems_path(settings.root, source.info.name).unlink(missing_ok=True)
    return Build(open_dataset(target), report)


def _built_already(target: Path, source: Source, settings: BuildSettings) -> BuiltDataset | None:
    """Return the dataset that is there when it was built from the same; None to replace it."""
    if not (target / MANIFEST_NAME).is_file():
        raise OutputExistsError(
            f"{target} is there and holds no dataset of ours: move it away, or build with another "
            "--name"
        )
    found = open_dataset(target)
    hashes = identities(source.clips, settings.local_workers) if settings.frames else {}
    if found.manifest.inputs_sha256 == hash_inputs(source, settings, hashes):
        return found
    if settings.overwrite:
        return None
    raise OutputExistsError(
        f"{target} holds another dataset: {found.name} {found.manifest.version}, fingerprint "
        f"{found.manifest.fingerprint[:12]}, built from other clips, captions or settings. Replace "
        "it with --overwrite, or build beside it with --name"
    )


def hash_inputs(
    source: Source, settings: BuildSettings, identity_of: Mapping[str, str | None]
) -> str:
    """Hash everything that decides what the dataset will be.

    Args:
        source: With the clips that are in the dataset.
        settings: The settings.
        identity_of: Hash of each clip's pixels, by video id; empty without frames.

    Returns:
        64 hex digits.
    """
    whole = Fingerprint(
        {
            **settings.describe(),
            "name": source.info.name,
            "version": source.info.version,
            "licence": source.info.licence.id,
            "citation": source.info.citation,
            "language": source.info.language,
            "missing": settings.missing,
        }
    )
    for clip in source.clips:
        whole.add(
            {
                "video_id": clip.video_id,
                "captions": clip.captions,
                "split": clip.split,
                "category": clip.category,
                "extra": dict(clip.extra),
                "clip": identity_of.get(clip.video_id),
            }
        )
    return whole.hexdigest()


def _settle_broken(
    source: Source,
    settings: BuildSettings,
    decoded: Decoded,
    left_out: dict[str, tuple[str, ...]],
) -> tuple[Source, dict[str, tuple[str, ...]]]:
    """Stop at broken clips, or leave them out."""
    if not decoded.broken:
        return source, left_out
    lines = [f"{clip.video_id!r}: {message}" for clip, message in decoded.broken]
    if settings.missing == "stop":
        stop_at({BROKEN: lines}, source.info.name, settings.root)
    lost = {clip.video_id for clip, _ in decoded.broken}
    kept = Packed(clip for clip in source.clips if clip.video_id not in lost)
    if not kept:
        listed = write_problems({BROKEN: lines}, source.info.name, settings.root)
        raise MissingClipsError(
            f"{source.info.name}: not one of {len(lost):,} clips can be decoded:{bullets(lines)}\n"
            f"{listed}"
        )
    return replace(source, clips=kept), {**left_out, BROKEN: tuple(lines)}
