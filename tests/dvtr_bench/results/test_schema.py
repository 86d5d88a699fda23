"""The published schema: made from the records, and of one mind with what reads them."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.results.files import from_text, to_text
from dvtr_bench.results.record import RunRecord
from dvtr_bench.results.schema import SCHEMA_PATH, result_schema, schema_text

MakeRecord = Callable[..., RunRecord]


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from _places(value[name], (*path, name))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*path, 0))


def _with(value: Any, path: tuple[str | int, ...], item: object) -> Any:
    changed = copy.deepcopy(value)
    if not path:
        return item
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = item
    return changed


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    changed = copy.deepcopy(value)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return changed


def _ours_accepts(value: object) -> bool:
    try:
        from_text(json.dumps(value), "x.json")
    except ResultError:
        return False
    return True


@pytest.fixture
def other_validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    # Older releases of it know no draft 2020-12; of what the schema uses, draft 7 has all.
    validator = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
    validator.check_schema(result_schema())
    return validator(result_schema())


def test_the_published_schema_is_that_of_the_records() -> None:
    # Releases of pydantic differ in the order of keys.
    assert json.loads(SCHEMA_PATH.read_text("utf-8")) == json.loads(schema_text()), (
        "a record has changed: python -m dvtr_bench.results.schema"
    )


def test_every_field_is_required_and_described() -> None:
    schema = result_schema()
    parts = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    assert len(parts) > 15
    for part in parts:
        optional = {"contamination", "cut_captions"} if part is schema else set()
        if part is schema["$defs"]["TrainingFacts"]:
            optional = {"version", "shared_clips"}
        if part is schema["$defs"]["HonestyCheck"]:
            optional = {"exchanged"}
        if part is schema["$defs"]["ScoringFacts"]:
            optional = {"each_way"}
        assert part["required"] == [name for name in part["properties"] if name not in optional]
        assert part["additionalProperties"] is False
    assert schema["properties"]["ties"]["description"].startswith("By direction")


def test_both_validators_agree_wherever_a_value_is_changed(
    make_record: MakeRecord, other_validator: Any
) -> None:
    value = json.loads(to_text(make_record()))
    assert _ours_accepts(value)
    assert other_validator.is_valid(value)
    verdicts = set()
    items = (None, True, -1, 0, 7, 0.5, "", "text", [], ["x"], {}, {"x": 1})
    pairs = [(path, item) for path in _places(value) for item in items]
    # A prime step meets every item, and every kind of place, in a tenth of the time.
    for path, item in pairs[::11]:
        changed = _with(value, path, item)
        verdict = other_validator.is_valid(changed)
        assert _ours_accepts(changed) == verdict, (path, item)
        verdicts.add(verdict)
    assert verdicts == {True, False}


def test_both_validators_agree_wherever_a_field_is_dropped(
    make_record: MakeRecord, other_validator: Any
) -> None:
    value = json.loads(to_text(make_record()))
    verdicts = set()
    for path in list(_places(value))[1::3]:
        changed = _without(value, path)
        verdict = other_validator.is_valid(changed)
        assert _ours_accepts(changed) == verdict, path
        verdicts.add(verdict)
    assert verdicts == {True, False}


def test_the_message_names_file_place_expectation_and_finding(make_record: MakeRecord) -> None:
    value = json.loads(to_text(make_record()))
    value["dataset"]["num_videos"] = "many"
    with pytest.raises(
        ResultError, match=r"x.json: dataset.num_videos: expected integer, found 'many'"
    ):
        from_text(json.dumps(value), "x.json")
