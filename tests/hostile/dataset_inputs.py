"""Folders of datasets that others built: their Parquet files and stored frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dvtr_bench.dataset.manifest import IMAGE
from dvtr_bench.dataset.reader import open_dataset
from tests.hostile.case import Hostile
from tests.hostile.making import (
    VIDEOS,
    bomb,
    caption_table,
    jpeg,
    png_header,
    video_table,
    write_dataset,
)


def _read(folder: Path) -> None:
    split = open_dataset(folder)["test"]
    assert len(split.captions) == len(split.caption_ids)
    for video in split:
        assert video.captions
        split.row(video.row)
        split.frames(video.row)


def _videos(name: str, column: str, values: Any, message: str, **stated: int) -> Hostile:
    def make(folder: Path) -> Path:
        return write_dataset(
            folder, _with(video_table(), column, values), caption_table(), **stated
        )

    return Hostile(name, make, _read, message)


def _captions(name: str, column: str, values: Any, message: str, **stated: int) -> Hostile:
    def make(folder: Path) -> Path:
        return write_dataset(
            folder, video_table(), _with(caption_table(), column, values), **stated
        )

    return Hostile(name, make, _read, message)


def _bytes(name: str, damage: Callable[[bytes], bytes], message: str) -> Hostile:
    def make(folder: Path) -> Path:
        path = folder / "a.parquet"
        pq.write_table(video_table(), path)
        data = damage(path.read_bytes())
        path.unlink()
        return write_dataset(folder, data, caption_table())

    return Hostile(name, make, _read, message)


def _frame(name: str, data: bytes | None, message: str) -> Hostile:
    image = {"bytes": data, "path": None}
    return _videos(
        f"frame: {name}", "frames", pa.array([[image]] * VIDEOS, pa.list_(IMAGE)), message
    )


def _with(table: pa.Table, column: str, values: Any) -> pa.Table:
    place = table.schema.get_field_index(column)
    if values is None:
        return table.drop_columns([column])
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return table.set_column(place, pa.field(column, values.type), values)


_WIDE = jpeg().replace(b"\x00\x10\x00\x10", b"\xea\x60\xea\x60", 1)

INPUTS = [
    _videos("no ids", "video_id", None, "expected a column 'video_id'"),
    _videos("ids that are numbers", "video_id", [1, 2, 3], "the column video_id.*it is of int64"),
    _videos("ids that are bytes", "video_id", [b"a"] * VIDEOS, "it is of binary"),
    _videos("an id that is missing", "video_id", ["a", None, "c"], "has an empty cell"),
    _videos("categories that are lists", "category", [["a"]] * VIDEOS, "the column category"),
    _videos("other ids", "video_id", ["x", "y", "z"], "has no row"),
    _videos(
        "ids not in UTF-8",
        "video_id",
        pa.array([b"\xff"] * VIDEOS).view(pa.string()),
        "not a text file in utf-8",
    ),
    _videos("rows that are missing", "category", ["a"] * VIDEOS, "states 7", num_videos=7),
    _videos(
        "a billion videos", "category", ["a"] * VIDEOS, "states 1,000,000,000", num_videos=10**9
    ),
    _videos("no frames", "frames", None, "expected a column 'frames'"),
    _videos("frames that are numbers", "frames", [1, 2, 3], "row 0: not a row with frames"),
    _videos(
        "frames that are missing", "frames", pa.nulls(VIDEOS, pa.list_(IMAGE)), "not a row with"
    ),
    _videos("frames that are texts", "frames", [["a"]] * VIDEOS, "not a row with frames"),
    _captions("no captions", "caption", None, "expected a column 'caption'"),
    _captions("captions that are numbers", "caption", [1] * 6, "it is of int64"),
    _captions("a caption that is missing", "caption", ["a", None] * 3, "has an empty cell"),
    _captions("captions of a dictionary", "caption", bomb(6, 10), "it is of dictionary"),
    _captions("captions that are missing rows", "caption", ["a"] * 6, "states 60", num_captions=60),
    _captions(
        "captions not in UTF-8",
        "caption",
        pa.array([b"\xed\xa0\x80"] * 6).view(pa.string()),
        "not a text file in utf-8",
    ),
    Hostile(
        "captions that unpack to 8 GB",
        lambda folder: write_dataset(
            folder,
            video_table(),
            pa.table(
                {"caption_id": bomb(8_000, 1), "video_id": bomb(8_000, 1), "caption": bomb(8_000)}
            ),
        ),
        _read,
        "unpacks to .*at most",
    ),
    Hostile(
        "nulls that unpack to 30 million rows",
        lambda folder: write_dataset(
            folder,
            video_table(),
            pa.table(
                {name: pa.nulls(30_000_000) for name in ("caption_id", "video_id", "caption")}
            ),
        ),
        _read,
        "footer states 30,000,000 rows",
    ),
    _bytes("no bytes", lambda data: b"", "not a complete Parquet file"),
    _bytes("other bytes", lambda data: b"{}" * 50, "not a complete Parquet file"),
    _bytes("cut off", lambda data: data[:-100], "not a complete Parquet file"),
    _bytes("a footer of zeros", lambda data: data[:-200] + b"\0" * 192 + data[-8:], "Parquet"),
    _bytes("pages of 0xff", lambda data: data[:4] + b"\xff" * 500 + data[504:], "Parquet"),
    _bytes("encrypted", lambda data: b"PARE" + data[4:-4] + b"PARE", "not a complete Parquet file"),
    _frame("no bytes", b"", "row 0, frame 0: not a JPEG or PNG file"),
    _frame("missing", None, "row 0: not a row with frames"),
    _frame("text", b"no picture", "10 bytes that are neither"),
    _frame("JPEG cut off", jpeg()[:-10], "a JPEG file that is cut off"),
    _frame("JPEG of two markers", b"\xff\xd8\xff\xd9", "not a JPEG or PNG file"),
    _frame(
        "JPEG of fill bytes", b"\xff\xd8" + b"\xff" * 100_000 + b"\xd9", "not a JPEG or PNG file"
    ),
    _frame("JPEG of 60000 x 60000", _WIDE, "60000 x 60000 pixels"),
    _frame("JPEG whose segment has no length", b"\xff\xd8\xff\xe0\0\0\xff\xd9", "JPEG"),
    _frame("PNG of 60000 x 60000", png_header(60_000, 60_000), "60000 x 60000 pixels"),
    _frame("PNG of 2^32 x 1", png_header(2**32 - 1, 1), "4294967295 x 1 pixels"),
    _frame("PNG of no pixels", png_header(0, 0), "no decoder reads|not a JPEG"),
    _frame("PNG without pixels", png_header(16, 16), "no decoder reads|not a JPEG"),
    _frame("GIF", b"GIF89a" + b"\1\0\1\0" * 20, "that are neither"),
    _frame("TIFF", b"II*\0" + b"\xff" * 100, "that are neither"),
    _frame("WebP", b"RIFF\xff\xff\xff\x7fWEBPVP8 " + b"\0" * 60, "that are neither"),
]
