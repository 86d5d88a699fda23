"""Features on disk: one ``.npy`` file a tensor, described by ``entry.json``.

An entry is written batch by batch into a hidden folder, which is renamed at the end. After each
batch, ``progress.json`` records the number of complete rows and the hash of their bytes. If the
writer is killed, the next one continues from the last complete batch.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.npz_file import map_npy
from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features

FORMAT_VERSION: Final = 1

ENTRY_FILE: Final = "entry.json"
PROGRESS_FILE: Final = "progress.json"

_FIELDS: Final = {"format_version", "key", "rows", "most_frames", "tensors"}

_BFLOAT16: Final = "bfloat16"
"""NumPy has no bfloat16: its bits are stored as unsigned integers."""

_DTYPES: Final = frozenset(
    f"bool uint8 int8 int16 int32 int64 float16 float32 float64 {_BFLOAT16}".split()
)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_CHUNK_BYTES: Final = 1 << 22


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """The features of all texts or all videos of a split.

    Attributes:
        features: Named tensors whose first axis is the item.
        most_frames: Largest number of frames of a video; 0 for texts.
    """

    features: "Features"
    most_frames: int


def read_entry(folder: Path, key: Mapping[str, Any]) -> StoredFeatures | None:
    """Check every byte of an entry and map it into memory.

    Args:
        folder: The entry's folder.
        key: The full key that the entry must have.

    Returns:
        The features; None if there is no entry. Writing to them does not change the files.

    Raises:
        InputError: The entry is damaged, or has another key or format version.
    """
    path = folder / ENTRY_FILE
    try:
        with reading(path, "the description of an entry"):
            entry = _read_description(path)
            if entry["format_version"] != FORMAT_VERSION or entry["key"] != dict(key):
                raise InputError(f"{path} describes other features")
            features = {
                name: _read_tensor(folder, name, record)
                for name, record in entry["tensors"].items()
            }
            if type(entry["most_frames"]) is not int or not 0 <= entry["most_frames"] < 1 << 31:
                raise InputError(f"{path}: most_frames is no number of frames")
            return StoredFeatures(features, entry["most_frames"])
    except FileNotFoundError as failure:
        if failure.filename == str(path):
            return None
        raise InputError(f"{failure.filename} is missing") from None


class EntryWriter:
    """Writes an entry, continuing where an earlier writer with the same key was stopped.

    Only one process may write an entry at a time. Use the writer as a context manager, which
    closes its files.

    Args:
        folder: The entry's folder, which must not exist.
        key: Everything that the features depend on, as JSON values.
        count: Total number of rows.

    Attributes:
        rows: Number of rows already written, in complete batches.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any], count: int) -> None:
        """Resume an unfinished entry, or start a new one."""
        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.part")
        self._key = dict(key)
        self._count = count
        self._files: dict[str, BinaryIO] = {}
        self._hashes: dict[str, Any] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._most_frames = 0
        self.rows = 0
        if not self._resume():
            self._close_anyway()
            self._files, self._hashes, self._records = {}, {}, {}
            self._most_frames = self.rows = 0
            shutil.rmtree(self._part, ignore_errors=True)
            self._part.mkdir(parents=True)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files; the complete batches stay for the next writer."""
        self._close_anyway()

    def add(self, features: "Features", most_frames: int) -> None:
        """Append a batch.

        Args:
            features: The next rows; the same names, dtypes and row shapes each time.
            most_frames: Largest number of frames of the batch's videos.

        Raises:
            OSError: The disk is full, or the folder cannot be written to.
            InputError: A name or dtype cannot be stored.
        """
        arrays = {name: _as_array(value) for name, value in features.items()}
        if not self._files:
            for name, value in features.items():
                self._begin(name, value)
            self._check_free_space()
        for name, array in arrays.items():
            data = array.tobytes()
            self._files[name].write(data)
            self._files[name].flush()
            self._hashes[name].update(data)
            self._records[name]["sha256"] = self._hashes[name].copy().hexdigest()
        self.rows += len(next(iter(arrays.values())))
        self._most_frames = max(self._most_frames, most_frames)
        self._describe(PROGRESS_FILE, rows=self.rows)

    def finish(self) -> None:
        """Complete the entry and rename its folder.

        Raises:
            OSError: The folder cannot be written to.
        """
        for file in self._files.values():
            os.fsync(file.fileno())
        self.close()
        self._describe(ENTRY_FILE, rows=self.rows)
        (self._part / PROGRESS_FILE).unlink()
        self._part.rename(self._folder)

    def discard(self) -> None:
        """Close and delete the unfinished entry."""
        self._close_anyway()
        shutil.rmtree(self._part, ignore_errors=True)

    def close(self) -> None:
        """Close the files.

        Raises:
            OSError: What was written to one cannot be kept.
        """
        for file in self._files.values():
            file.close()

    def _close_anyway(self) -> None:
        """Close the files of an entry that is given up, or whose batches are on disk already."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()

    def _begin(self, name: str, value: torch.Tensor) -> None:
        dtype = _dtype_name(value)
        if not _NAME.fullmatch(name) or dtype not in _DTYPES:
            raise InputError(
                f"features {name!r} of dtype {dtype} cannot be cached: expected a name of letters, "
                "digits and _, and a dtype that NumPy has or bfloat16; or evaluate with --no-cache"
            )
        file = self._files[name] = (self._part / f"{name}.npy").open("w+b")
        array = _as_array(value)
        np.lib.format.write_array_header_1_0(
            file,
            {
                "descr": np.lib.format.dtype_to_descr(array.dtype),
                "fortran_order": False,
                "shape": (self._count, *array.shape[1:]),
            },
        )
        header_bytes = file.tell()
        file.seek(0)
        self._hashes[name] = hashlib.sha256(file.read())
        self._records[name] = {
            "dtype": dtype,
            "shape": [self._count, *array.shape[1:]],
            "size_bytes": header_bytes + self._count * array[0].nbytes,
            "row_bytes": array[0].nbytes,
        }

    def _check_free_space(self) -> None:
        needed = sum(int(record["size_bytes"]) for record in self._records.values())
        free = shutil.disk_usage(self._part).free
        if needed > free:
            raise OSError(
                errno.ENOSPC, f"{needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free"
            )

    def _describe(self, file_name: str, *, rows: int) -> None:
        content = {
            "format_version": FORMAT_VERSION,
            "key": self._key,
            "rows": rows,
            "most_frames": self._most_frames,
            "tensors": self._records,
        }
        content["sha256"] = _sha256_of(content)
        with written_beside(self._part / file_name) as beside:
            beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _resume(self) -> bool:
        """Continue an unfinished entry; False if there is none or its bytes have changed."""
        try:
            progress = _read_description(self._part / PROGRESS_FILE)
            same = progress["format_version"] == FORMAT_VERSION and progress["key"] == self._key
            if not same or not 0 < progress["rows"] <= self._count:
                return False
            for name, record in progress["tensors"].items():
                missing_rows = self._count - progress["rows"]
                whole_bytes = record["size_bytes"] - missing_rows * record["row_bytes"]
                file = _tensor_path(self._part, name).open("r+b")
                self._files[name] = file
                self._hashes[name] = _hash_of(file, whole_bytes)
                if self._hashes[name].hexdigest() != record["sha256"]:
                    return False
                file.truncate(whole_bytes)
                file.seek(whole_bytes)
            self._records = progress["tensors"]
            self._most_frames = progress["most_frames"]
            self.rows = progress["rows"]
        except Exception:  # a description of ours that is damaged can fail in any way
            return False
        return True


def _read_description(path: Path) -> dict[str, Any]:
    """Read entry.json or progress.json, which holds its own SHA-256; early ones hold none.

    Raises:
        ValueError: It is damaged.
    """
    content: dict[str, Any] = json.loads(path.read_bytes())
    stated = content.pop("sha256", None)
    if content.keys() != _FIELDS or (stated is not None and stated != _sha256_of(content)):
        raise ValueError("it was changed")
    return content


def _sha256_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _read_tensor(folder: Path, name: str, record: Mapping[str, Any]) -> torch.Tensor:
    path = _tensor_path(folder, name)
    with reading(path, "an array"):
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = _hash_of(file, size).hexdigest()
        if size != record["size_bytes"] or digest != record["sha256"]:
            raise InputError(f"{path} is damaged: its size or SHA-256 differs from {ENTRY_FILE}")
        # Copy on write, because PyTorch does not accept read-only memory.
        tensor = torch.from_numpy(map_npy(path))
    if record["dtype"] == _BFLOAT16 and tensor.dtype == torch.uint16:
        tensor = tensor.view(torch.bfloat16)
    if _dtype_name(tensor) != record["dtype"] or list(tensor.shape) != record["shape"]:
        raise InputError(f"{path}: its dtype or shape differs from {ENTRY_FILE}")
    return tensor


def _tensor_path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputError(f"{folder}: {name!r} is not a valid tensor name")
    return folder / f"{name}.npy"


def _hash_of(file: BinaryIO, size: int) -> Any:
    """Hash the first ``size`` bytes of a file."""
    digest = hashlib.sha256()
    while size > 0 and (data := file.read(min(size, _CHUNK_BYTES))):
        digest.update(data)
        size -= len(data)
    return digest


def _dtype_name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _as_array(tensor: torch.Tensor) -> NDArray[Any]:
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.uint16)
    array: NDArray[Any] = tensor.numpy()
    return array
