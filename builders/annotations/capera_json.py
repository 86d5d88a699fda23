"""CapERA's JSON: one file per split, five English captions a video."""

import json
from pathlib import Path

from builders.annotations.text_file import read_text
from dvtr_bench.errors import AnnotationError

_FORM = (
    '{"ERA_caption": [{"video_id": "Baseball_001.mp4", "annotation": {"English_caption": [...]}}]}'
)


def read_capera(path: Path) -> dict[str, tuple[str, ...]]:
    """Read one of CapERA's two files.

    Args:
        path: The file.

    Returns:
        Captions by video id, both verbatim and in file order.

    Raises:
        AnnotationError: The file has another form or names an id twice.
    """
    try:
        entries = json.loads(read_text(path))["ERA_caption"]
        pairs = [(entry["video_id"], entry["annotation"]["English_caption"]) for entry in entries]
    except (json.JSONDecodeError, KeyError, TypeError) as failure:
        raise AnnotationError(f"{path}: expected {_FORM}, failed at {failure}") from None
    found: dict[str, tuple[str, ...]] = {}
    for video_id, captions in pairs:
        if not isinstance(video_id, str) or not _are_strings(captions):
            raise AnnotationError(f"{path}: {video_id!r}: expected a list of captions: {_FORM}")
        if video_id in found:
            raise AnnotationError(f"{path}: the id {video_id!r} stands there twice")
        found[video_id] = tuple(captions)
    return found


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
