"""What lies beside clips: their captions in files of their own, and clips of unknown suffix."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple, TypeAlias

from builders.sources.archive import Member, check_members
from builders.sources.caption_rows import CAPTION_COLUMNS, FILE_COLUMNS, has_captions
from builders.sources.caption_table import Table, TableRow
from builders.sources.clips import ClipArchive, ClipFiles, files_below, is_video_name
from builders.sources.json_forms import object_cells, published_cells
from builders.sources.source import SourceRecord
from builders.sources.tar_archive import TarMember
from builders.sources.text_file import decode_text
from dvtr_bench.errors import AnnotationError
from dvtr_bench.reading.border import reading, require_size
from dvtr_bench.reading.json_toml_text import parse_published_json

SUFFIXES: Final = (".json", ".txt")
"""Of the files whose captions are read; the first that has captions counts."""

LARGEST_BYTES: Final = 10_000_000
"""A larger file is not that of one clip."""

_NO_FOOTAGE: Final = frozenset(
    (
        ".aac .ass .bmp .csv .doc .docx .flac .geojson .gpx .gz .h5 .heic .html .info .jpeg .jpg "
        ".json .jsonl .kml .lock .log .m4a .md .md5 .mp3 .npy .npz .ogg .opus .parquet .pdf "
        ".pickle .pkl .png .pt .pth .safetensors .sha256 .srt .svg .tar .tif .tiff .toml .tsv .txt "
        ".vtt .wav .webp .xls .xlsx .xml .xmp .yaml .yml .zip"
    ).split()
)
"""Suffixes of texts, pictures, sound and numbers, which often lie beside a clip under its name."""

_File: TypeAlias = Path | Member | TarMember


class CaptionsBeside(NamedTuple):
    """The captions that lie beside clips.

    Attributes:
        table: One row for each clip that has such a file.
        record: What the manifest says of the files.
    """

    table: Table
    record: SourceRecord


def possible_clips(folder: ClipFiles) -> dict[str, PurePosixPath]:
    """Find files that may be clips although their suffix is none that we know as a video's.

    Args:
        folder: The clips.

    Returns:
        Such files by their paths and by their names, both without suffix.
    """
    files: Iterator[PurePosixPath]
    if isinstance(folder, ClipArchive):
        files = iter(folder.all_members())
    else:
        files = (PurePosixPath(path.relative_to(folder.root)) for path in files_below(folder.root))
    found: dict[str, PurePosixPath] = {}
    for file in files:
        suffix = file.suffix.lower()
        if suffix and suffix not in _NO_FOOTAGE and not is_video_name(file.name):
            for name in (str(file.with_suffix("")), file.stem):
                found.setdefault(name, file)
    return found


def read_captions_beside(
    folder: ClipFiles, encoding: str = "utf-8", language: str = "en"
) -> CaptionsBeside | None:
    """Read captions from files that are called as the clips are, as in WebDataset's tars.

    Args:
        folder: The clips: a folder, a zip or tars.
        encoding: Encoding of the files.
        language: Tag of the language that is wanted where a form has captions in several.

    Returns:
        The captions; None if no clip has such a file.

    Raises:
        AnnotationError: A file is too large, not in this encoding, or no JSON object.
    """
    files = _files_beside(folder)
    if not files:
        return None
    digest = hashlib.sha256()
    columns: dict[str, None] = {}
    for clip, beside in files.items():
        texts = [_read(file, encoding) for file in beside]
        for text in (str(clip), *texts):
            digest.update(f"{len(text.encode())} {text}".encode())
        columns.update(dict.fromkeys(_row(clip, beside, texts, language).cells))

    def rows() -> Iterator[TableRow]:
        for clip, beside in files.items():
            yield _row(clip, beside, [_read(file, encoding) for file in beside], language)

    note = "The captions were read from files beside the clips that have their names (.json, .txt)."
    name = f"files beside the clips of {folder.name}"
    return CaptionsBeside(
        Table(folder.root, rows, columns, len(files), (note,)),
        SourceRecord(name, None, digest.hexdigest(), None),
    )


def _files_beside(folder: ClipFiles) -> Mapping[PurePosixPath, tuple[_File, ...]]:
    """Return the files beside each clip that has any, in the order of `SUFFIXES`."""
    members = folder.all_members() if isinstance(folder, ClipArchive) else None
    files: dict[PurePosixPath, tuple[_File, ...]] = {}
    for clip in folder.files:
        names = [clip.with_suffix(suffix) for suffix in SUFFIXES]
        beside: list[_File]
        if members is None:
            beside = [path for name in names if (path := folder.root / name).is_file()]
        else:
            beside = [members[name] for name in names if name in members]
        if beside:
            files[clip] = tuple(beside)
    zipped = {
        PurePosixPath(file.name): file
        for beside in files.values()
        for file in beside
        if isinstance(file, Member)
    }
    if zipped:
        check_members(folder.root, zipped)
    return files


def _label(file: _File) -> str:
    return str(file) if isinstance(file, Path) else file.label


def _read(file: _File, encoding: str) -> str:
    where = _label(file)
    with reading(where, "a file with the captions of a clip", AnnotationError):
        size = file.stat().st_size if isinstance(file, Path) else file.size_bytes
        require_size(where, size, LARGEST_BYTES, error=AnnotationError)
        if isinstance(file, Path):
            return decode_text(where, file.read_bytes(), encoding)
        unpacked = io.BytesIO()
        file.copy_to(unpacked)
        return decode_text(where, unpacked.getvalue(), encoding)


def _row(
    clip: PurePosixPath, beside: tuple[_File, ...], texts: list[str], language: str
) -> TableRow:
    """Return the row of a clip: what its JSON says; the text is its caption if that has none."""
    cells: dict[str, Any] = {}
    where = _label(beside[0])
    for file, text in zip(beside, texts, strict=True):
        if _label(file).endswith(SUFFIXES[0]):
            value = parse_published_json(text, where, AnnotationError, unique=True)
            cells |= published_cells(object_cells(where, value), language)
        elif not has_captions(cells):
            cells[CAPTION_COLUMNS[0]] = text.rstrip("\r\n")
            where = _label(file)
    # The name of the clip counts, whatever the JSON calls its file.
    cells = {name: value for name, value in cells.items() if name.lower() != FILE_COLUMNS[0]}
    return TableRow(where, {FILE_COLUMNS[0]: str(clip), **cells})
