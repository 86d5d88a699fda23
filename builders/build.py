"""Builds a dataset from its name and options: the one entry to everything in this package."""

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from builders.checks.audit.findings.near_duplicates import with_near_duplicates
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
from builders.engine.earlier_versions import Place, choose_place, reuse_frames, with_treatment
from builders.engine.moves import find_moves, require_test_clips_stay
from builders.engine.native_clips import licence_remarks, require_keepable
from builders.engine.parquet import Rows
from builders.engine.settings import TREATMENT_VERSION, BuildSettings
from builders.sources.matching import bullets
from builders.sources.old_splits import find_old_splits
from builders.sources.packed import Packed
from builders.sources.source import Source, make_options
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.fingerprint import Fingerprint
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import MissingClipsError, OutputExistsError
from dvtr_bench.runtime.terminal import count_of, quiet


@dataclass(frozen=True)
class Build:
    """What a build came to.

    Attributes:
        dataset: The dataset in place.
        report: What was found and left out; None when the dataset was built before.
        remarks: What else there is to say of this build, which is not part of the dataset: frames
            that were taken from another version, clips that changed their split.
    """

    dataset: BuiltDataset
    report: BuildReport | None
    remarks: tuple[str, ...] = ()


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
    if splits_from := options.get("splits_from"):
        # Only the build knows the folder in which names of datasets are looked up.
        splits_from = find_old_splits(Path(str(splits_from)), settings.root)
        options = {**options, "splits_from": splits_from}
    with quiet(not settings.progress):
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
        BuildError: The disk is full, another process builds the same dataset, or a clip cannot be
            kept as it is.
    """
    source, left_out = settle_missing(source, settings)
    place = choose_place(source, settings)
    if place.present and _is_built_already(place.present, source, settings):
        return Build(place.present, None)
    remarks = _check_moves(place, source, settings, {})
    if settings.keep_clips:
        require_keepable(source)
        remarks += licence_remarks(source.info.licence)
    with (
        open_staging(settings.root, place.target.name) as staging,
        disk_errors_explained(settings.root),
    ):
        reused = reuse_frames(source, settings, staging.clips, place.earlier)
        decoded = decode_clips(source, settings, staging)
        inputs_sha256 = hash_inputs(source, settings, decoded.identities)
        kept, left_out = _settle_broken(source, settings, decoded, left_out)
        _check_moves(place, kept, settings, decoded.identities)
        kept = replace(kept, notes=(*kept.notes, *absent_splits(kept)))
        kept = with_treatment(kept, decoded.staged)
        rows = Rows(kept, decoded.staged, staging.clips)
        report = make_report(rows, left_out)
        assembled = write_dataset(
            rows, settings, staging.output, inputs_sha256=inputs_sha256, left_out=left_out
        )
        if settings.near_duplicates and kept.seeks_near_duplicates:
            report = with_near_duplicates(report, staging, assembled.manifest, settings)
        write_texts(staging.output, rows, assembled, report)
        put_in_place(staging)
        with suppress(OSError):  # the dataset stands
            problems_path(settings.root, source.info.name).unlink(missing_ok=True)
    remarks += tuple(reused.remarks(decoded))
    return Build(open_dataset(place.target), report, remarks)


def _is_built_already(found: BuiltDataset, source: Source, settings: BuildSettings) -> bool:
    """Return whether the dataset that is there was built from the same; False to replace it."""
    hashes = identities(source.clips, settings.local_workers) if settings.frames else {}
    if found.manifest.inputs_sha256 == hash_inputs(source, settings, hashes):
        frames = found.manifest.frames
        # Programs of before stored unusual footage as it was coded.
        older = frames is not None and frames.treatment != TREATMENT_VERSION
        return not (older and settings.overwrite)
    if settings.overwrite:
        return False
    moves = find_moves(source, found, {})
    raise OutputExistsError(
        f"{found.folder} holds another dataset: {found.name} {found.manifest.version}, fingerprint "
        f"{found.manifest.fingerprint[:12]}, built from other clips, captions or settings. "
        + (f"{moves}. " if moves.num_moved else "")
        + "Replace it with --overwrite, "
        + ("keep it and build a later --version, " if source.version_is_stated else "")
        + "or build beside it with --name"
        + (f". {_how_splits_stay(found)}" if moves.num_moved else "")
    )


def _how_splits_stay(found: BuiltDataset) -> str:
    """Say how to keep the splits of a dataset; before, the default draw was the balanced one."""
    balanced = any(
        note.startswith("The splits were drawn by seed") and "by number of clips" in note
        for note in found.manifest.notes
    )
    return f"--splits-from {found.label} keeps each clip in its split" + (
        "; --draw balanced draws as it was drawn" if balanced else ""
    )


def _check_moves(
    place: Place, source: Source, settings: BuildSettings, identity_of: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Stop where clips would leave the test split; return what to say of other moves."""
    if place.previous is None:
        return ()
    moves = find_moves(source, place.previous, identity_of)
    require_test_clips_stay(moves, source, settings)
    return (str(moves),) if moves.num_moved else ()


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
            f"{source.info.name}: not one of {count_of(len(lost), 'clip')} can be "
            f"decoded:{bullets(lines)}\n{listed}"
        )
    return replace(source, clips=kept), {**left_out, BROKEN: tuple(lines)}
