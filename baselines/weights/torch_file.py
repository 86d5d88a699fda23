"""State dicts in files of ``torch.save``, in its present form (a zip file) and its former one."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from baselines.weights.pickle_tree import Call, Name, Reference, read_tree
from baselines.weights.torch_zip import STORAGE_MODULES, STORAGES, open_torch_zip
from dvtr_bench.errors import WeightsError
from dvtr_bench.reading.border import reading

_KIND: Final = "a file of weights"

_MAGIC: Final = 0x1950A86A20F9469CFC6C
"""First pickle of a file of the former form."""

_PICKLES: Final = 4
"""What follows it: version, byte order, the content, the names of its buffers."""

_KNOWN_MODULES: Final = frozenset(
    {
        "collections",
        "torch",
        "torch._tensor",
        "torch._utils",
        "torch.cuda",
        "torch.nn.parameter",
        "torch.storage",
    }
)
_KNOWN_NAMES: Final = frozenset(
    {
        Name("_codecs", "encode"),
        Name("__builtin__", "complex"),
        Name("__builtin__", "set"),
        Name("builtins", "complex"),
        Name("builtins", "set"),
        # A scalar of numpy, such as the best figure of a training.
        Name("numpy", "dtype"),
        Name("numpy.core.multiarray", "scalar"),
        Name("numpy._core.multiarray", "scalar"),
    }
)
"""With the modules above, what training checkpoints name. Nothing of it is imported or called."""

_TIMES: Final = 2
_SLACK_BYTES: Final = 1 << 20
_SHOWN: Final = 5


def read_torch_file(path: Path, advice: str) -> dict[str, torch.Tensor]:
    """Read the state dict in a file.

    Args:
        path: A file of ``torch.save``: a dict of tensors, which may be the value of ``state_dict``
            in another dict. Only those tensors are read.
        advice: What to do about a file that cannot be read, for messages.

    Returns:
        The tensors by name, on the CPU.

    Raises:
        WeightsError: It is damaged, says something impossible, or holds what weights do not need.
    """
    with reading(path, _KIND, WeightsError, advice):
        if not zipfile.is_zipfile(path):
            return _read_former(path)
        with open_torch_zip(path, _KIND, advice) as archive:
            return _tensors_of(archive.tree(_require_known), archive.tensor)


def _require_known(found: Name | Reference) -> None:
    if isinstance(found, Reference):
        return
    if found.module not in _KNOWN_MODULES and found not in _KNOWN_NAMES:
        raise ValueError(f"its pickle asks for {found.module[:80]}.{found.name[:80]}")


def _tensors_of(
    content: Any, tensor_of: Callable[[Any], torch.Tensor | None]
) -> dict[str, torch.Tensor]:
    items = _items(content)
    if items is not None and (inner := _items(items.get("state_dict"))) is not None:
        items = inner
    if not items:
        raise ValueError(f"expected a dict of tensors, found {type(content).__name__}")
    tensors: dict[str, torch.Tensor] = {}
    wrong: list[str] = []
    for key, value in items.items():
        if (tensor := tensor_of(value)) is None:
            wrong.append(str(key)[:80])
        else:
            tensors[str(key)] = tensor
    if wrong:
        more = ", ..." if len(wrong) > _SHOWN else ""
        raise ValueError(
            f"expected a dict of tensors; these are not tensors: {', '.join(wrong[:_SHOWN])}{more}"
        )
    return tensors


def _items(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Call):
        return value.items
    return value if isinstance(value, Mapping) else None


def _read_former(path: Path) -> dict[str, torch.Tensor]:
    """Read a file of the former form by torch, after a look at its pickles.

    Torch's own loader, which calls nothing outside of a list, hashes nested tuples and takes memory
    for the sizes that a file states.
    """
    size = path.stat().st_size
    stated: dict[str, int] = {}
    left = size

    def see(found: Name | Reference) -> None:
        nonlocal left
        _require_known(found)
        if isinstance(found, Reference):
            key, num_bytes = _former_buffer(found.target)
            left -= num_bytes - stated.get(key, 0)
            stated[key] = num_bytes
            if left < 0:
                raise ValueError("its tensors take more than its bytes")

    with path.open("rb") as stream:
        if read_tree(stream, _require_known) != _MAGIC:
            raise ValueError("it is not a file of torch.save")
        for _ in range(_PICKLES):
            read_tree(stream, see)
    free = _TIMES * size + _SLACK_BYTES

    def tensor_of(value: Any) -> torch.Tensor | None:
        nonlocal free
        if not isinstance(value, torch.Tensor):
            return None
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
            raise ValueError(f"a tensor is {value.layout} on {value.device.type}")
        own = value.numel() * value.element_size()
        free -= own
        if own > value.untyped_storage().nbytes() or free < 0:
            raise ValueError("its tensors take far more than its bytes")
        return value.detach()

    content = torch.load(path, map_location="cpu", weights_only=True)
    return _tensors_of(content, tensor_of)


def _former_buffer(target: Any) -> tuple[str, int]:
    """Return the key of a buffer and the bytes that it states."""
    if not isinstance(target, tuple) or len(target) != 6:
        raise ValueError("a tensor names no buffer")
    _, kind, key, _, count, _ = target
    known = isinstance(kind, Name) and kind.module in STORAGE_MODULES and kind.name in STORAGES
    if not known or not isinstance(key, str) or type(count) is not int or count < 0:
        raise ValueError("a tensor names no buffer")
    return key, count * STORAGES[kind.name].itemsize
