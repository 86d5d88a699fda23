"""Reading of MSR-VTT's JSON, in its authors' form or in COCO's.

The authors' form has ``videos`` with splits and categories, and ``sentences`` with captions. COCO's
form (``MSR_VTT.json`` in Frozen in Time's release) has ``annotations``, each with a caption and the
video's id as ``image_id``. Nothing else in it is read, so categories and URLs are unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.sources.caption_table import read_table
from builders.sources.json_file import read_json_as
from dvtr_bench.errors import AnnotationError
from dvtr_bench.reading.border import brief_value

_FORM: Final = (
    '{"videos": [{"video_id": "video0", "split": "train", "category": 9, ...}], '
    '"sentences": [{"video_id": "video0", "caption": "..."}]}, or the form of COCO, '
    '{"annotations": [{"image_id": "video0", "caption": "..."}]}'
)


_MOST_DIGITS: Final = 18


@dataclass(frozen=True)
class MsrvttVideo:
    """One video of the JSON file.

    Attributes:
        video_id: Id, such as ``video7010``.
        captions: Captions verbatim, in file order.
        category: Number of its category; None if the file has none.
        split: Split as named in the file, such as ``validate``; None if the file has none.
        url: The YouTube video of which it is a part; None if the file has none.
        start_seconds: Start of the part in that video.
        end_seconds: End of the part in that video.
    """

    video_id: str
    captions: tuple[str, ...]
    category: int | None
    split: str | None
    url: str | None
    start_seconds: float | None
    end_seconds: float | None

    @property
    def number(self) -> int:
        """The number in the id."""
        return int(self.video_id.removeprefix("video"))


def read_msrvtt(paths: Sequence[Path]) -> dict[str, MsrvttVideo]:
    """Read MSR-VTT's JSON files together.

    Args:
        paths: One file with all videos, or one for train and validation and another for test.

    Returns:
        Videos by id, in the order of their numbers.

    Raises:
        AnnotationError: A file has another form, or a video is in two files.
    """
    videos: dict[str, MsrvttVideo] = {}
    for path in paths:
        for video_id, video in _read_one(path).items():
            if video_id in videos:
                raise AnnotationError(f"{path}: the id {video_id!r} is also in another file")
            videos[video_id] = video
    return dict(sorted(videos.items(), key=lambda item: item[1].number))


def read_ids(path: Path, column: str = "video_id") -> tuple[str, ...]:
    """Read the ids of a CSV file.

    Args:
        path: The file, such as ``MSRVTT_train.9k.csv``.
        column: The column of ids.

    Returns:
        Ids in file order.

    Raises:
        AnnotationError: There is no such column, or an id occurs twice.
    """
    return tuple(read_column(path, column, column))


def read_column(path: Path, key: str, column: str) -> dict[str, str]:
    """Read a column of a CSV file by another column.

    Args:
        path: The file, such as ``MSRVTT_JSFUSION_test.csv``.
        key: The column of unique keys, such as ``video_id``.
        column: The column to read, such as ``sentence``.

    Returns:
        Cells by key, in file order.

    Raises:
        AnnotationError: There is no such column, or a key occurs twice.
    """
    cells: dict[str, str] = {}
    for row in read_table(path):
        if key not in row.cells or column not in row.cells:
            raise AnnotationError(
                f"{path}: expected the columns {key} and {column}, found {', '.join(row.cells)}"
            )
        value = row.cells[key]
        if value in cells:
            raise AnnotationError(f"{row.where}: {value!r} occurs twice")
        cells[value] = row.cells[column]
    return cells


def _read_one(path: Path) -> dict[str, MsrvttVideo]:
    return read_json_as(path, _FORM, lambda value: _videos(path, _to_authors_form(value)))


def _videos(path: Path, value: Any) -> dict[str, MsrvttVideo]:
    entries, sentences = value["videos"], value["sentences"]
    captions: dict[str, list[str]] = {_video_id(path, entry): [] for entry in entries}
    for sentence in sentences:
        captions[sentence["video_id"]].append(_caption(path, sentence))
    if len(captions) != len(entries):
        raise AnnotationError(f"{path}: {len(entries) - len(captions)} videos occur twice")
    return {
        entry["video_id"]: MsrvttVideo(
            video_id=entry["video_id"],
            captions=tuple(captions[entry["video_id"]]),
            category=_number(path, entry, "category"),
            split=_text(entry, "split"),
            url=_text(entry, "url"),
            start_seconds=_seconds(path, entry, "start time"),
            end_seconds=_seconds(path, entry, "end time"),
        )
        for entry in entries
    }


def _to_authors_form(value: Any) -> Any:
    """Convert COCO's form to the authors'; videos are in the order of their first captions."""
    if "annotations" not in value or "videos" in value:
        return value
    sentences = [{**entry, "video_id": entry["image_id"]} for entry in value["annotations"]]
    ids = dict.fromkeys(sentence["video_id"] for sentence in sentences)
    return {"videos": [{"video_id": video_id} for video_id in ids], "sentences": sentences}


def _video_id(path: Path, entry: Mapping[str, Any]) -> str:
    video_id = entry["video_id"]
    number = video_id.removeprefix("video") if isinstance(video_id, str) else ""
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise AnnotationError(
            f"{path}: expected ids such as 'video7010', found {brief_value(video_id)}"
        )
    return str(video_id)


def _caption(path: Path, sentence: Mapping[str, Any]) -> str:
    caption = sentence["caption"]
    if not isinstance(caption, str):
        raise AnnotationError(
            f"{path}: {sentence['video_id']}: expected text, found {brief_value(caption)}"
        )
    return caption


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value else None


def _number(path: Path, entry: Mapping[str, Any], key: str) -> int | None:
    value = entry.get(key)
    if value is not None and type(value) is not int:
        raise AnnotationError(f"{path}: {entry['video_id']}: {key}: expected an integer")
    return value


def _seconds(path: Path, entry: Mapping[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnnotationError(f"{path}: {entry['video_id']}: {key}: expected seconds")
    return float(value)
