"""Records read from JSON: what is declared and nothing else, with the place of what is wrong."""

import json
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from dvtr_bench.errors import DvtrError, InputError, ResultError
from dvtr_bench.reading import json_toml_text
from dvtr_bench.reading.json_records import (
    MAY_BE_ABSENT,
    Count,
    Sha256,
    from_json,
    json_schema,
    to_json,
)
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes


@dataclass(frozen=True)
class Inner:
    """A part.

    Attributes:
        count: How many,
            on two lines.
        share: Of all; None when not known.
        anything: JSON values.
        names: Some.
    """

    count: Count
    share: float | None
    anything: Mapping[str, Any]
    names: tuple[str, ...] = ("by default",)


@dataclass(frozen=True)
class Outer:
    """The whole."""

    part: Inner
    parts: Mapping[Literal["a", "b"], Mapping[str, Inner]]
    kind: Literal["x", "y"]
    sha256: Sha256 | None
    ends: tuple[float, float]


PART = {"count": 1, "share": 0.5, "anything": {"k": [1, None, 'NaN: \\"']}, "names": ["n"]}
WHOLE = {"part": PART, "parts": {"a": {"R@1": PART}}, "kind": "x", "sha256": None, "ends": [0, 1]}
DROPPED = object()


def changed(place: str, item: object) -> str:
    """Return the text of `WHOLE` with another value at a place."""
    value = json.loads(json.dumps(WHOLE))
    parent = value
    *steps, last = place.split("/")
    for step in steps:
        parent = parent[step]
    if item is DROPPED:
        del parent[last]
    else:
        parent[last] = item
    return json.dumps(value)


def test_a_record_comes_back_as_it_was() -> None:
    record = from_json(Outer, json.dumps(WHOLE), "here")
    assert isinstance(record.parts["a"]["R@1"], Inner)
    assert record.part.names == ("n",)
    assert to_json(record) == {**WHOLE, "ends": [0.0, 1.0]}
    assert from_json(Outer, json.dumps(to_json(record)).encode(), "here") == record


@pytest.mark.parametrize(
    ("place", "item", "message"),
    [
        ("part/count", -1, "x.json: part.count: expected at least 0, found -1"),
        ("part/count", True, "part.count: expected integer, found True"),
        ("part/count", 1.0, "part.count: expected integer, found 1.0"),
        ("part/share", "a", "part.share: expected number or null, found 'a'"),
        ("parts/a/R@1/share", [], "parts.a.R@1.share: expected number or null, found []"),
        ("part/names", "n", "part.names: expected array, found 'n'"),
        ("part/names", ["n", 3], "part.names[1]: expected string, found 3"),
        ("part/names", DROPPED, "part: the field 'names' is missing"),
        ("part/name", "n", "part: the field 'name' is unknown, expected one of count, share, any"),
        ("parts/c", {}, "parts.c: expected one of a, b, found 'c'"),
        ("parts", None, "parts: expected object, found None"),
        ("kind", "z", "kind: expected one of x, y, found 'z'"),
        ("sha256", "ab", "sha256: expected a text like ^[0-9a-f]{64}$, found 'ab'"),
        ("ends", [1], "ends: item 1 is missing"),
        ("ends", [1, 2, 3], "ends: expected at most 2 items"),
        ("part", DROPPED, "x.json: the field 'part' is missing"),
        ("part/count", 10**30, "x.json: not a JSON file that can be read (a whole number that 64"),
        ("part/count", 2**63, "a whole number that 64 bits do not hold: 9223372036854775808"),
        ("part/anything", {"k": -(2**63)}, "64 bits do not hold: -9223372036854775808"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(place: str, item: object, message: str) -> None:
    with pytest.raises(InputError) as refused:
        from_json(Outer, changed(place, item), "x.json")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"part":' * 100_000, "nested too deep"),
        ('{"part": ' + "1" * 10_000 + "}", "not a JSON file"),
        (
            changed("part/anything", {}).replace("{}", "{" + '"k": {' * 300 + "}" * 301),
            "nested too deep",
        ),
        (changed("part/anything", {"k": [float("nan")]}), "NaN is not allowed"),
        (changed("part/anything", {"k": [-float("inf")]}), "-Infinity is not allowed"),
        (changed("part/share", float("nan")), "NaN is not allowed"),
        (
            json.dumps(WHOLE).replace('"kind"', '"kind": "y", "kind"'),
            "the field 'kind' occurs twice",
        ),
        (json.dumps(WHOLE).replace('"k":', '"k": 1, "\\u006b":'), "the field 'k' occurs twice"),
        (json.dumps(WHOLE).replace('"x"', '"\\ud800"'), "not a JSON file"),
        (json.dumps(WHOLE) + "x", "not a JSON file"),
        ("", "not a JSON file"),
        ("null", "expected object, found None"),
        (b"\xff\xfe", "not a text file"),
    ],
)
def test_what_is_no_record_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(ResultError, match="x.json") as refused:
        from_json(Outer, text, "x.json", ResultError)
    assert message in str(refused.value)


def test_a_field_with_a_default_must_stand_in_the_file_even_beside_one_that_stands_twice() -> None:
    text = changed("part/names", DROPPED).replace('"count": 1', '"count": 1, "count": 1', 1)
    with pytest.raises(InputError, match="occurs twice"):
        from_json(Outer, text, "x.json")


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 10_000, '{"a": NaN}', "{", b"\xff"])
def test_json_of_any_form_is_parsed_or_refused(text: str | bytes) -> None:
    with pytest.raises(DvtrError, match="there"):
        parse_json(text, "there", ResultError)
    assert parse_json('{"a": [1, {"b": null}]}', "there") == {"a": [1, {"b": None}]}


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    path.write_text("12345")
    assert read_json_bytes(path) == b"12345"
    with pytest.raises(InputError, match="cannot be read"):
        read_json_bytes(tmp_path)
    monkeypatch.setattr(json_toml_text, "LARGEST_JSON_BYTES", 4)
    with pytest.raises(ResultError, match="5 bytes: expected at most 4"):
        read_json_bytes(path, ResultError)


def test_the_largest_numbers_are_read() -> None:
    largest = {"k": [2**63 - 1, 1 - 2**63, 1.7e308, 0.1234567890123456789012, "1e999"]}
    assert from_json(Outer, changed("part/anything", largest), "x.json").part.anything == largest
    with pytest.raises(InputError, match="too large: 1e999"):
        from_json(Outer, changed("part/anything", {"k": 7}).replace("7", "1e999"), "x.json")


def test_a_long_list_of_mistakes_is_one_mistake() -> None:
    """The message names the first; each would take memory."""
    wrong = changed("part/names", list(range(300_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"part.names\[0\]: expected string, found 0"):
        from_json(Outer, wrong, "x.json")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_unknown_fields_of_a_large_file_are_counted() -> None:
    many = {f"{number:07}": 0 for number in range(400_000)}
    with pytest.raises(InputError, match=r"x\.json: 400,000 fields are unknown"):
        from_json(Outer, changed("part", PART | many), "x.json")
    names = [f"{number:09}" for number in range(400_000)]
    read = from_json(Outer, changed("part/names", names), "x.json")
    assert read.part.names == tuple(names)


def test_the_schema_says_what_the_class_says() -> None:
    schema = json_schema(Outer)
    inner = schema["$defs"]["Inner"]
    assert schema["required"] == ["part", "parts", "kind", "sha256", "ends"]
    assert inner["required"] == ["count", "share", "anything", "names"]
    assert inner["additionalProperties"] is schema["additionalProperties"] is False
    assert inner["properties"]["count"] == {
        "type": "integer",
        "minimum": 0,
        "description": "How many, on two lines.",
    }
    schema["required"].clear()
    assert json_schema(Outer)["required"]


@dataclass(frozen=True)
class Grown:
    """A record that got a field later.

    Attributes:
        added: What was added.
        count: How many.
    """

    added: Inner | None = field(default=None, kw_only=True, metadata=MAY_BE_ABSENT)
    count: Count


def test_a_field_that_was_added_later_may_be_absent_and_is_not_written_while_it_is_none() -> None:
    assert from_json(Grown, '{"count": 1}', "x") == Grown(1)
    assert to_json(Grown(1)) == {"count": 1}
    assert from_json(Grown, '{"added": null, "count": 1}', "x") == Grown(1)
    whole = Grown(1, added=Inner(2, None, {}, ()))
    assert list(to_json(whole)) == ["added", "count"]
    assert from_json(Grown, json.dumps(to_json(whole)), "x") == whole
    assert json_schema(Grown)["required"] == ["count"]
    for text in ('{"added": 3, "count": 1}', '{"add": null, "count": 1}', '{"added": null}'):
        with pytest.raises(InputError):
            from_json(Grown, text, "x")
    with pytest.raises(InputError, match="twice"):
        from_json(Grown, '{"count": 1, "count": 1}', "x")
