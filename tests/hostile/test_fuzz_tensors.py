"""Random damage to scores, weights and checkpoints: it ends in our error, or the file is read.

Files begin whole. Bytes are changed, cut out or put in; values of headers, pickles and config.json
are replaced. `nox -s torture -- tests/hostile/test_fuzz_tensors.py` runs many more examples.
"""

import copy
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.weights.weights import read_weights
from dvtr_bench.errors import DvtrError
from dvtr_bench.evaluation.external_file import ExternalFile
from dvtr_bench.reading.safetensors_file import read_tensors
from dvtr_bench.runtime.checkpoint import CONFIG_FILE, MODEL_FILE
from tests.hostile import npz_inputs, torch_inputs
from tests.hostile.case import bounded
from tests.hostile.checkpoint_files import load, whole_files
from tests.hostile.safetensors_inputs import place, safetensors

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is bounded as Linux does it"
)

Draw = Callable[[st.SearchStrategy[Any]], Any]

SIZES = st.one_of(
    st.integers(-2, 6), st.sampled_from([2**31, 2**32, 2**62, 2**63, 2**64, 2**70, 10**400])
)
VALUES = st.recursive(
    st.none() | st.booleans() | SIZES | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def _damage(draw: Draw, data: bytes) -> bytes:
    """A few bytes changed, cut out or put in."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        gone = draw(st.sampled_from([0, 1, 4, len(data)]))
        data = data[:at] + draw(st.binary(max_size=4)) + data[at + gone :]
    return data


def _zipped(entries: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


@st.composite
def scores(draw: Draw) -> bytes:
    """A file of scores, headers or bytes of which are damaged."""
    entries = npz_inputs.whole()
    for name in draw(st.lists(st.sampled_from(sorted(entries)), max_size=2)):
        if draw(st.booleans()):
            shape = ", ".join(map(str, draw(st.lists(SIZES, max_size=3))))
            descr = draw(
                st.sampled_from(["'<f4'", "'<f8'", "'>f2'", "'<U3'", "'|b1'", "'<U999999'", "'|O'"])
            )
            data = bytes(draw(st.integers(0, 64)))
            entries[name] = npz_inputs.stating(f"({shape},)", descr, data=data)
        else:
            entries[name] = _damage(draw, entries[name])
    whole = _zipped({f"{name}.npy": data for name, data in entries.items()}, draw(METHODS))
    return _damage(draw, whole)


WHOLE_SCORES = _zipped({f"{n}.npy": data for n, data in npz_inputs.whole().items()}, 0)


@st.composite
def damaged_scores(draw: Draw) -> bytes:
    """A file of scores with changed bytes, for which checksums stand."""
    return _damage(draw, WHOLE_SCORES)


@st.composite
def headers(draw: Draw) -> bytes:
    """A safetensors file whose header or bytes are damaged."""
    header: dict[str, Any] = {"a": place(0, 8, [2]), "b": place(8, 16, [1, 2])}
    for name in draw(st.lists(st.sampled_from(["a", "b", "__metadata__"]), max_size=2)):
        if name not in header or draw(st.booleans()):
            header[name] = draw(VALUES)
        elif isinstance(header[name], dict):
            field = draw(st.sampled_from(["dtype", "shape", "data_offsets"]))
            header[name] = {**header[name], field: draw(VALUES | st.lists(SIZES, max_size=3))}
    return _damage(draw, safetensors(header))


PIECES = st.sampled_from(
    [
        torch_inputs.MARK, torch_inputs.TUPLE, torch_inputs.DICT, torch_inputs.LIST,
        torch_inputs.NONE, torch_inputs.CALL, torch_inputs.BUILD, torch_inputs.SET,
        torch_inputs.REFER, torch_inputs.NEW, torch_inputs.MODULE, torch_inputs.buffer(),
        torch_inputs.tensor(), torch_inputs.text("a"), torch_inputs.number(2),
        b"q\x01", b"h\x01", b"u", b"e", b"a", b"\x85", b"\x86",
        b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n",
        b"ccollections\nOrderedDict\n",
    ]
)  # fmt: skip


@st.composite
def archives(draw: Draw, *, code: bool) -> bytes:
    """A zip file of torch, the pickle or the bytes of which are damaged."""
    sizes = st.lists(SIZES.filter(lambda size: abs(size) < 2**64), max_size=3).map(tuple)
    way = draw(st.integers(0, 3))
    if way == 0:
        content = b"".join(draw(st.lists(PIECES, max_size=20)))
    else:
        tensor = torch_inputs.tensor(
            draw(sizes), draw(sizes), draw(st.integers(-1, 5)), torch_inputs.buffer()
        )
        tensors = {"a": torch_inputs.tensor(), "b": tensor if way == 1 else torch_inputs.tensor()}
        content = (torch_inputs.module if code else torch_inputs.state_dict)(**tensors)
        if way == 2:
            content = _damage(draw, content)
    entries = {
        "m/data.pkl": torch_inputs.START + content + torch_inputs.STOP,
        "m/byteorder": b"little",
        "m/data/0": bytes(draw(st.sampled_from([16, 16, 15, 0]))),
    }
    if code:
        entries["m/code/__torch__.py"] = b""
    whole = _zipped(entries, draw(st.sampled_from([0, 0, 0, zipfile.ZIP_DEFLATED])))
    return _damage(draw, whole) if way == 3 else whole


@st.composite
def former(draw: Draw) -> bytes:
    """A file of torch's former form, the pickle or the bytes of which are damaged."""
    if draw(st.booleans()):
        content = b"".join(draw(st.lists(PIECES, max_size=20)))
    else:
        counts = draw(st.integers(-1, 8) | st.sampled_from([2**40, 2**62]))
        buffer = torch_inputs.former_buffer(counts)
        size = draw(st.tuples(st.integers(-1, 8)))
        content = torch_inputs.state_dict(a=torch_inputs.tensor(size, of=buffer))
    keys = torch_inputs.LIST + torch_inputs.text("0") + b"a"
    data = (4).to_bytes(8, "little") + bytes(16)
    return _damage(draw, torch_inputs.former(content, keys) + data)


@st.composite
def configs(draw: Draw) -> bytes:
    """A checkpoint's config.json with other values, or other bytes."""
    config = copy.deepcopy(json.loads(whole_files()[CONFIG_FILE]))
    for _ in range(draw(st.integers(0, 2))):
        parent = config
        while True:
            name = draw(st.sampled_from(sorted(parent)))
            if not isinstance(parent[name], dict) or not parent[name] or draw(st.booleans()):
                break
            parent = parent[name]
        parent[name] = draw(VALUES)
    data = json.dumps(config).encode()
    return _damage(draw, data) if draw(st.booleans()) else data


@dataclass(frozen=True)
class Reader:
    """How one kind of file is made and read.

    Attributes:
        files: Its bytes.
        name: Its name in an empty folder.
        read: Reads it.
        check: What must be true of what was read.
    """

    files: st.SearchStrategy[bytes]
    name: str
    read: Callable[[Path], Any]
    check: Callable[[Any], bool] = lambda _: True


def _are_the_scores(found: ExternalFile) -> bool:
    matrix = found.arrays["sim_matrix"]
    ids = (found.caption_ids, found.video_ids)
    return bool((np.asarray(matrix) == npz_inputs.MATRIX).all()) and ids == tuple(
        tuple(own.tolist()) for own in npz_inputs.IDS.values()
    )


def _fit(found: ExternalFile) -> bool:
    return found.arrays["sim_matrix"].shape == (len(found.caption_ids), len(found.video_ids))


def _load_config(path: Path) -> Any:
    (path.parent / MODEL_FILE).write_bytes(whole_files()[MODEL_FILE])
    return load(path.parent)


def _load_tensors(path: Path) -> Any:
    (path.parent / CONFIG_FILE).write_bytes(whole_files()[CONFIG_FILE])
    return load(path.parent)


@st.composite
def model_files(draw: Draw) -> bytes:
    """The tensors of a checkpoint, damaged."""
    return _damage(draw, whole_files()[MODEL_FILE])


READERS = {
    "scores": Reader(scores(), "x.npz", npz_inputs.read_scores, _fit),
    "damaged scores": Reader(damaged_scores(), "x.npz", npz_inputs.read_scores, _are_the_scores),
    "safetensors": Reader(headers(), "x.safetensors", read_tensors),
    "archives": Reader(archives(code=True), "x.pt", read_weights),
    "state dicts": Reader(archives(code=False), "x.pt", read_weights),
    "former state dicts": Reader(former(), "x.pt", read_weights),
    "config.json": Reader(configs(), CONFIG_FILE, _load_config),
    "model.safetensors": Reader(model_files(), MODEL_FILE, _load_tensors),
}


def fuzz(reader: Reader, examples: int, *, derandomize: bool) -> tuple[int, int]:
    """Try so many files; return how many were refused, and how many were read."""
    refused = read = 0

    def one(data: bytes) -> None:
        nonlocal refused, read
        path = Path(folder) / reader.name
        path.write_bytes(data)
        try:
            with bounded():
                found = reader.read(path)
        except DvtrError as failure:
            refused += str(path.parent) in str(failure)
            return
        read += 1
        assert reader.check(found)

    with TemporaryDirectory() as folder:
        settings(
            max_examples=examples,
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )(given(reader.files)(one))()
    return refused, read


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_our_error_or_are_read(name: str) -> None:
    refused, read = fuzz(READERS[name], 60, derandomize=True)
    assert refused
    assert refused + read >= 50  # each refusal has the file's name


@pytest.mark.torture
@pytest.mark.parametrize("name", READERS)
def test_many_damaged_files_end_in_our_error_or_are_read(name: str) -> None:
    """DVTR_FUZZ_EXAMPLES says how many."""
    count = int(os.environ.get("DVTR_FUZZ_EXAMPLES", "5000"))
    refused, read = fuzz(READERS[name], count, derandomize=False)
    print(f"{name}: {refused:,} refused, {read:,} read")
