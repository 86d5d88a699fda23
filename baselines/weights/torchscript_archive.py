"""Safe reading of the tensors of a TorchScript archive (such as OpenAI's ``ViT-B-32.pt``).

``torch.jit.load`` compiles the archive's code and may run parts of it while loading
(``__setstate__`` of its modules). The weights do not need it: they are raw buffers, and a pickle
maps them to attributes. This reader opens the zip file, reads the pickle with an unpickler that
allows only tensors, dicts and inert nodes, and ignores the code.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from dvtr_bench.errors import DvtrError, UnsafePickleError, WeightsError

_DTYPES: Final = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def is_torchscript_archive(path: Path) -> bool:
    """Return whether a file is a TorchScript archive: a zip file with code.

    Args:
        path: An existing file.

    Returns:
        True for a file written by ``torch.jit.save``, otherwise False.
    """
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


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
    try:
        with zipfile.ZipFile(path) as archive:
            root = _read_module(archive, path)
    except DvtrError:
        raise
    # A damaged pickle may make the unpickler raise any exception.
    except Exception as failure:
        raise WeightsError(
            f"{path}: the TorchScript archive cannot be read ({failure}): download the file again"
        ) from failure
    tensors: dict[str, torch.Tensor] = {}
    _collect(root, "", tensors)
    return tensors


def _read_module(archive: zipfile.ZipFile, path: Path) -> Any:
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise WeightsError(f"{path}: expected one data.pkl inside, found {len(pickles)}")
    prefix = pickles[0].removesuffix("data.pkl")
    if f"{prefix}byteorder" in archive.namelist() and (
        archive.read(f"{prefix}byteorder") != b"little"
    ):
        raise WeightsError(f"{path}: the archive was written big-endian, which is not supported")
    with archive.open(pickles[0]) as stream:
        return _TensorUnpickler(stream, archive, prefix, path).load()


class _Node:
    """Stands for a module of the archive; it has attributes but no code."""

    def __setstate__(self, state: Any) -> None:
        self.attributes = state


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, stream: Any, archive: zipfile.ZipFile, prefix: str, path: Path) -> None:
        super().__init__(stream)
        self._archive = archive
        self._prefix = prefix
        self._path = path
        # A new class for each file, so that no file can change a shared one.
        self._node = type("Node", (_Node,), {})
        self._storages: dict[str, torch.Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return lambda *arguments: _rebuild_tensor(*arguments)
        if module == "torch" and name in _DTYPES:
            return name
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "__torch__" or module.startswith("__torch__."):
            return self._node
        raise UnsafePickleError(
            f"{self._path}: its pickle asks for {module}.{name}, which weights do not need; the "
            "file was not loaded. Get the file from its publisher, or a safetensors copy"
        )

    def persistent_load(self, pid: Any) -> torch.Tensor:
        _, storage_type, key, _, _ = pid
        if key not in self._storages:
            data = self._archive.read(f"{self._prefix}data/{key}")
            dtype = _DTYPES[storage_type]
            self._storages[key] = (
                torch.frombuffer(bytearray(data), dtype=dtype)
                if data
                else torch.empty(0, dtype=dtype)
            )
        return self._storages[key]


def _rebuild_tensor(
    storage: torch.Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> torch.Tensor:
    # as_strided checks that the view stays inside the buffer.
    return torch.as_strided(storage, size, stride, offset).clone()


def _collect(node: Any, prefix: str, tensors: dict[str, torch.Tensor]) -> None:
    attributes = getattr(node, "attributes", None)
    if not isinstance(attributes, Mapping):
        return
    for name, value in attributes.items():
        if isinstance(value, torch.Tensor):
            tensors[f"{prefix}{name}"] = value
        elif isinstance(value, _Node):
            _collect(value, f"{prefix}{name}.", tensors)
