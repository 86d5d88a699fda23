"""Checks of a source before any clip is decoded; all problems are reported together."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builders.engine.settings import BuildSettings
from builders.sources.matching import bullets
from builders.sources.near_names import explain_names
from builders.sources.packed import Packed
from builders.sources.source import Source
from dvtr_bench.dataset.manifest import REPORT_NAME, SPLITS
from dvtr_bench.errors import AnnotationError, ConfigError, MissingClipsError
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import count_of

NO_CLIP = "ids without a clip"
NO_ID = "clips without a caption"
BROKEN = "broken clips"
"""Reasons why a build stops or, with --missing drop, leaves items out."""

_MAX_ID_BYTES = 200
_SOUGHT_SHOWN = 3

DROP_ADVICE = "Fix them, or leave them out with --missing drop, which the card will state"


def check_source(source: Source) -> None:
    """Check ids, splits and captions.

    Args:
        source: The source, as read by a dataset's module.

    Raises:
        AnnotationError: Lists all problems.
    """
    problems: list[str] = []
    seen: set[str] = set()
    for clip in source.clips:
        where = f"{clip.where}: " if clip.where else ""
        if reason := _id_problem(clip.video_id):
            problems.append(f"{where}the id {clip.video_id!r} {reason}")
        if clip.video_id in seen:
            problems.append(f"{where}the id {clip.video_id!r} occurs twice")
        seen.add(clip.video_id)
        if clip.split not in SPLITS:
            problems.append(f"{where}{clip.video_id!r} is in the unknown split {clip.split!r}")
        problems += [
            f"{where}{clip.video_id!r}: caption {number} {reason}"
            for number, caption in enumerate(clip.captions, start=1)
            if (reason := _caption_problem(caption, source.keeps_empty_captions))
        ]
        problems += [
            f"{where}{clip.video_id!r}: {name} {reason}"
            for name, value in (("category", clip.category), *clip.extra.items())
            if isinstance(value, str) and (reason := _text_problem(value))
        ]
        if not clip.captions:
            problems.append(f"{where}{clip.video_id!r} has no captions")
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
        source: The source, as read by a dataset's module.
        settings: Whether frames are built, and whether to stop.

    Returns:
        The source without the ids that have no clip, and the items left out, by reason.

    Raises:
        ConfigError: Frames are to be built, but no clips were given.
        MissingClipsError: Clips are missing; lists them.
    """
    if settings.frames is None:
        return source, {}
    if not source.offers_clips:
        raise ConfigError(
            f"{source.info.name} needs --clips DIR ({source.info.clips_from}), or "
            "--annotations-only to build captions, splits and qrels without frames"
        )
    missing = [clip for clip in source.clips if clip.footage is None]
    unmatched = {
        NO_CLIP: tuple(clip.video_id for clip in missing),
        NO_ID: source.unused_clips,
    }
    kept = source.clips
    if missing:
        kept = Packed(clip for clip in source.clips if clip.footage is not None)
    unused = [repr(name) for name in source.unused_clips]
    explained = explain_names(unmatched[NO_CLIP], source.unused_clips) if missing else ""
    hint = f"\n{explained}" if explained else ""
    if not kept:
        others = f"Found other clips: {len(unused):,}{bullets(unused)}"
        if folder := _common_folder(source.unused_clips):
            others += f"\nAll of them are in {folder}/: did you mean that folder with --clips?"
        list_note = write_problems(unmatched, source.info.name, settings.root)
        raise MissingClipsError(
            f"{source.info.name}: none of {count_of(len(missing), 'id')} has a clip; sought were "
            f"{_some(unmatched[NO_CLIP])}. Expected clips from {source.info.clips_from}. "
            f"{others}{hint}\n{list_note}"
        )
    if settings.missing == "stop":
        lines = {
            NO_CLIP: [f"{clip.video_id!r} {clip.where}".rstrip() for clip in missing],
            NO_ID: unused,
        }
        stop_at(lines, source.info.name, settings.root, hint)
    return replace(source, clips=kept), {reason: ids for reason, ids in unmatched.items() if ids}


def _some(ids: Sequence[str]) -> str:
    """Return the first ids as they were written."""
    more = ", ..." if len(ids) > _SOUGHT_SHOWN else ""
    return ", ".join(map(repr, ids[:_SOUGHT_SHOWN])) + more


def _common_folder(files: Sequence[str]) -> str:
    """Return the deepest folder that contains all files, relative to --clips; or an empty text."""
    return posixpath.commonpath([posixpath.dirname(file) for file in files]) if files else ""


def absent_splits(source: Source) -> tuple[str, ...]:
    """Return a note for each split that has no clips.

    Args:
        source: The source, with only the clips that are in the dataset.

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


def stop_at(problems: Mapping[str, Sequence[str]], name: str, root: Path, hint: str = "") -> None:
    """Stop the build if there are problems.

    Args:
        problems: Lines to show, by reason.
        name: Name of the dataset.
        root: Folder of all datasets, in which the full list is written.
        hint: Lines on what may be behind them, each after a line break.

    Raises:
        MissingClipsError: There is at least one problem.
    """
    summaries = [
        f"{reason}: {len(lines):,}{bullets(lines)}" for reason, lines in problems.items() if lines
    ]
    if summaries:
        list_note = write_problems(problems, name, root)
        raise MissingClipsError(
            f"{name}: " + "\n".join(summaries) + f"{hint}\n{list_note} {DROP_ADVICE}"
        )


def problems_path(root: Path, name: str) -> Path:
    """Return the file in which a stopped build lists its problems."""
    return root / f"{name}.{REPORT_NAME}"


def write_problems(problems: Mapping[str, Sequence[str]], name: str, root: Path) -> str:
    """Write the full list of a stopped build's problems.

    Args:
        problems: Lines by reason.
        name: Name of the dataset.
        root: Folder of all datasets.

    Returns:
        A sentence that names the file.
    """
    path = problems_path(root, name)
    stopped_at = {reason: list(lines) for reason, lines in problems.items() if lines}
    text = readable_json({"dataset": name, "stopped_at": stopped_at}, indent=2)
    with written_beside(path, "--root") as beside:
        beside.write_text(text + "\n", encoding="utf-8", newline="\n")
    return f"All are listed in {path}."


def _id_problem(video_id: str) -> str | None:
    if not video_id or video_id in {".", ".."}:
        return "is not a name"
    if "/" in video_id or "\\" in video_id:
        return "contains a slash: ids must be safe as file names"
    if any(not character.isprintable() for character in video_id):
        return "contains a control character"
    if len(video_id.encode("utf-8", "surrogatepass")) > _MAX_ID_BYTES:
        return f"is longer than {_MAX_ID_BYTES} bytes"
    return None


def _caption_problem(caption: str, keeps_empty: bool) -> str | None:
    if not keeps_empty and not caption.split():
        return "has no words"
    return _text_problem(caption)


def _text_problem(text: str) -> str | None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "contains half of a character (a lone surrogate)"
    return None
