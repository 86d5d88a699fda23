"""What a build takes from datasets that are built: the folder of a version, and frames.

It goes to the folder of the dataset's name, or to one beside it for a later version.

A row of a built dataset has the columns that decoding its clip gives. Written into the folder of
finished clips, it is what an interrupted build would have left there: the build finds it by the
hash of the clip's bytes, so a clip that has changed is decoded. Of a part of a file the times count
too.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from builders.engine.clip_work import (
    CLIP_FIELDS,
    StagedClip,
    clip_key,
    kept_path,
    one_row,
    store_row,
)
from builders.engine.decode import Decoded
from builders.engine.settings import TREATMENT_VERSION, BuildSettings, FrameSettings
from builders.sources.segments import SEGMENT_FIELDS, ClipSegment, Segment
from builders.sources.source import Footage, Source
from dvtr_bench.dataset.fingerprint import release
from dvtr_bench.dataset.manifest import MANIFEST_NAME, TREATMENT_FIELD, FileRecord
from dvtr_bench.dataset.reader import MARK, BuiltDataset, find_versions, open_dataset
from dvtr_bench.errors import InputError, OutputExistsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.parquet_files import BoundedParquet
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import count_of, progress_bar

_MEANINGS: Final = {
    "deinterlaced: bwdif": "deinterlaced by bwdif",
    "tone-mapped: hlg": "tone-mapped from HDR (HLG)",
    "tone-mapped: pq": "tone-mapped from HDR (PQ)",
    "cropped": "cropped as the container says",
    "pixel aspect": "made of square pixels",
    "sizes made one": "with pictures of several sizes, brought to the first one's",
    "times by count": "without usable time stamps, sampled by count",
    "times bridged": "with time stamps that jump, bridged",
    "times repeated": "with repeated time stamps",
    "empty slots": "in AVI with empty slots between B-frames",
    "interlaced": "interlaced and left so",
}


def treatment_counts(treatments: Iterable[Iterable[str] | None]) -> dict[str, int]:
    """Count clips by what was applied to them.

    Args:
        treatments: The column ``source_treatment``.

    Returns:
        Number of clips by kind, the most frequent first; details are left out if they have figures.

    Example:
        >>> treatment_counts([["pixel aspect: 64:45", "deinterlaced: bwdif"], None])
        {'deinterlaced: bwdif': 1, 'pixel aspect': 1}
    """
    counts = Counter[str]()
    for treatment in treatments:
        counts.update({_kind(applied) for applied in treatment or ()})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def with_treatment(source: Source, staged: Mapping[str, StagedClip]) -> Source:
    """Add the column ``source_treatment`` and a note, if any clip was treated.

    Args:
        source: The source, with only the clips that are in the dataset.
        staged: Stored clips by video id; empty without frames.

    Returns:
        The source; unchanged if all pictures are stored as they were coded.
    """
    if not staged:
        return source
    name = TREATMENT_FIELD.name
    counts = treatment_counts(staged[clip.video_id].columns.get(name) for clip in source.clips)
    if not counts:
        return source
    listed = "; ".join(f"{count:,} {_MEANINGS.get(kind, kind)}" for kind, count in counts.items())
    return replace(
        source,
        extra_fields=(*source.extra_fields, TREATMENT_FIELD),
        notes=(*source.notes, f"Clips whose pictures are not as coded ({name}): {listed}."),
    )


def _kind(applied: str) -> str:
    kind, _, detail = applied.partition(": ")
    return kind if not detail or any(map(str.isdigit, detail)) else applied


@dataclass(frozen=True)
class Place:
    """Where a build goes, and what is there.

    Attributes:
        target: Folder of the dataset.
        present: The dataset that is in this folder; None without one.
        previous: The dataset that the new one replaces, or the newest version before it; None for
            the first version.
        earlier: Built datasets from which frames may be taken, the likeliest first.
    """

    target: Path
    present: BuiltDataset | None
    previous: BuiltDataset | None
    earlier: tuple[BuiltDataset, ...]


def choose_place(source: Source, settings: BuildSettings) -> Place:
    """Choose the folder of a build.

    It is the folder of the dataset's name. If that holds an earlier version, and the user states
    the version and does not ask to overwrite, it is ``NAME@VERSION`` beside it.

    Args:
        source: What is built.
        settings: Root folder, and whether to overwrite.

    Returns:
        The place.

    Raises:
        OutputExistsError: There is a folder of that name which holds no dataset.
        InputError: The dataset in the folder cannot be read.
    """
    info = source.info
    versions = find_versions(info.name, settings.root)
    target = settings.root / info.name
    beside = settings.root / f"{info.name}{MARK}{info.version}"
    if (beside / MANIFEST_NAME).is_file() or _is_later(target, source, settings):
        target = beside
    present = _present(target)
    before = [one for one in versions if one.release < release(info.version)]
    follows = open_dataset(source.follows) if source.follows else None
    previous = present or next(iter(before), None)
    earlier = (present, follows, *versions)
    return Place(
        target,
        present,
        previous,
        tuple({one.folder.resolve(): one for one in earlier if one is not None}.values()),
    )


def _is_later(target: Path, source: Source, settings: BuildSettings) -> bool:
    """Return whether the folder holds an earlier version that is to stay."""
    if not source.version_is_stated or settings.overwrite:
        return False
    if not (target / MANIFEST_NAME).is_file():
        return False
    return open_dataset(target).release < release(source.info.version)


def _present(target: Path) -> BuiltDataset | None:
    if not target.exists():
        return None
    if not (target / MANIFEST_NAME).is_file():
        raise OutputExistsError(
            f"{target} is there and holds no dataset of ours: move it away, or build with another "
            "--name"
        )
    return open_dataset(target)


_COLUMNS: Final = [field.name for field in CLIP_FIELDS]
_TREATED: Final = TREATMENT_FIELD.name
_TIMES: Final = [field.name for field in SEGMENT_FIELDS]


@dataclass
class Reused:
    """Rows that were taken from built datasets.

    Attributes:
        origin: The dataset of each stored clip, by its key.
    """

    origin: dict[str, str] = field(default_factory=dict)

    def remarks(self, decoded: Decoded) -> Iterator[str]:
        """Yield a sentence for each dataset that clips of the build were taken from.

        Args:
            decoded: The clips of the build.
        """
        counts: dict[str, int] = {}
        for clip in decoded.staged.values():
            if label := self.origin.get(clip.key):
                counts[label] = counts.get(label, 0) + 1
        for label, count in counts.items():
            yield (
                f"frames of {count:,} of {count_of(len(decoded.staged), 'clip')} taken from "
                f"{label}: the same bytes, not decoded again"
            )


def reuse_frames(
    source: Source, settings: BuildSettings, folder: Path, datasets: Sequence[BuiltDataset]
) -> Reused:
    """Store the rows of built datasets that may serve a build as finished clips.

    Args:
        source: The source.
        settings: The settings; only frames made in the same way by the same code are taken.
        folder: Folder of finished clips.
        datasets: Built datasets, the likeliest first.

    Returns:
        Which rows were taken.
    """
    reused = Reused()
    frames = settings.frames
    datasets = [one for one in datasets if frames is not None and _made_alike(one, frames)]
    if frames is None or not settings.reuse or not datasets or not _by_bytes(source):
        return reused
    ids = {clip.video_id for clip in source.clips}
    for dataset in datasets:
        label = f"{dataset.name} {dataset.manifest.version}"
        rows = _Rows(dataset, source, frames, folder)
        wanted = rows.wanted(ids)
        with progress_bar(
            f"take from {dataset.label}"[:24],
            sum(len(keys) for _, _, keys in wanted),
            enabled=settings.progress and bool(wanted),
        ) as advance:
            for key in rows.store(wanted):
                reused.origin[key] = label
                advance()
    return reused


def _made_alike(dataset: BuiltDataset, frames: FrameSettings) -> bool:
    record = dataset.manifest.frames
    if record is None or record.treatment != TREATMENT_VERSION:
        return False
    return all(getattr(record, name) == value for name, value in frames.describe().items())


def _by_bytes(source: Source) -> bool:
    """Return whether all frames follow from the bytes of files and from times in them."""

    def follows(footage: Footage | None) -> bool:
        if isinstance(footage, ClipSegment):
            footage = footage.whole
        return footage is not None and footage.identity_is_sha256 and not footage.columns(())

    return all(follows(clip.footage) for clip in source.clips)


_Wanted = tuple[Path, int, dict[int, str]]
"""A file, a row group, and the keys of the wanted rows by their place in it."""


@dataclass(frozen=True)
class _Rows:
    """The rows of a built dataset, as a build stores finished clips."""

    dataset: BuiltDataset
    source: Source
    frames: FrameSettings
    folder: Path

    def wanted(self, ids: set[str]) -> list[_Wanted]:
        """Return the rows that may serve: of the same ids, or, with new ids, of all."""
        files = [
            file
            for split in self.dataset.manifest.splits.values()
            for file in split.files
            if file.config == "default"
        ]
        old_ids = {
            video_id for name in self.dataset for video_id in self.dataset.split(name).video_ids
        }
        # A clip under a new id may be one that was there under another.
        renamed = not ids <= old_ids
        return [
            found
            for file in files
            for found in self._of_file(file, lambda video_id: renamed or video_id in ids)
        ]

    def store(self, wanted: Iterable[_Wanted]) -> Iterator[str]:
        """Store rows, and yield the key of each."""
        for path, group, keys in wanted:
            opened = BoundedParquet(path, path, memory_map=True)
            fields = (TREATMENT_FIELD,) if _TREATED in opened.schema.names else ()
            table = opened.read([*_COLUMNS, *(field.name for field in fields)], group)
            for row, key in keys.items():
                values: dict[str, Any] = table.slice(row, 1).to_pylist()[0]
                applied = fields if values.get(_TREATED) else ()
                store_row(one_row(values, (*CLIP_FIELDS, *applied)), kept_path(self.folder, key))
                yield key

    def _of_file(self, file: FileRecord, may_serve: Callable[[str], bool]) -> Iterator[_Wanted]:
        path = self.dataset.folder / file.path
        try:
            opened = BoundedParquet(path, path, memory_map=True)
        except (FileNotFoundError, InputError):
            return
        schema = opened.schema
        names = schema.names
        if not {*_COLUMNS, "video_id"} <= set(names):
            return
        # A user's own column of that name holds texts.
        times = [
            one.name
            for one in SEGMENT_FIELDS
            if one.name in names and schema.field(one.name).type == one.type
        ]
        found: list[_Wanted] = []
        for group in range(len(opened.group_rows)):
            rows = _rows_of(opened, group, ["video_id", "clip_sha256", *times])
            keys = {
                place: key
                for place, row in enumerate(rows)
                if may_serve(row["video_id"])
                and (identity := _identity(row))
                and not kept_path(self.folder, key := self._key(identity)).exists()
            }
            if keys:
                found.append((path, group, keys))
        # Frames of a file that was changed since must not spread.
        if found and file_sha256(path) == file.sha256:
            yield from found

    def _key(self, identity: str) -> str:
        return clip_key(self.frames, self.source.extra_fields, identity)


def _rows_of(file: BoundedParquet, group: int, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a row group; none of one that is damaged: its clips are decoded."""
    try:
        table = file.read(columns, group)
        with reading(file.where, "rows of a dataset"):
            rows: list[dict[str, Any]] = table.to_pylist()
            return rows
    except InputError:
        return []


def _identity(row: Mapping[str, Any]) -> str | None:
    """Return what the pixels of a row depend on: a file's hash, and the times of a part of it."""
    sha256: str | None = row["clip_sha256"]
    start, end = (row.get(name) for name in _TIMES)
    if sha256 is None or start is None:
        return sha256
    return Segment(start, end).identity_in(sha256)
