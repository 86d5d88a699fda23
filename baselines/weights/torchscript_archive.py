"""Safe reading of the tensors of a TorchScript archive (such as OpenAI's ``ViT-B-32.pt``).

``torch.jit.load`` compiles the archive's code and may run parts of it while loading
(``__setstate__`` of its modules). The weights do not need it: they are raw buffers, and a pickle
maps them to attributes. This reader opens the zip file, reads the pickle as a tree of plain values
in which nothing is called, and ignores the code.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from baselines.weights.pickle_tree import Call, Name, Reference
from baselines.weights.torch_zip import STORAGE_MODULES, STORAGES, TorchZip, open_torch_zip
from dvtr_bench.errors import UnsafePickleError, WeightsError
from dvtr_bench.reading.border import reading

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
