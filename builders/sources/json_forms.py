"""The forms in which captions are published as JSON, each recognised by its keys.

Every form becomes rows of named cells, like those of a table. To add a form, add it to `FORMS`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from dvtr_bench.errors import AnnotationError, DvtrError
from dvtr_bench.reading.border import brief

_SPLIT_KEYS: Final = frozenset(
    "train training validation validate val valid dev test testing".split()
)


class Entry(NamedTuple):
    """One row that a JSON file states.

    Attributes:
        place: Where in the file, such as ``entry 3``.
        cells: Values by column name.
    """

    place: str
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """A form of JSON.

    Attributes:
        name: Its name, for the documentation and messages.
        example: A short example.
        recognises: Takes the parsed file; returns whether it has this form.
        entries: Takes the parsed file; yields its rows. A KeyError or TypeError means that an entry
            does not have the form.
        note: A remark for the card on what is not read; empty without one.
    """

    name: str
    example: str
    recognises: Callable[[Any], bool]
    entries: Callable[[Any], Iterator[Entry]]
    note: str = ""


def find_form(path: Path, value: object) -> Form:
    """Find the form of a parsed file.

    Args:
        path: The file, for messages.
        value: Its content.

    Returns:
        The first form that recognises it.

    Raises:
        AnnotationError: None does; the message lists the forms.
    """
    for form in FORMS:
        if form.recognises(value):
            return form
    found = type(value).__name__
    if isinstance(value, dict):
        keys = ", ".join(map(repr, list(value)[:5]))
        found = f"an object with the keys {keys}" if value else "an empty object"
    known = "".join(f"\n  - {form.name}: {form.example}" for form in FORMS)
    raise AnnotationError(
        f"{path}: expected a list of objects, or captions in another form that is known; found "
        f"{found}. The forms are:{known}"
    )


def read_entries(path: Path, form: Form, value: Any) -> Iterator[Entry]:
    """Yield the rows of a parsed file.

    Args:
        path: The file, for messages.
        form: Its form.
        value: Its content.

    Yields:
        The rows, in the order of the file.

    Raises:
        AnnotationError: An entry does not have the form.
    """
    entry: Entry | None = None
    try:
        for entry in form.entries(value):
            yield Entry(entry.place, object_cells(f"{path}, {entry.place}", entry.cells))
    except DvtrError:
        raise
    except Exception as failure:  # an entry of another form fails in as many ways as look-ups
        after = f" after {entry.place}" if entry else ""
        raise AnnotationError(
            f"{path}{after}: an entry is not as in the others of the form {form.name}, "
            f"{form.example} ({brief(failure)})"
        ) from None


def object_cells(where: str, value: object) -> Mapping[str, Any]:
    """Return an object of a list as cells.

    Raises:
        AnnotationError: It is no object.
    """
    if not isinstance(value, dict):
        raise AnnotationError(
            f'{where}: expected an object such as {{"file_name": "a.mp4", "caption": "..."}}, '
            f"found {type(value).__name__}"
        )
    return value


def _of_list(value: Any) -> Iterator[Entry]:
    return (Entry(f"entry {number}", one) for number, one in enumerate(value, start=1))


def _of_msrvtt(value: Any) -> Iterator[Entry]:
    videos = {video["video_id"]: video for video in value["videos"]}
    for number, sentence in enumerate(value["sentences"], start=1):
        video = videos[sentence["video_id"]]
        kept = {key: video[key] for key in ("split", "category") if video.get(key) is not None}
        cells = {"video_id": sentence["video_id"], "caption": sentence["caption"], **kept}
        yield Entry(f"sentence {number}", cells)


def _is_coco(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list):
        return False
    first = next(iter(value["annotations"]), None)
    return isinstance(first, dict) and "image_id" in first and "caption" in first


def _of_coco(value: Any) -> Iterator[Entry]:
    images = {image["id"]: image for image in value.get("images", ())}
    for number, annotation in enumerate(value["annotations"], start=1):
        image_id = annotation["image_id"]
        if images and image_id not in images:
            raise KeyError(image_id)
        file = images.get(image_id, {}).get("file_name")
        clip = {"video_id": image_id} if file is None else {"file_name": file}
        yield Entry(f"annotation {number}", {**clip, "caption": annotation["caption"]})


def _of_annotations(value: Any) -> Iterator[Entry]:
    for number, one in enumerate(value["annotations"], start=1):
        yield Entry(f"annotation {number}", one)


def _is_violet(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(key.lower() in _SPLIT_KEYS for key in value)
        and all(isinstance(rows, list) for rows in value.values())
        and all(isinstance(row, dict) for rows in value.values() for row in rows[:1])
    )


def _of_violet(value: Any) -> Iterator[Entry]:
    for split, rows in value.items():
        for number, one in enumerate(rows, start=1):
            yield Entry(f"{split}, entry {number}", {"split": split, **one})


def _is_activitynet(value: Any) -> bool:
    return _is_of(value, dict) and all(
        "sentences" in one and "timestamps" in one for one in value.values()
    )


def _of_activitynet(value: Any) -> Iterator[Entry]:
    for video_id, one in value.items():
        yield Entry(f"id {video_id!r}", {"video_id": video_id, "captions": one["sentences"]})


def _is_of(value: Any, *kinds: type) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(one, kinds) for one in value.values())
    )


def _is_captions_by_id(value: Any) -> bool:
    return _is_of(value, str, list) and all(
        isinstance(caption, str) or caption is None
        for captions in value.values()
        if isinstance(captions, list)
        for caption in captions
    )


def _of_captions_by_id(value: Any) -> Iterator[Entry]:
    for video_id, captions in value.items():
        yield Entry(f"id {video_id!r}", {"video_id": video_id, "captions": captions})


def _is_objects_by_id(value: Any) -> bool:
    return _is_of(value, dict, list) and all(
        isinstance(row, dict)
        for rows in value.values()
        for row in (rows if isinstance(rows, list) else (rows,))
    )


def _of_objects_by_id(value: Any) -> Iterator[Entry]:
    for video_id, rows in value.items():
        for row in rows if isinstance(rows, list) else (rows,):
            yield Entry(f"id {video_id!r}", {"video_id": video_id, **row})


FORMS: Final = (
    Form(
        "a list of objects",
        '[{"file_name": "a.mp4", "caption": "..."}, ...]',
        lambda value: isinstance(value, list),
        _of_list,
    ),
    Form(
        "MSR-VTT",
        '{"videos": [{"video_id": "a", "split": "train"}], '
        '"sentences": [{"video_id": "a", "caption": "..."}]}',
        lambda value: isinstance(value, dict) and {"videos", "sentences"} <= value.keys(),
        _of_msrvtt,
    ),
    Form(
        "COCO captions",
        '{"images": [{"id": 1, "file_name": "a.mp4"}], '
        '"annotations": [{"image_id": 1, "caption": "..."}]}',
        _is_coco,
        _of_coco,
    ),
    Form(
        "annotations",
        '{"annotations": [{"video_id": "a", "caption": "..."}]}',
        lambda value: isinstance(value, dict) and isinstance(value.get("annotations"), list),
        _of_annotations,
    ),
    Form(
        "VIOLET",
        '{"train": [{"video": "a", "caption": "..."}], "test": [...]}',
        _is_violet,
        _of_violet,
    ),
    Form(
        "ActivityNet Captions",
        '{"v_a": {"duration": 9.5, "timestamps": [[0, 4.1], ...], "sentences": ["...", ...]}}',
        _is_activitynet,
        _of_activitynet,
        "The sentences of ActivityNet's form were read as captions of whole clips; their times "
        "were not used.",
    ),
    Form(
        "captions by id",
        '{"a": ["...", "..."], "b": "..."}',
        _is_captions_by_id,
        _of_captions_by_id,
    ),
    Form(
        "objects by id",
        '{"a": {"caption": "...", "split": "train"}}',
        _is_objects_by_id,
        _of_objects_by_id,
    ),
)
"""All forms, in the order in which they are tried."""


def published_cells(cells: Mapping[str, Any], language: str = "en") -> Mapping[str, Any]:
    """Rename the columns of rows in VATEX's and mPLUG's form; return other rows as they are.

    Args:
        cells: Values by column name.
        language: Tag of the language; of VATEX's captions, those in Chinese are read for ``zh``.

    Example:
        >>> published_cells({"videoID": "a", "enCap": ["a road"], "chCap": ["路"]})
        {'video_id': 'a', 'captions': ['a road']}
        >>> published_cells({"video_id": "a", "caption": "a road", "golden_caption": ["a road"]})
        {'video_id': 'a', 'captions': ['a road']}
    """
    if "videoID" in cells and ("enCap" in cells or "chCap" in cells):
        wanted = "chCap" if language.partition("-")[0] == "zh" or "enCap" not in cells else "enCap"
        others = {key: cells[key] for key in cells if key not in _VATEX_KEYS}
        return {"video_id": cells["videoID"], "captions": cells.get(wanted), **others}
    if isinstance(golden := cells.get("golden_caption"), list) and "caption" in cells:
        given = cells["caption"]
        captions = golden if given in golden else [given, *golden]
        others = {key: cells[key] for key in cells if key not in _MPLUG_KEYS}
        return {**others, "captions": captions}
    return cells


def is_in_two_languages(cells: Mapping[str, Any]) -> bool:
    """Return whether a row of VATEX's form has captions in English and Chinese."""
    return cells.keys() >= _VATEX_KEYS


_VATEX_KEYS: Final = frozenset({"videoID", "enCap", "chCap"})
_MPLUG_KEYS: Final = frozenset({"caption", "golden_caption"})
