"""An entry comes back as it was written, and an unfinished one is gone on from or begun anew."""

import hashlib
import json

import pytest
import torch

from dvtr_bench.errors import InputError
from dvtr_bench.features.store import EntryWriter, read_entry

KEY = {"side": "videos", "weights": "w"}


def test_bfloat16_comes_back_as_it_went_in(tmp_path) -> None:
    values = {"x": torch.randn(6, 3).to(torch.bfloat16), "mask": torch.rand(6, 2) > 0.5}
    with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
        writer.add({name: value[:4] for name, value in values.items()}, 7)
        writer.add({name: value[4:] for name, value in values.items()}, 9)
        writer.finish()
    stored = read_entry(tmp_path / "entry", KEY)
    assert stored.most_frames == 9
    for name, value in values.items():
        assert stored.features[name].dtype == value.dtype
        assert torch.equal(stored.features[name], value)
    written = json.loads((tmp_path / "entry" / "entry.json").read_text())["tensors"]["x"]
    data = (tmp_path / "entry" / "x.npy").read_bytes()
    assert written["sha256"] == hashlib.sha256(data).hexdigest()
    assert written["size_bytes"] == len(data)


def test_features_that_cannot_be_kept_are_refused(tmp_path) -> None:
    with EntryWriter(tmp_path / "entry", KEY, 2) as writer:
        with pytest.raises(InputError, match="cannot be cached"):
            writer.add({"../x": torch.zeros(2, 2)}, 0)
        with pytest.raises(InputError, match="complex64"):
            writer.add({"x": torch.zeros(2, 2, dtype=torch.complex64)}, 0)


def test_a_torn_beginning_is_not_gone_on_from(tmp_path) -> None:
    rows = torch.arange(12.0).reshape(6, 2)
    with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
        writer.add({"x": rows[:4]}, 1)
    torn = tmp_path / ".entry.part" / "x.npy"
    data = bytearray(torn.read_bytes())
    data[-5] ^= 1
    torn.write_bytes(data)
    with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
        assert writer.rows == 0
        writer.add({"x": rows[:2]}, 1)
        writer.add({"x": rows[2:3]}, 1)
    with (tmp_path / ".entry.part" / "x.npy").open("ab") as file:
        file.write(b"half a row")
    with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
        assert writer.rows == 3
        writer.add({"x": rows[3:]}, 1)
        writer.finish()
    assert torch.equal(read_entry(tmp_path / "entry", KEY).features["x"], rows)
