"""Files that others wrote: read with suspicion, and told what is wrong with them."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.evaluation.external_file import read_external

CAPTIONS = ["Baseball_010 #0", "Baseball_010 #1", "Boat_1#0"]
VIDEOS = ["Baseball_010 ", "Boat_1"]
MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)
FIELDS = {"sim_matrix": MATRIX, "caption_ids": CAPTIONS, "video_ids": VIDEOS}
VECTORS = {
    "text_embeds": np.ones((3, 4), np.float32),
    "video_embeds": np.ones((2, 4), np.float32),
    "caption_ids": CAPTIONS,
    "video_ids": VIDEOS,
}


def _read(tmp_path, form="sim_matrix", **change):
    fields = {**(FIELDS if form == "sim_matrix" else VECTORS), **change}
    np.savez(tmp_path / "x.npz", **{name: value for name, value in fields.items() if len(value)})
    return read_external(tmp_path / "x.npz", form)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were_saved(tmp_path, save, dtype, order) -> None:
    matrix = np.asarray(MATRIX, dtype=dtype, order=order)
    save(tmp_path / "x.npz", **{**FIELDS, "sim_matrix": matrix})
    found = read_external(tmp_path / "x.npz", "sim_matrix")
    assert (found.arrays["sim_matrix"] == MATRIX).all()
    assert isinstance(found.arrays["sim_matrix"], np.memmap) == (save is np.savez)
    assert found.caption_ids == tuple(CAPTIONS)
    assert found.video_ids == ("Baseball_010 ", "Boat_1")


def test_embeddings_come_back(tmp_path) -> None:
    found = _read(tmp_path, "embeddings")
    assert [array.shape for array in found.arrays.values()] == [(3, 4), (2, 4)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sim_matrix": MATRIX.T}, "looks transposed: save sim_matrix.T"),
        ({"sim_matrix": MATRIX[:2]}, r"shape \(2, 2\): expected \(3, 2\) \(captions x videos\)"),
        ({"sim_matrix": MATRIX[0]}, "expected float16, float32 or float64 with two axes"),
        ({"sim_matrix": MATRIX.astype(int)}, "sim_matrix is int64"),
        ({"sim_matrix": MATRIX > 1}, "sim_matrix is bool"),
        ({"sim_matrix": MATRIX.astype(complex)}, "sim_matrix is complex128"),
        ({"sim_matrix": np.array([[None]])}, "never opened: save it as an array of float32"),
        ({"sim_matrix": np.zeros((3, 0))}, r"is empty, of shape \(3, 0\)"),
        ({"sim_matrix": []}, "the fields sim_matrix are missing; .* found caption_ids, video_ids"),
        ({"video_ids": []}, "the fields video_ids are missing"),
        ({"video_ids": ["a", "a"]}, r"1 of its 2 ids twice, the first 'a' \(rows 0 and 1\)"),
        ({"video_ids": np.array(VIDEOS, object)}, r"save it as np.array\(ids, dtype=str\)"),
        ({"video_ids": [b"a", b"b"]}, r"expected a list of texts, saved as np.array\(ids"),
        ({"video_ids": [1, 2]}, "video_ids is int64"),
        ({"video_ids": [VIDEOS]}, r"of shape \(1, 2\): expected a list of texts"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message) -> None:
    with pytest.raises(InputError, match=message):
        _read(tmp_path, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_embeds": np.ones((2, 4))}, "one row for each of the 3 caption_ids"),
        ({"video_embeds": np.ones((2, 5))}, "text_embeds have 4 numbers .* video_embeds 5"),
        ({"video_embeds": np.ones((2, 4), int)}, "video_embeds is int64"),
        ({"text_embeds": []}, "the fields text_embeds are missing"),
    ],
)
def test_vectors_that_do_not_fit_are_named(tmp_path, change, message) -> None:
    with pytest.raises(InputError, match=message):
        _read(tmp_path, "embeddings", **change)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_is_never_opened(tmp_path) -> None:
    sprung = tmp_path / "sprung"
    with pytest.raises(InputError, match="never opened"):
        _read(tmp_path, video_ids=np.array([Trap(sprung), Trap(sprung)]))
    path = tmp_path / "y.npz"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(InputError, match=r"not an \.npz file: write it with np.savez"):
        read_external(path, "sim_matrix")
    assert not sprung.exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_changed_byte_is_noticed(tmp_path, save) -> None:
    path = tmp_path / "x.npz"
    save(path, **{**FIELDS, "sim_matrix": np.random.default_rng(0).normal(size=(3, 2))})
    content = bytearray(path.read_bytes())
    content[120] ^= 1  # inside the first entry, compressed or not
    path.write_bytes(content)
    with pytest.raises(InputError, match="can be read"):
        read_external(path, "sim_matrix")


def test_a_compressed_array_takes_at_most_half_of_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.sysconf
    pages = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 2 * MATRIX.nbytes}
    monkeypatch.setattr(os, "sysconf", lambda name: pages.get(name) or real(name))
    np.savez_compressed(tmp_path / "x.npz", **FIELDS)
    np.savez(tmp_path / "y.npz", **FIELDS)
    assert (read_external(tmp_path / "x.npz", "sim_matrix").arrays["sim_matrix"] == MATRIX).all()
    pages["SC_PHYS_PAGES"] -= 1
    with pytest.raises(InputError, match=r"sim_matrix takes 24 bytes in memory, more than half"):
        read_external(tmp_path / "x.npz", "sim_matrix")
    # Such an array is mapped, not read.
    assert (read_external(tmp_path / "y.npz", "sim_matrix").arrays["sim_matrix"] == MATRIX).all()


def test_a_file_cut_short_is_noticed(tmp_path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **FIELDS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"not an \.npz file"):
        read_external(path, "sim_matrix")


def test_an_entry_that_is_no_array_is_noticed(tmp_path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in FIELDS:
            archive.writestr(f"{name}.npy", b"not an array")
    with pytest.raises(InputError, match="can be read"):
        read_external(path, "sim_matrix")


def test_no_file_says_what_is_wanted(tmp_path) -> None:
    with pytest.raises(NotFoundError, match="text_embeds, video_embeds, caption_ids, video_ids"):
        read_external(tmp_path / "x.npz", "embeddings")
