"""Make an annotations-only dataset from one with frames."""

from pathlib import Path
from typing import Final

import pyarrow as pa

from builders.build import hash_inputs
from builders.documents.card import CARD_NAME, read_info
from builders.documents.report import BuildReport, make_report
from builders.documents.texts import write_texts
from builders.engine.assemble import write_dataset
from builders.engine.parquet import Rows
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, DatasetInfo, Source
from dvtr_bench.dataset.manifest import REPORT_NAME
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import InputError, PublishError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_records import from_json
from dvtr_bench.reading.json_toml_text import read_json_bytes
from dvtr_bench.reading.parquet_files import BoundedParquet

_ADVICE = "build the dataset again"

_OWN: Final = ("video_id", "category", "captions")


def strip_frames(dataset: BuiltDataset, output: Path) -> BuiltDataset:
    """Write a copy of a dataset without frames and decoding results.

    It has its own fingerprint: that of `dvtr-bench build --annotations-only` from the same
    annotations, unless clips were left out of the dataset with frames, or extra columns were
    computed from frames (aerosynth's boxes, which are kept).

    Args:
        dataset: A dataset with frames.
        output: A folder that does not exist yet.

    Returns:
        The dataset in `output`.

    Raises:
        PublishError: Its card or report was changed after the build.
    """
    manifest = dataset.manifest
    clips, extra_fields = _read_clips(dataset)
    build_report = _report(dataset)
    left_out = dict(build_report.left_out)
    source = Source(
        info=_info(dataset, build_report),
        clips=clips,
        sources=manifest.sources,
        extra_fields=extra_fields,
        notes=manifest.notes,
    )
    settings = BuildSettings(frames=None, workers=0, progress=False)
    rows = Rows(source, {})
    report = make_report(rows, left_out)
    output.mkdir()
    assembled = write_dataset(
        rows,
        settings,
        output,
        inputs_sha256=hash_inputs(source, settings, {}),
        left_out=left_out,
    )
    write_texts(output, rows, assembled, report)
    return open_dataset(output)


def _read_clips(dataset: BuiltDataset) -> tuple[tuple[Clip, ...], tuple[pa.Field, ...]]:
    extras = dataset.manifest.extra_columns
    clips: list[Clip] = []
    fields: tuple[pa.Field, ...] = ()
    for name, split in dataset.manifest.splits.items():
        for path in split.paths("default"):
            where = dataset.folder / path
            file = BoundedParquet(where, where, error=PublishError, advice=_ADVICE)
            table = file.read([*_OWN, *extras])
            fields = tuple(file.schema.field(extra) for extra in extras)
            with reading(where, "rows of a dataset", PublishError, _ADVICE):
                rows = table.to_pylist()
            for row in rows:
                clips.append(
                    Clip(
                        video_id=row["video_id"],
                        captions=tuple(row["captions"]),
                        split=name,
                        category=row["category"],
                        extra={extra: row[extra] for extra in extras},
                    )
                )
    return tuple(clips), fields


def _report(dataset: BuiltDataset) -> BuildReport:
    path = dataset.folder / REPORT_NAME
    try:
        return from_json(BuildReport, read_json_bytes(path), str(path))
    except (OSError, InputError) as failure:
        raise PublishError(
            f"{path}: cannot be read ({failure}): build the dataset again"
        ) from failure


def _info(dataset: BuiltDataset, report: BuildReport) -> DatasetInfo:
    path = dataset.folder / CARD_NAME
    try:
        with reading(path, "a card of this build"):
            return read_info(path.read_text(encoding="utf-8"), dataset.manifest, report)
    except (OSError, InputError) as failure:
        raise PublishError(f"{path}: {failure}: build the dataset again") from failure
