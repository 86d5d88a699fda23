"""Tensors in the zip files of ``torch.save`` and ``torch.jit.save``, read without torch's loader.

The pickle inside is read as a tree (`baselines.weights.pickle_tree`); tensors are views of the
buffers beside it, each held against the size of its buffer before it is made.
"""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import torch

from baselines.weights.pickle_tree import Call, Name, Reference, See, read_tree
from dvtr_bench.errors import UnsafePickleError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.zip_entries import ZipEntries, open_zip

STORAGES: Final[Mapping[str, torch.dtype]] = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}

STORAGE_MODULES: Final = ("torch", "torch.cuda")

_TENSOR: Final = Name("torch._utils", "_rebuild_tensor_v2")
_PARAMETER: Final = Name("torch._utils", "_rebuild_parameter")

_TIMES: Final = 2
"""How many times the file's bytes its tensors may have: some share a buffer."""

_SLACK_BYTES: Final = 1 << 20
_MOST_AXES: Final = 16
_LARGEST_WORD_BYTES: Final = 16
_LARGEST_PICKLE_BYTES: Final = 1 << 25


class TorchZip:
    """An open zip file of torch: use it inside the ``with`` that opened it.

    Attributes:
        has_code: Whether it is a TorchScript archive.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, entries: ZipEntries) -> None:
        """Store the arguments."""
        self._archive = archive
        self._entries = entries
        self._left_bytes = _TIMES * path.stat().st_size + _SLACK_BYTES
        self._buffers: dict[str, torch.Tensor] = {}
        self._prefix = ""
        self.has_code = any("/code/" in name for name in entries.names)

    def tree(self, see: See) -> Any:
        """Read the pickle.

        Args:
            see: Called with every name and reference in it; raises for one that must not be there.

        Returns:
            Its tree.
        """
        pickles = [name for name in self._entries.names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"expected one data.pkl inside, found {len(pickles)}")
        self._prefix = pickles[0].removesuffix("data.pkl")
        order = f"{self._prefix}byteorder"
        if order in self._entries.names and (
            self._entries.read(order, _LARGEST_WORD_BYTES) != b"little"
        ):
            raise ValueError("it was written big-endian, which is not supported")
        return read_tree(BytesIO(self._entries.read(pickles[0], _LARGEST_PICKLE_BYTES)), see)

    def tensor(self, value: Any) -> torch.Tensor | None:
        """Return the tensor that an entry of the tree stands for; None for anything else."""
        if not isinstance(value, Call) or not isinstance(value.arguments, tuple):
            return None
        if value.function == _PARAMETER and value.arguments:
            return self.tensor(value.arguments[0])
        if value.function != _TENSOR or len(value.arguments) < 4:
            return None
        reference, offset, size, stride = value.arguments[:4]
        buffer = self._buffer(reference)
        if not (
            _are_sizes([offset])
            and _are_sizes(size)
            and _are_sizes(stride)
            and len(size) == len(stride)
        ):
            raise ValueError("the size of a tensor is not a list of whole numbers from 0")
        numbers = 1
        for axis in size:
            numbers *= axis
        last = offset + sum((axis - 1) * step for axis, step in zip(size, stride, strict=True))
        if numbers > len(buffer) or (numbers and last >= len(buffer)):
            raise ValueError(f"a tensor reaches beyond its buffer of {len(buffer):,} numbers")
        self._left_bytes -= numbers * buffer.element_size()
        if self._left_bytes < 0:
            raise ValueError("its tensors take far more than its bytes")
        return torch.as_strided(buffer, size, stride, offset if numbers else 0)

    def _buffer(self, reference: Any) -> torch.Tensor:
        target = reference.target if isinstance(reference, Reference) else None
        if not isinstance(target, tuple) or len(target) != 5:
            raise ValueError("a tensor names no buffer")
        _, kind, key, _, count = target
        if not isinstance(key, str) or not isinstance(count, int):
            raise ValueError("a tensor names no buffer")
        if not (
            isinstance(kind, Name) and kind.module in STORAGE_MODULES and kind.name in STORAGES
        ):
            raise ValueError("a tensor is of a type that weights do not have")
        dtype = STORAGES[kind.name]
        if key not in self._buffers:
            name = f"{self._prefix}data/{key}"
            entry = self._entries.entry(name)
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"the entry {name[:80]!r} is compressed, which torch does not do")
            if entry.file_size % dtype.itemsize or entry.file_size != count * dtype.itemsize:
                raise ValueError(
                    f"the entry {name[:80]!r} has {entry.file_size:,} bytes, and its tensor needs "
                    "another number"
                )
            data = bytearray(self._archive.read(entry))
            self._buffers[key] = (
                torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
            )
        if self._buffers[key].dtype != dtype:
            raise ValueError("a buffer is of two types")
        return self._buffers[key]


@contextmanager
def open_torch_zip(path: Path, kind: str, advice: str) -> Iterator[TorchZip]:
    """Open a zip file of torch; the border stands around all of its use.

    Args:
        path: The file.
        kind: What the file should be, such as ``"a TorchScript archive"``.
        advice: What to do about a damaged file, for messages.

    Yields:
        The open file.

    Raises:
        WeightsError: It says something impossible, it holds what weights do not need, or anything
            else fails while the file is open.
    """
    with open_zip(path, kind, WeightsError, advice) as (archive, entries):
        yield TorchZip(path, archive, entries)


def _are_sizes(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) <= _MOST_AXES
        and all(type(value) is int and 0 <= value < 1 << 62 for value in values)
    )


_KIND: Final = "a TorchScript archive"
_ADVICE: Final = "download the file again"

_MOST_MODULES: Final = 10_000
_DEEPEST: Final = 100

_OTHER_NAMES: Final = frozenset(
    {
        Name("torch._utils", "_rebuild_tensor_v2"),
        Name("collections", "OrderedDict"),
    }
)


def is_torchscript_archive(path: Path) -> bool:
    """Return whether a file is a TorchScript archive: a zip file with code.

    Args:
        path: An existing file.

    Returns:
        True for a file written by ``torch.jit.save``, otherwise False.

    Raises:
        WeightsError: It is a zip file that is damaged.
    """
    with reading(path, _KIND, WeightsError, _ADVICE):
        if not zipfile.is_zipfile(path):
            return False
        with open_torch_zip(path, _KIND, _ADVICE) as archive:
            return archive.has_code


def read_torchscript_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read every tensor attribute of the module in a TorchScript archive.

    Args:
        path: The archive.

    Returns:
        Tensors by dotted attribute name (``visual.conv1.weight``), in the archive's own dtypes.

    Raises:
        UnsafePickleError: The archive's pickle contains other types than tensors and modules.
        WeightsError: The archive is damaged.
    """

    def see(found: Name | Reference) -> None:
        if isinstance(found, Reference) or found in _OTHER_NAMES or _is_module(found):
            return
        if found.module in STORAGE_MODULES and found.name in STORAGES:
            return
        raise UnsafePickleError(
            f"{path}: its pickle asks for {found.module[:80]}.{found.name[:80]}, which weights do "
            "not need; the file was not loaded. Get the file from its publisher, or a safetensors "
            "copy"
        )

    with open_torch_zip(path, _KIND, _ADVICE) as archive:
        return dict(_tensors(archive, archive.tree(see)))


def _is_module(name: Name) -> bool:
    return name.module == "__torch__" or name.module.startswith("__torch__.")


def _tensors(archive: TorchZip, root: Any) -> dict[str, torch.Tensor]:
    """Return the tensors of a module and those inside it, by dotted name.

    Raises:
        ValueError: A module is inside itself, or there are far more than any model has.
    """
    tensors: dict[str, torch.Tensor] = {}
    left: list[tuple[str, Any, tuple[int, ...]]] = [("", root, ())]
    seen = 0
    while left:
        prefix, module, inside = left.pop()
        seen += 1
        if id(module) in inside or len(inside) > _DEEPEST or seen > _MOST_MODULES:
            raise ValueError("its modules are inside themselves, or are nested too deep")
        attributes = module.state if isinstance(module, Call) else None
        if not isinstance(attributes, Mapping):
            continue
        modules = []
        for name, value in attributes.items():
            if (tensor := archive.tensor(value)) is not None:
                tensors[f"{prefix}{name}"] = tensor
            elif isinstance(value, Call) and isinstance(value.function, Name):
                if _is_module(value.function):
                    modules.append((f"{prefix}{name}.", value, (*inside, id(module))))
        left += reversed(modules)
    return tensors
