"""Captions in the JSON forms that the field publishes."""

import json
from pathlib import Path

import pytest

from builders.sources.caption_rows import find_columns, parse_row
from builders.sources.caption_table import read_table
from builders.sources.json_forms import FORMS
from dvtr_bench.errors import AnnotationError

WANTED = {"a": ("one x", "two"), "b": ("three",)}
PAIRS = [("a", "one x"), ("a", "two"), ("b", "three")]
OBJECTS = [{"video_id": video, "caption": caption} for video, caption in PAIRS]


def captions_of(path: Path, language: str = "en") -> dict[str, tuple[str, ...]]:
    table = read_table(path, language=language)
    columns = find_columns(table)
    found: dict[str, tuple[str, ...]] = {}
    for row in (parse_row(row, columns) for row in table):
        video_id = (row.video_id or row.file_name or "").removesuffix(".mp4")
        found[video_id] = (*found.get(video_id, ()), *row.captions)
    return found


def write(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "value",
    [
        OBJECTS,
        {"annotations": OBJECTS},
        {
            "videos": [{"video_id": "a", "split": "train"}, {"video_id": "b", "split": "validate"}],
            "sentences": [{**one, "sen_id": number} for number, one in enumerate(OBJECTS)],
        },
        {
            "info": {"year": 2026},
            "images": [{"id": 7, "file_name": "a.mp4"}, {"id": 3, "file_name": "b.mp4"}],
            "annotations": [
                {"id": number, "image_id": {"a": 7, "b": 3}[video], "caption": caption}
                for number, (video, caption) in enumerate(PAIRS)
            ],
        },
        {
            "images": [{"id": "a"}, {"id": "b"}],
            "annotations": [{"image_id": one["video_id"], **one} for one in OBJECTS],
        },
        {"train": OBJECTS[:2], "val": [], "test": OBJECTS[2:]},
        {video: list(captions) for video, captions in WANTED.items()},
        {"a": ["one x", "two"], "b": "three"},
        {video: {"captions": list(captions)} for video, captions in WANTED.items()},
        {"a": [{"caption": "one x"}, {"caption": "two"}], "b": [{"caption": "three"}]},
        [
            {"videoID": video, "enCap": list(captions), "chCap": ["路"]}
            for video, captions in WANTED.items()
        ],
        {
            video: {
                "duration": 9.5,
                "timestamps": [[0, 4]] * len(captions),
                "sentences": list(captions),
            }
            for video, captions in WANTED.items()
        },
    ],
    ids=lambda value: ",".join(map(str, value))[:40],
)
def test_every_form(tmp_path: Path, value: object) -> None:
    assert captions_of(write(tmp_path / "a.json", value)) == WANTED
    assert captions_of(write(tmp_path / "a.jsonl", json.dumps(value, indent=1))) == WANTED


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
@pytest.mark.parametrize("indent", [None, 2])
def test_objects_that_follow_one_another(tmp_path: Path, name: str, indent: int | None) -> None:
    text = "\n".join(json.dumps(one, indent=indent) for one in OBJECTS)
    path = write(tmp_path / name, text)
    assert captions_of(path) == WANTED
    third = list(read_table(path))[2].where
    assert third.endswith(f"{name}, line {3 if indent is None else 9}")


def test_mplugs_lines(tmp_path: Path) -> None:
    lines = [
        {"video_id": "a", "golden_caption": ["one x", "two"], "caption": "two"},
        {"video_id": "b", "golden_caption": ["three"], "caption": "three"},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert captions_of(path) == WANTED


def test_vatex_in_chinese(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [{"videoID": "a", "enCap": ["x"], "chCap": ["一", "二"]}])
    assert captions_of(path, "zh-Hans") == {"a": ("一", "二")}
    assert captions_of(path) == {"a": ("x",)}
    assert "English and Chinese" in read_table(path).notes[0]


def test_times_that_are_not_used_are_told(tmp_path: Path) -> None:
    value = {"v_a": {"duration": 9, "timestamps": [[0, 1]], "sentences": [" A road."]}}
    table = read_table(write(tmp_path / "a.json", value))
    assert "their times were not used" in table.notes[0]
    assert next(iter(table)).cells["captions"] == [" A road."]


def test_splits_of_msrvtt_and_violet(tmp_path: Path) -> None:
    for value in (
        {"videos": [{"video_id": "a", "split": "validate"}], "sentences": [OBJECTS[0]]},
        {"val": [OBJECTS[0]]},
    ):
        table = read_table(write(tmp_path / "a.json", value))
        assert parse_row(next(iter(table)), find_columns(table)).split == "validation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}', r"expected a list of objects, .*found an object with the keys 'a'\. The"),
        ("{}", "found an empty object"),
        ("3", "found int"),
        ('{"a": ["x"], "a": ["y"]}', "the key 'a' occurs twice"),
        ('[{"video_id": "a", "caption": "x"}, 5]', "a.json, entry 2: expected an object"),
        (
            '{"videos": [{"video_id": "a"}], "sentences": [{"video_id": "b", "caption": "x"}]}',
            "MSR",
        ),
        ('{"images": [{"id": 1}], "annotations": [{"image_id": 2, "caption": "x"}]}', "COCO"),
        ("[" * 100_000, "not JSON"),
        ('[{"video_id": "a", "caption": "x"}', "line 1: not JSON"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read_table(write(tmp_path / "a.json", text))


def test_an_unknown_form_lists_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError) as caught:
        read_table(write(tmp_path / "a.json", {"a": 1}))
    assert all(form.name in str(caught.value) for form in FORMS)
