"""The validator that we use, and its messages, against another one."""

import copy
import json
import warnings

import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.results.json_form import to_text
from dvtr_bench.results.schema import load_schema, require_valid


def _other_validator():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
        return jsonschema.Draft4Validator(load_schema())


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from _places(value[name], (*path, name))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*path, 0))


def _with(value, path, item):
    changed = copy.deepcopy(value)
    if not path:
        return item
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = item
    return changed


def _ours_accepts(value):
    try:
        require_valid(value, "x.json")
    except ResultError:
        return False
    return True


def test_both_validators_agree_wherever_a_value_is_changed(make_record) -> None:
    other = _other_validator()
    value = json.loads(to_text(make_record()))
    assert _ours_accepts(value)
    assert other.is_valid(value)
    verdicts = set()
    items = (None, True, -1, 0, 7, 0.5, "", "text", [], ["x"], {}, {"x": 1})
    pairs = [(path, item) for path in _places(value) for item in items]
    # A prime step meets every item, and every kind of place, in a tenth of the time.
    for path, item in pairs[::11]:
        changed = _with(value, path, item)
        verdict = other.is_valid(changed)
        assert _ours_accepts(changed) == verdict, (path, item)
        verdicts.add(verdict)
    assert verdicts == {True, False}


def test_the_message_names_file_place_expectation_and_finding(make_record) -> None:
    value = json.loads(to_text(make_record()))
    value["dataset"]["num_videos"] = "many"
    with pytest.raises(
        ResultError, match=r"x.json: dataset.num_videos: expected integer, found 'many'"
    ):
        require_valid(value, "x.json")
