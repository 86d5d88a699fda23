"""Every field of a checkpoint's config.json, replaced by every hostile value."""

import copy
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dvtr_bench.errors import DvtrError
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.results.record import TrainingFacts
from dvtr_bench.runtime.checkpoint import CONFIG_FILE, read_checkpoint_config
from tests.hostile.case import bounded
from tests.hostile.checkpoint_files import load, whole_files, write_checkpoint

VALUES = (
    None,
    True,
    -1,
    0,
    10**9,
    1 << 63,
    10**400,
    1e308,
    1.5,
    float("nan"),
    "",
    "x" * 100_000,
    "../../etc",
    "hf-hub:evil/repo",
    "\ud800",
    "\x1b[31m",
    [],
    [1, 1, 1],
    {},
    {"a": {"b": 1}},
)
GONE = object()

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is bounded as Linux does it"
)


def fields(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all fields of a JSON value."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield (*path, name)
        yield from fields(inner, (*path, name))


def cases() -> Iterator[tuple[tuple[str, ...], object]]:
    """Each field with each value, and without one."""
    config = json.loads(whole_files()[CONFIG_FILE])
    paths = list(fields(config))
    values = (*VALUES, GONE)
    # Each value in turn is tried on all fields, so that a part of the cases has all of both.
    for shift in range(len(values)):
        for row, path in enumerate(paths):
            yield path, values[(row + shift) % len(values)]


def _try(folder: Path, path: tuple[str, ...], value: object) -> str:
    """Replace one field and load the checkpoint; return the message if it was refused."""
    config = copy.deepcopy(json.loads(whole_files()[CONFIG_FILE]))
    parent = config
    for name in path[:-1]:
        parent = parent[name]
    if value is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    try:
        with bounded():
            load(folder)
            facts = origin_of(read_checkpoint_config(folder))["training"]
    except DvtrError as failure:
        return str(failure)
    if facts is not None:  # what a result states about it can be read back
        from_json(TrainingFacts, json.dumps(to_json(facts)), "facts")
    return ""


def _refused(folder: Path, count: int | None) -> int:
    """Try so many cases; each refusal names its file in a message that can be read."""
    write_checkpoint(folder)
    messages = [_try(folder, path, value) for path, value in islice(cases(), count)]
    refused = [message for message in messages if message]
    assert all(str(folder) in message and len(message) < 1_000 for message in refused)
    print(f"{len(messages)} cases, {len(refused)} refused")
    return len(refused)


def test_a_part_of_the_fields_and_values_ends_in_our_error_or_a_model(tmp_path: Path) -> None:
    assert _refused(tmp_path, 120) > 60


@pytest.mark.torture
def test_all_fields_and_values_end_in_our_error_or_a_model(tmp_path: Path) -> None:
    assert _refused(tmp_path, None) > 600
