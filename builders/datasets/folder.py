"""A folder of clips and a table of captions: your own footage."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from builders.sources.beside_clips import SUFFIXES, read_captions_beside
from builders.sources.caption_rows import TIME_COLUMNS, CaptionRow, Columns, find_columns, parse_row
from builders.sources.caption_table import Table, read_table
from builders.sources.clips import ClipFiles, open_clips
from builders.sources.matching import apply_to_all, shown_path
from builders.sources.named_clips import (
    ClipNames,
    NamedClip,
    check_one_id_per_file,
    parts_of_files,
)
from builders.sources.old_splits import read_old_splits
from builders.sources.own_folder import ExtraColumn, NamedRow, NamedRows, advise, look_over
from builders.sources.packed import Packed
from builders.sources.segments import SEGMENT_FIELDS
from builders.sources.source import (
    Clip,
    DatasetInfo,
    LicenceRecord,
    Source,
    SourceRecord,
    optional,
    required,
)
from builders.sources.split_drawing import DEFAULT_RATIOS, ClipHashes, Draw, Drawing, parse_ratios
from builders.sources.splits import SplitChoice, choose_splits
from dvtr_bench.dataset.fingerprint import release
from dvtr_bench.errors import ConfigError, InputError, NotFoundError
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import count_of

INFO: Final = DatasetInfo(
    name="folder",
    version="1.0.0",
    pretty_name="Clips of your own",
    summary="Any folder of clips with a table of captions (CSV, JSONL, Parquet).",
    description=(
        "Built from a folder of clips and a table of captions with `dvtr-bench build folder`."
    ),
    licence=LicenceRecord("unknown", "Whoever built it stated no licence.", None),
    clips_from="your own folder",
    tags=("drone", "uav", "aerial", "video-text-retrieval"),
)
_LICENCE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_METADATA_NAMES: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build folder`.

    Raises:
        ConfigError: The ratios are invalid, or there is no input.
    """

    name: str = required("the name that the dataset gets, such as --name mine")
    clips: Path | None = optional(
        None, "the clips: a folder, a zip, a tar, a folder of tars, or one file"
    )
    captions: Path | None = optional(
        None,
        "the table of captions; by default metadata.csv, .jsonl or .parquet in --clips, or the "
        ".json and .txt files beside clips",
    )
    group_by: str | None = optional(None, "the column whose clips stay in one split")
    seed: int = optional(0, "of the drawn split")
    ratios: str = optional(DEFAULT_RATIOS, "shares of the drawn train, validation and test")
    draw: Draw = optional(
        "stable", "new clips never move old ones; or balanced: sizes as near the ratios as can be"
    )
    splits_from: Path | None = optional(
        None,
        "a built dataset (NAME, NAME@VERSION or its folder) or a table of id and split: clips that "
        "it has keep their split",
    )
    encoding: str = optional("utf-8", "of the table of captions")
    version: str = optional(INFO.version, "of the dataset, to be raised before it is pushed anew")
    licence: str | None = optional(
        None,
        "of clips and captions, as the Hub calls it: cc-by-4.0",
        other_spellings=("license",),
    )
    citation: Path | None = optional(None, "a file of BibTeX for the card")
    language: str = optional(INFO.language, "of the captions, as in en or zh-Hans")

    def __post_init__(self) -> None:
        """Check options that can be checked without reading files."""
        self.drawing()
        release(self.version)
        if self.licence is not None and not _LICENCE.fullmatch(self.licence):
            raise ConfigError(
                f"--licence {self.licence!r} is no licence as the Hub calls them: it takes such as "
                "cc-by-4.0, mit or other (https://huggingface.co/docs/hub/repositories-licenses)"
            )
        if not _LANGUAGE.fullmatch(self.language):
            raise ConfigError(
                f"--language {self.language!r} is no language tag: it takes such as en or zh-Hans"
            )
        if self.clips is None and self.captions is None:
            raise ConfigError("folder needs --clips DIR and --captions FILE")

    def drawing(self) -> Drawing:
        """Return how splits are drawn."""
        return Drawing(self.seed, parse_ratios(self.ratios), self.draw)


def read(options: Options) -> Source:
    """Read a folder of clips and its captions.

    Args:
        options: Paths, and how to split.

    Returns:
        One clip for each that the table names, in its order.
    """
    folder = open_clips(options.clips) if options.clips else None
    tables, records = _read_tables(options, folder)
    names = ClipNames(folder)
    columns = [find_columns(table, options.group_by) for table in tables]
    named = NamedRows(
        row
        for table, its_columns in zip(tables, columns, strict=True)
        for row in _named_rows(table, its_columns, names)
    )
    rows_of, clip_of = named.rows_of, named.clip_of
    check_one_id_per_file(folder, named.clips())
    hashes = ClipHashes(names.footage)
    splits = _choose_splits(named, options, hashes)
    extras, row_notes = look_over(rows_of)
    clips = Packed(
        _make_clip(clip_of[video_id], rows, splits.split_of[video_id], names, hashes, extras)
        for video_id, rows in rows_of.items()
    )
    notes = [note for table in tables for note in table.notes]
    notes += [note for its_columns in columns for note in its_columns.notes]
    used = {clip.file for clip in clip_of.values()}
    has_segments = any(clip.segment for clip in clip_of.values())
    return Source(
        info=replace(
            INFO,
            name=options.name,
            version=options.version,
            pretty_name=options.name,
            summary=f"{count_of(len(clips), 'clip')} with captions, built from a folder.",
            licence=_licence(options.licence),
            citation=_read_citation(options.citation),
            language=options.language,
        ),
        clips=clips,
        sources=(*records, *splits.sources),
        extra_fields=(
            *(extra.field for extra in extras),
            *(SEGMENT_FIELDS if has_segments else ()),
        ),
        unused_clips=tuple(shown_path(file) for file in folder.files if str(file) not in used)
        if folder
        else (),
        notes=(
            *splits.notes,
            *notes,
            *row_notes,
            *names.notes(),
            *_advise_on_times(extras),
            *advise(rows_of.values(), splits, extras, options.group_by, options.licence),
        ),
        offers_clips=folder is not None,
        version_is_stated=True,
        follows=splits.follows,
    )


def _choose_splits(named: NamedRows, options: Options, hashes: ClipHashes) -> SplitChoice:
    clip_of = named.clip_of
    same_files = hashes.same_files(clip_of)
    old = None
    if options.splits_from is not None:
        old = read_old_splits(options.splits_from, options.encoding)
        new = [clip_of[video_id] for video_id in old.new_ids(clip_of)]
        old = old.with_copies(hashes.sha256_of(new))
    return choose_splits(
        named.rows_of,
        clip_of,
        drawing=options.drawing(),
        same_files=same_files,
        parts=parts_of_files(clip_of),
        old=old,
    )


def _advise_on_times(extras: Sequence[ExtraColumn]) -> Iterator[str]:
    """Yield a note if rows of one file have a ``start`` and an ``end`` each, which may be times."""
    by_row = [extra.name for extra in extras if pa.types.is_list(extra.field.type)]
    names = [name for name in by_row if name.lower() in {"start", "end"}]
    if len(names) > 1:
        yield (
            f"The columns {' and '.join(names)} differ from row to row of one clip and are kept as "
            f"columns. If they are the times of parts of files, call them "
            f"{' and '.join(TIME_COLUMNS)}: then each part becomes a clip."
        )


def _licence(stated: str | None) -> LicenceRecord:
    if stated is None:
        return INFO.licence
    return LicenceRecord(stated, f"Whoever built it states the licence {stated}.", None)


def _read_citation(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except OSError as failure:
        raise NotFoundError(f"--citation {file}: cannot be read ({failure.strerror})") from failure
    except UnicodeDecodeError as failure:
        raise InputError(f"--citation {file}: not a text file in UTF-8 ({failure})") from failure
    if not text.startswith("@") or "```" in text:
        raise InputError(f"--citation {file}: no BibTeX, which begins with such as @misc{{")
    return text


def _read_tables(
    options: Options, folder: ClipFiles | None
) -> tuple[list[Table], list[SourceRecord]]:
    """Read the table that is named, those that lie in the folder, or the files beside the clips."""
    root = options.clips or Path()
    found = (path for name in _METADATA_NAMES for path in root.rglob(name))
    paths = [options.captions] if options.captions else sorted(found)
    if paths:
        tables = [read_table(path, options.encoding, options.language) for path in paths]
        return tables, list(map(_record, paths))
    beside = read_captions_beside(folder, options.encoding, options.language) if folder else None
    if beside is None:
        raise NotFoundError(
            f"folder needs --captions FILE: there is no {', '.join(_METADATA_NAMES)} in {root}"
            + (" (tables inside a zip or tar are not read)" if root.is_file() else "")
            + f", and beside no clip a file of its name with {' or '.join(SUFFIXES)}"
        )
    return [beside.table], [beside.record]


def _named_rows(table: Table, columns: Columns, names: ClipNames) -> Iterator[NamedRow]:
    # Malformed rows are reported before rows that name no clip.
    parsed = apply_to_all(lambda row: parse_row(row, columns), table)
    return apply_to_all(lambda row: NamedRow(row, names.name(row, table.path)), parsed)


def _make_clip(
    clip: NamedClip,
    rows: Sequence[CaptionRow],
    split: str,
    names: ClipNames,
    hashes: ClipHashes,
    extras: Sequence[ExtraColumn],
) -> Clip:
    footage = hashes.footage(clip)
    return Clip(
        video_id=clip.video_id,
        captions=tuple(caption for row in rows for caption in row.captions),
        split=split,
        footage=footage,
        category=next((row.category for row in rows if row.category is not None), None),
        extra={
            **{extra.field.name: extra.value(rows) for extra in extras},
            **(clip.segment.columns() if clip.segment else {}),
        },
        where=f"{rows[0].where}{names.advice(clip) if footage is None else ''}",
    )


def _record(table: Path) -> SourceRecord:
    return SourceRecord(table.name, None, file_sha256(table), None)
