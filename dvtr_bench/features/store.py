"""Features on disk: one ``.npy`` file a tensor and ``entry.json``, which says what they are.

An entry is written batch by batch in a hidden folder beside its place, which is renamed at the end.
After each batch ``progress.json`` says how many rows are whole and what their bytes hash to, so
that a writer that was killed is followed by one that goes on from the last whole batch.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import InputError
from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Features

FORMAT_VERSION: Final = 1

ENTRY_FILE: Final = "entry.json"
PROGRESS_FILE: Final = "progress.json"

_BFLOAT16: Final = "bfloat16"
"""NumPy has no such type: its bits are kept as unsigned integers."""

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
        most_frames: Most frames that a video had; 0 for texts.
    """

    features: "Features"
    most_frames: int


def read_entry(folder: Path, key: Mapping[str, Any]) -> StoredFeatures | None:
    """Map an entry into memory, every byte of it checked.

    Args:
        folder: Of the entry.
        key: What its features must depend on, in full.

    Returns:
        The features; None where there is no entry. Writing to them changes memory alone.

    Raises:
        InputError: The entry is damaged, of another key or of another version.
    """
    path = folder / ENTRY_FILE
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as failure:
        raise InputError(f"{path} cannot be read ({failure})") from None
    try:
        if entry["format_version"] != FORMAT_VERSION or entry["key"] != dict(key):
            raise InputError(f"{path} describes other features")
        features = {
            name: _read_tensor(folder, name, record) for name, record in entry["tensors"].items()
        }
        return StoredFeatures(features, int(entry["most_frames"]))
    except (KeyError, TypeError, AttributeError) as failure:
        raise InputError(f"{path} is not the description of an entry ({failure!r})") from None


class EntryWriter:
    """Writes an entry, going on where an earlier writer of the same key was stopped.

    One process may write an entry at a time. Use it as a context manager: it closes its files.

    Args:
        folder: Of the entry; nothing stands there.
        key: What the features depend on; JSON values.
        count: Rows in all.

    Attributes:
        rows: Rows that are written, whole batches.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any], count: int) -> None:
        """Look for what an earlier writer left."""
        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.part")
        self._key = dict(key)
        self._count = count
        self._files: dict[str, BinaryIO] = {}
        self._hashes: dict[str, Any] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._most_frames = 0
        self.rows = 0
        if not self._resumed():
            self.close()
            self._files, self._hashes, self._records = {}, {}, {}
            self._most_frames = self.rows = 0
            shutil.rmtree(self._part, ignore_errors=True)
            self._part.mkdir(parents=True)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files; what is written stays for the next writer."""
        self.close()

    def add(self, features: "Features", most_frames: int) -> None:
        """Append a batch.

        Args:
            features: The next rows; the same names, dtypes and row shapes each time.
            most_frames: Most frames that a video of the batch had.

        Raises:
            OSError: There is no room, or the folder cannot be written to.
            InputError: Names or dtypes that cannot be kept.
        """
        arrays = {name: _as_array(value) for name, value in features.items()}
        if not self._files:
            for name, value in features.items():
                self._begin(name, value)
            self._require_room()
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
        """Move the whole entry to its place.

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
        """Remove what was written."""
        self.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _begin(self, name: str, value: torch.Tensor) -> None:
        dtype = _dtype_name(value)
        if not _NAME.fullmatch(name) or dtype not in _DTYPES:
            raise InputError(
                f"features {name!r} of dtype {dtype} cannot be kept: expected a name of letters, "
                "digits and _, and an ordinary dtype; or evaluate with --no-cache"
            )
        file = (self._part / f"{name}.npy").open("w+b")
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
        self._files[name] = file
        self._hashes[name] = hashlib.sha256(file.read())
        self._records[name] = {
            "dtype": dtype,
            "shape": [self._count, *array.shape[1:]],
            "size_bytes": header_bytes + self._count * array[0].nbytes,
            "row_bytes": array[0].nbytes,
        }

    def _require_room(self) -> None:
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
        with written_beside(self._part / file_name) as beside:
            beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _resumed(self) -> bool:
        """Go on from what an earlier writer left, if every byte of it is as it was."""
        try:
            progress = json.loads((self._part / PROGRESS_FILE).read_text(encoding="utf-8"))
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
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # there is nothing, or nothing that can be trusted
        return True


def _read_tensor(folder: Path, name: str, record: Mapping[str, Any]) -> torch.Tensor:
    path = _tensor_path(folder, name)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            found = _hash_of(file, size).hexdigest()
        if size != record["size_bytes"] or found != record["sha256"]:
            raise InputError(f"{path} is damaged (another size or SHA-256)")
        # Copy on write: PyTorch takes no memory that it may not write to.
        array = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as failure:
        raise InputError(f"{path} cannot be used ({failure})") from None
    tensor = torch.from_numpy(array)
    if record["dtype"] == _BFLOAT16 and tensor.dtype == torch.uint16:
        tensor = tensor.view(torch.bfloat16)
    if _dtype_name(tensor) != record["dtype"] or list(tensor.shape) != record["shape"]:
        raise InputError(f"{path} has another dtype or shape than {ENTRY_FILE} says")
    return tensor


def _tensor_path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputError(f"{folder}: {name!r} is no name of a tensor")
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
