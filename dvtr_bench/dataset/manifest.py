"""`dataset.json`: what a built dataset says about itself, typed and checked to the last field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dvtr_bench.dataset.schema import CONFIGS, FORMAT_VERSION, SPLITS
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.runtime.json_records import from_json, parse_json, read_json_bytes, to_json

MANIFEST_NAME: Final = "dataset.json"
REPORT_NAME: Final = "build-report.json"


@dataclass(frozen=True)
class FileRecord:
    """One Parquet file of the dataset.

    Attributes:
        config: ``default``, ``captions`` or ``qrels``.
        path: Relative to the dataset's folder, with ``/``.
        num_rows: Rows in it.
        size_bytes: Its size.
        sha256: Of its bytes, 64 hex digits.
    """

    config: str
    path: str
    num_rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """One split.

    Attributes:
        num_videos: Videos: the gallery.
        num_captions: Captions: the queries.
        video_ids_sha256: `ids_sha256` of the video ids in row order.
        caption_ids_sha256: `ids_sha256` of the caption ids in row order.
        identical_caption_ceiling: Highest t2v R@1, in percent, that identical captions leave to a
            model that sees the text alone; None for a split without captions.
        files: Its Parquet files, configs in order, shards in order.
    """

    num_videos: int
    num_captions: int
    video_ids_sha256: str
    caption_ids_sha256: str
    identical_caption_ceiling: float | None
    files: tuple[FileRecord, ...]

    def __repr__(self) -> str:
        """Sizes alone: there may be hundreds of files."""
        return (
            f"SplitRecord(videos={self.num_videos}, captions={self.num_captions}, "
            f"files={len(self.files)})"
        )

    def paths(self, config: str) -> tuple[str, ...]:
        """Return the files of one config, relative to the dataset's folder."""
        return tuple(file.path for file in self.files if file.config == config)


@dataclass(frozen=True)
class FrameRecord:
    """How the stored frames were made.

    Attributes:
        sampling: Such as ``uniform:12``.
        short_side_px: Length of the shorter side after resizing.
        image_format: How frames are stored, such as ``jpeg:95:4:4:4`` or ``png``.
        extractor: Version of the code that decodes, samples and resizes: other versions may give
            other pixels.
        num_frames: Stored frames in all.
        mean_frame_bytes: Bytes that one stored frame takes on average.
    """

    sampling: str
    short_side_px: int
    image_format: str
    extractor: str
    num_frames: int
    mean_frame_bytes: float


@dataclass(frozen=True)
class LicenceRecord:
    """What may be done with the data.

    Attributes:
        id: Hugging Face licence id, ``other`` or ``unknown``.
        statement: What the source says, or that it says nothing, in a sentence.
        link: Where it says so; None when it says nothing.
    """

    id: str
    statement: str
    link: str | None


@dataclass(frozen=True)
class SourceRecord:
    """One annotation file that the rows came from.

    Attributes:
        name: File name.
        url: Where it is published, at a fixed revision; None for a file of the user's own.
        sha256: Of the file that was read, 64 hex digits.
        is_published_file: True when it is byte for byte the published one; None when there is no
            published one.
    """

    name: str
    url: str | None
    sha256: str
    is_published_file: bool | None


@dataclass(frozen=True)
class Manifest:
    """The whole of ``dataset.json``.

    Attributes:
        format_version: `dvtr_bench.dataset.schema.FORMAT_VERSION` of the writer.
        name: Name of the dataset, also of its folder by default.
        version: Semantic version; what follows ``+`` names the variant.
        fingerprint: Hash over rows and settings, 64 hex digits.
        inputs_sha256: Hash over everything that went in (clips, captions, splits, settings); equal
            for two builds that must give the same dataset.
        pretty_name: Name for people.
        summary: What it is, in a sentence.
        language: BCP 47 tag of the captions.
        homepage: Where the data come from; None when there is no such page.
        citation: BibTeX; empty when there is none.
        licence: What may be done with it.
        sources: The annotation files.
        splits: By split name, in the order train, validation, test; empty splits are left out.
        frames: How frames were made; None for an annotations-only dataset.
        extra_columns: Columns of config ``default`` beyond the common ones.
        left_out: How many items were left out, by reason.
        notes: What a reader must know about this build, one sentence each.
        built_with: The program and version that wrote it.
    """

    format_version: int
    name: str
    version: str
    fingerprint: str
    inputs_sha256: str
    pretty_name: str
    summary: str
    language: str
    homepage: str | None
    citation: str
    licence: LicenceRecord
    sources: tuple[SourceRecord, ...]
    splits: Mapping[str, SplitRecord]
    frames: FrameRecord | None
    extra_columns: tuple[str, ...]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]
    built_with: str

    def __repr__(self) -> str:
        """Name, version, fingerprint and splits."""
        return (
            f"Manifest({self.name} {self.version}, fingerprint {self.fingerprint[:12]}, "
            f"splits={dict(self.splits)})"
        )

    def to_text(self) -> str:
        """Return the JSON text of ``dataset.json``."""
        return json.dumps(to_json(self), indent=2, ensure_ascii=False) + "\n"

    @property
    def size_bytes(self) -> int:
        """Bytes of all Parquet files together."""
        return sum(file.size_bytes for split in self.splits.values() for file in split.files)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a built dataset.

    Args:
        folder: The dataset's folder.

    Returns:
        The manifest.

    Raises:
        NotFoundError: There is no ``dataset.json`` in the folder.
        InputError: It is no manifest, or of a format that this version does not read.
    """
    path = folder / MANIFEST_NAME
    try:
        text = read_json_bytes(path)
    except FileNotFoundError:
        raise NotFoundError(
            f"{folder} holds no built dataset: expected {MANIFEST_NAME} in it (see "
            "`dvtr-bench datasets`)"
        ) from None
    _check_format(path, parse_json(text, str(path)))
    manifest = from_json(Manifest, text, str(path))
    _check_splits(path, manifest)
    return manifest


def _check_format(path: Path, value: object) -> None:
    found = value.get("format_version") if isinstance(value, dict) else None
    if type(found) is not int:
        raise InputError(f"{path}: expected a whole number format_version, found {found!r}")
    if found > FORMAT_VERSION:
        raise InputError(
            f"{path}: too new: format {found}, this dvtr-bench reads format {FORMAT_VERSION}: "
            "upgrade dvtr-bench (pip install -U dvtr-bench)"
        )
    if found < FORMAT_VERSION:
        raise InputError(
            f"{path}: too old: format {found}, this dvtr-bench reads format {FORMAT_VERSION}: "
            "build the dataset again"
        )


def _check_splits(path: Path, manifest: Manifest) -> None:
    if not manifest.splits:
        raise InputError(f"{path}: a dataset has at least one split, found none")
    for name, split in manifest.splits.items():
        if name not in SPLITS:
            raise InputError(f"{path}: splits are {', '.join(SPLITS)}; found {name!r}")
        for file in split.files:
            parts = Path(file.path).parts
            if file.config not in CONFIGS or Path(file.path).is_absolute() or ".." in parts:
                raise InputError(
                    f"{path}: split {name}: {file.config!r} {file.path!r} is no file of a dataset"
                )
