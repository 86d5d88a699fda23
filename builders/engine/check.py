"""Checks of a source before any clip is decoded: everything that is wrong is told at once."""

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builders.engine.settings import BuildSettings
from builders.sources.packed import Packed
from builders.sources.problems import bullets
from builders.sources.source import Source
from dvtr_bench.dataset.manifest import REPORT_NAME
from dvtr_bench.dataset.schema import SPLITS
from dvtr_bench.errors import AnnotationError, ConfigError, MissingClipsError
from dvtr_bench.runtime.files import written_beside

NO_CLIP = "ids without a clip"
NO_ID = "clips without a caption"
BROKEN = "broken clips"
"""Reasons for which a build stops, or with --missing drop leaves something out."""

_MAX_ID_BYTES = 200

DROP_ADVICE = "Mend them, or leave them out with --missing drop: the card then says so"


def check_source(source: Source) -> None:
    """Check ids, splits and captions.

    Args:
        source: What a dataset file read.

    Raises:
        AnnotationError: Lists what is wrong.
    """
    problems: list[str] = []
    seen: set[str] = set()
    for clip in source.clips:
        place = f"{clip.where}: " if clip.where else ""
        if reason := _id_problem(clip.video_id):
            problems.append(f"{place}the id {clip.video_id!r} {reason}")
        if clip.video_id in seen:
            problems.append(f"{place}the id {clip.video_id!r} stands there twice")
        seen.add(clip.video_id)
        if clip.split not in SPLITS:
            problems.append(f"{place}{clip.video_id!r} is in the unknown split {clip.split!r}")
        problems += [
            f"{place}{clip.video_id!r}: caption {number} {reason}"
            for number, caption in enumerate(clip.captions, start=1)
            if (reason := _caption_problem(caption, source.keeps_empty_captions))
        ]
        if not clip.captions:
            problems.append(f"{place}{clip.video_id!r} has no captions")
    if problems:
        raise AnnotationError(
            f"{source.info.name}: problems found: {len(problems)}{bullets(problems)}"
        )
    if not source.clips:
        raise AnnotationError(f"{source.info.name}: there are no captions to build from")


def settle_missing(
    source: Source, settings: BuildSettings
) -> tuple[Source, dict[str, tuple[str, ...]]]:
    """Stop at ids without clips and clips without ids, or leave them out.

    Args:
        source: What a dataset file read.
        settings: Says whether clips are wanted, and whether to stop.

    Returns:
        The source without the ids that have no clip, and what was left out, by reason.

    Raises:
        ConfigError: Clips are wanted and none were named.
        MissingClipsError: Some are missing; lists them.
    """
    if settings.frames is None:
        return source, {}
    if not source.offers_clips:
        raise ConfigError(
            f"{source.info.name} needs --clips DIR ({source.info.clips_from}), or "
            "--annotations-only to build captions, splits and qrels without frames"
        )
    missing = [clip for clip in source.clips if clip.footage is None]
    found = {
        NO_CLIP: tuple(clip.video_id for clip in missing),
        NO_ID: source.unused_clips,
    }
    kept = source.clips
    if missing:
        kept = Packed(clip for clip in source.clips if clip.footage is not None)
    unused = [repr(name) for name in source.unused_clips]
    if not kept:
        others = f"Found other clips: {len(unused):,}{bullets(unused)}"
        if within := _common_folder(source.unused_clips):
            others += f"\nAll of them lie in {within}/: was that folder meant with --clips?"
        listed = write_problems(found, source.info.name, settings.root)
        raise MissingClipsError(
            f"{source.info.name}: not one of {len(missing):,} ids has a clip. Expected clips from "
            f"{source.info.clips_from}. {others}\n{listed}"
        )
    if settings.missing == "stop":
        shown = {
            NO_CLIP: [f"{clip.video_id!r} {clip.where}".rstrip() for clip in missing],
            NO_ID: unused,
        }
        stop_at(shown, source.info.name, settings.root)
    return replace(source, clips=kept), {reason: ids for reason, ids in found.items() if ids}


def _common_folder(files: Sequence[str]) -> str:
    """Return the deepest folder that all files lie in, relative to what was named; or nothing."""
    return posixpath.commonpath([posixpath.dirname(file) for file in files]) if files else ""


def absent_splits(source: Source) -> tuple[str, ...]:
    """Return a note for each split that has no clips.

    Args:
        source: With the clips that are in the dataset.

    Returns:
        Sentences for the card.
    """
    present = {clip.split for clip in source.clips}
    why = {
        "train": "models must be trained on another dataset",
        "validation": "training has none to choose its checkpoint by",
        "test": "there is nothing to report results on",
    }
    return tuple(
        f"There are no {split} clips: {why[split]}." for split in SPLITS if split not in present
    )


def stop_at(problems: Mapping[str, Sequence[str]], name: str, root: Path) -> None:
    """Stop when there are problems.

    Args:
        problems: Lines to show, by reason.
        name: The dataset.
        root: The folder that holds datasets, where the whole list goes.

    Raises:
        MissingClipsError: There is at least one.
    """
    told = [
        f"{reason}: {len(lines):,}{bullets(lines)}" for reason, lines in problems.items() if lines
    ]
    if told:
        listed = write_problems(problems, name, root)
        raise MissingClipsError(f"{name}: " + "\n".join(told) + f"\n{listed} {DROP_ADVICE}")


def problems_path(root: Path, name: str) -> Path:
    """Return where a build that stops lists all that it stopped at."""
    return root / f"{name}.{REPORT_NAME}"


def write_problems(problems: Mapping[str, Sequence[str]], name: str, root: Path) -> str:
    """Write the whole list of what a build stopped at.

    Args:
        problems: Lines by reason.
        name: The dataset.
        root: The folder that holds datasets.

    Returns:
        A sentence that says where it is.
    """
    path = problems_path(root, name)
    root.mkdir(parents=True, exist_ok=True)
    found = {reason: list(lines) for reason, lines in problems.items() if lines}
    text = json.dumps({"dataset": name, "stopped_at": found}, indent=2, ensure_ascii=False)
    with written_beside(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8", newline="\n")
    return f"All are listed in {path}."


def _id_problem(video_id: str) -> str | None:
    if not video_id or video_id in {".", ".."}:
        return "is no name"
    if "/" in video_id or "\\" in video_id:
        return "holds a slash: ids must be safe as file names"
    if any(not character.isprintable() for character in video_id):
        return "holds a control character"
    if len(video_id.encode("utf-8", "surrogatepass")) > _MAX_ID_BYTES:
        return f"is longer than {_MAX_ID_BYTES} bytes"
    return None


def _caption_problem(caption: str, keeps_empty: bool) -> str | None:
    if not keeps_empty and not caption.split():
        return "has zero words"
    try:
        caption.encode("utf-8")
    except UnicodeEncodeError:
        return "holds half of a character (a lone surrogate)"
    return None
