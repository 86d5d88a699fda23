"""The columns of a built dataset; its manifest `dataset.json`: how it is read, checked, shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.border import brief_value, path_inside
from dvtr_bench.reading.json_records import MAY_BE_ABSENT, from_json, to_json
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes, readable_json

FORMAT_VERSION: Final = 1
"""Version of the files' format, raised whenever an older reader would misread a newer dataset."""

SPLITS: Final = ("train", "validation", "test")

CONFIGS: Final = ("default", "captions", "qrels")
"""The configs of every dataset."""

CLIPS_CONFIG: Final = "clips"
"""A further config of datasets that keep their clips."""

FEATURES_FOLDER: Final = "features"
"""Features of backbones that were published beside a dataset; no part of it."""

IMAGE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

VIDEO_FIELDS: Final = (
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("category", pa.string()),
    pa.field("captions", pa.list_(pa.string()), nullable=False),
    pa.field("frames", pa.list_(IMAGE)),
    pa.field("frame_pts_seconds", pa.list_(pa.float64())),
    pa.field("duration_seconds", pa.float64()),
    pa.field("source_fps", pa.float64()),
    pa.field("source_width_px", pa.int32()),
    pa.field("source_height_px", pa.int32()),
    pa.field("source_num_frames", pa.int32()),
    pa.field("source_codec", pa.string()),
    pa.field("source_colour", pa.string()),
    pa.field("rotation_degrees", pa.int32()),
    pa.field("clip_sha256", pa.string()),
    pa.field("perceptual_hash", pa.int64()),
)
"""Config ``default``: one row a video. Without frames, every field after ``captions`` is null."""

TREATMENT_FIELD: Final = pa.field("source_treatment", pa.list_(pa.string()))
"""Extra column of config ``default`` where footage was treated: what was applied to a clip, such as
``deinterlaced: bwdif``; null for a clip whose pictures are as they were coded. A dataset without
any treated clip has no such column."""

CAPTION_FIELDS: Final = (
    pa.field("caption_id", pa.string(), nullable=False),
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("caption", pa.string(), nullable=False),
)
"""Config ``captions``: one row a caption, a query of the recall protocol."""

QREL_FIELDS: Final = (
    pa.field("query-id", pa.string(), nullable=False),
    pa.field("corpus-id", pa.string(), nullable=False),
    pa.field("score", pa.int32(), nullable=False),
)
"""Config ``qrels``: which video is relevant to which caption (BEIR's column names)."""

CLIP_FIELDS: Final = (
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("video", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
)
"""Config ``clips``: one row a video, in the order of ``default``; the bytes of the clip's file, and
a file name made of the id."""


_FINGERPRINT: Final = re.compile("[0-9a-f]{64}")

MANIFEST_NAME: Final = "dataset.json"
REPORT_NAME: Final = "build-report.json"


@dataclass(frozen=True)
class FileRecord:
    """One Parquet file of the dataset.

    Attributes:
        config: ``default``, ``captions``, ``qrels`` or ``clips``.
        path: Path relative to the dataset's folder, with ``/``.
        num_rows: Number of rows.
        size_bytes: Size of the file.
        sha256: SHA-256 of the file, 64 hex digits.
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
        num_videos: Number of videos (the gallery).
        num_captions: Number of captions (the queries).
        video_ids_sha256: `ids_sha256` of the video ids in row order.
        caption_ids_sha256: `ids_sha256` of the caption ids in row order.
        identical_caption_ceiling: Highest expected t2v R@1, in percent, of a model that sees only
            the text, given the identical captions; None for a split without captions.
        files: Its Parquet files, by config and shard number.
    """

    num_videos: int
    num_captions: int
    video_ids_sha256: str
    caption_ids_sha256: str
    identical_caption_ceiling: float | None
    files: tuple[FileRecord, ...]

    def __repr__(self) -> str:
        """Show sizes only: there may be hundreds of files."""
        return (
            f"SplitRecord(videos={self.num_videos}, captions={self.num_captions}, "
            f"files={len(self.files)})"
        )

    def paths(self, config: str) -> tuple[str, ...]:
        """Return the paths of the files of one config, relative to the dataset's folder."""
        return tuple(file.path for file in self.files if file.config == config)


@dataclass(frozen=True)
class FrameRecord:
    """How the stored frames were made.

    Attributes:
        sampling: Such as ``uniform:12``.
        short_side_px: Length of the shorter side after resizing.
        image_format: How frames are stored, such as ``jpeg:95:4:4:4`` or ``png``.
        extractor: Version of the code that decodes, samples and resizes; other versions may give
            other pixels.
        num_frames: Total number of stored frames.
        mean_frame_bytes: Mean size of a stored frame.
        treatment: Version of what is applied to unusual footage (interlaced, HDR, pixels that are
            not square and so on); None in datasets of before, which have it as it was coded.
    """

    sampling: str
    short_side_px: int
    image_format: str
    extractor: str
    num_frames: int
    mean_frame_bytes: float
    treatment: int | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True)
class LicenceRecord:
    """Licence of the data.

    Attributes:
        id: Hugging Face licence id, ``other`` or ``unknown``.
        statement: One sentence: the source's statement, or that it makes none.
        link: Address of that statement; None without one.
    """

    id: str
    statement: str
    link: str | None


@dataclass(frozen=True)
class SourceRecord:
    """One annotation file from which the rows were read.

    Attributes:
        name: File name.
        url: Its published address, at a fixed revision; None for a user's own file.
        sha256: SHA-256 of the file that was read, 64 hex digits.
        is_published_file: Whether the file equals the published one, byte for byte; None if none
            is published.
    """

    name: str
    url: str | None
    sha256: str
    is_published_file: bool | None


@dataclass(frozen=True)
class Manifest:
    """The content of ``dataset.json``.

    Attributes:
        format_version: `dvtr_bench.dataset.manifest.FORMAT_VERSION` of the writer.
        name: Name of the dataset; by default also the name of its folder.
        version: Semantic version, with ``+VARIANT`` for a variant.
        fingerprint: Hash of rows and settings, 64 hex digits.
        inputs_sha256: Hash of all inputs (clips, captions, splits, settings); two builds with
            equal inputs must give the same dataset.
        pretty_name: Name to display.
        summary: One-sentence description.
        language: BCP 47 tag of the captions.
        homepage: Web page of the data; None without one.
        citation: BibTeX; empty without one.
        licence: Licence of the data.
        sources: The annotation files.
        splits: Non-empty splits by name, in the order train, validation, test.
        frames: How frames were made; None for an annotations-only dataset.
        extra_columns: Columns of config ``default`` besides the common ones.
        left_out: Number of items left out, by reason.
        notes: Remarks on this build, one sentence each.
        built_with: Program and version that wrote the dataset.
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
        """Show name, version, fingerprint and splits."""
        return (
            f"Manifest({self.name} {self.version}, fingerprint {self.fingerprint[:12]}, "
            f"splits={dict(self.splits)})"
        )

    def to_text(self) -> str:
        """Return the JSON text of ``dataset.json``."""
        return readable_json(to_json(self), indent=2) + "\n"

    @property
    def keeps_clips(self) -> bool:
        """Whether the dataset holds the files of its clips, in config ``clips``."""
        return any(split.paths(CLIPS_CONFIG) for split in self.splits.values())

    @property
    def configs(self) -> tuple[str, ...]:
        """The configs of this dataset."""
        return (*CONFIGS, CLIPS_CONFIG) if self.keeps_clips else CONFIGS

    @property
    def size_bytes(self) -> int:
        """Total size of the Parquet files."""
        return sum(file.size_bytes for split in self.splits.values() for file in split.files)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a built dataset.

    Args:
        folder: The dataset's folder.

    Returns:
        The manifest.

    Raises:
        NotFoundError: The folder has no ``dataset.json``.
        InputError: The file is not a manifest, or has a format version that cannot be read.
    """
    path = folder / MANIFEST_NAME
    try:
        text = read_json_bytes(path)
    except FileNotFoundError:
        raise NotFoundError(
            f"{folder} is not a built dataset: expected {MANIFEST_NAME} in it (see "
            "`dvtr-bench datasets`)"
        ) from None
    _check_format(path, parse_json(text, str(path)))
    manifest = from_json(Manifest, text, str(path))
    # Name and fingerprint become parts of paths: of versions, and of what is kept beside.
    path_inside(path, manifest.name, "name", one_part=True)
    if not _FINGERPRINT.fullmatch(manifest.fingerprint):
        raise InputError(
            f"{path}: fingerprint: expected 64 hex digits, found "
            f"{brief_value(manifest.fingerprint)}: build the dataset again"
        )
    _check_splits(path, manifest)
    return manifest


def _check_format(path: Path, value: object) -> None:
    version = value.get("format_version") if isinstance(value, dict) else None
    if type(version) is not int:
        raise InputError(f"{path}: format_version: expected an integer, found {version!r}")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path}: too new: format {version}, this dvtr-bench reads format {FORMAT_VERSION}: "
            "upgrade dvtr-bench (pip install -U dvtr-bench)"
        )
    if version < FORMAT_VERSION:
        raise InputError(
            f"{path}: too old: format {version}, this dvtr-bench reads format {FORMAT_VERSION}: "
            "build the dataset again"
        )


def _check_splits(path: Path, manifest: Manifest) -> None:
    if not manifest.splits:
        raise InputError(f"{path}: expected at least one split, found none")
    known = (*CONFIGS, CLIPS_CONFIG)
    for name, split in manifest.splits.items():
        if name not in SPLITS:
            raise InputError(f"{path}: expected splits named {', '.join(SPLITS)}; found {name!r}")
        if min(split.num_videos, split.num_captions, *(file.num_rows for file in split.files)) < 0:
            raise InputError(f"{path}: split {name}: expected numbers of rows of at least 0")
        for file in split.files:
            if file.config not in known:
                raise InputError(
                    f"{path}: split {name}: expected a config of {', '.join(known)}, found "
                    f"{file.config!r}"
                )
            path_inside(path, file.path, f"split {name}")


FINGERPRINT_SHOWN: Final = 12
"""Digits of a fingerprint that are shown."""


def size_text(count: float) -> str:
    """Return a number of bytes in readable form.

    Example:
        >>> size_text(1_562_587)
        '1.6 MB'
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.2f} GB"


def licence_fields(manifest: Manifest) -> dict[str, str]:
    """Return the licence fields for the Hub: an unknown licence needs a name and a link.

    The name is a lower-case identifier; the statement is in the prose. Source:
    huggingface/hub-docs, datasetcard.md.

    Args:
        manifest: The dataset.

    Returns:
        Fields of a card's YAML.
    """
    licence = manifest.licence
    fields = {"license": licence.id}
    if licence.id == "other":
        fields["license_name"] = re.sub(r"[^a-z0-9.]+", "-", f"{manifest.name}-licence".lower())
    if licence.link:
        fields["license_link"] = licence.link
    return fields
