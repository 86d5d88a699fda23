"""A model as it was before a run, for the checks of its claims.

A model that remembers what it answered in the run could repeat that in the checks, and hide what
its answers depended on. So the checks ask a copy that was made before the run. Meanwhile what the
model's own code names outside of the copy is put back too: attributes of its classes, globals,
default arguments, closures and caches of functions (`dvtr_bench.evaluation.code_state`). A copy
that changed while the model ran is no copy, and is refused.

Weights are most of a model, and no model changes them when it is evaluated. So copies share their
memory with the model, and a hash of every byte is held against the one from before the run.

What a model keeps elsewhere, such as on the disk, stays: docs/concepts/security.md says so.
"""

import copy
import hashlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from dvtr_bench.errors import InputError, ProtocolError
from dvtr_bench.evaluation.code_state import CodeState, attributes

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Retriever

_LARGEST_READ: Final = 1 << 16
"""Numbers of a tensor that are compared one by one; of a larger one, as many, evenly spaced."""

_HASHED_AT_ONCE: Final = 1 << 26
"""Bytes of a tensor that are on the CPU at a time."""


class Untouched:
    """A copy of a model from before the run, and the state outside it that its code can reach."""

    def __init__(self, retriever: "Retriever") -> None:
        """Copy the model, before it has seen anything.

        Args:
            retriever: The model.

        Raises:
            InputError: It cannot be copied.
        """
        self._name = retriever.name
        self._copy = _copied(retriever)
        self._before = dict(_contents(self._copy))
        self._outside = CodeState(retriever)

    @contextmanager
    def model(self) -> Iterator["Retriever"]:
        """Yield a fresh copy; while it is used, everything outside is as before the run.

        Raises:
            ProtocolError: The copy has changed since it was made: it has seen the run.
            InputError: It cannot be copied.
        """
        now = dict(_contents(self._copy))
        changed = [
            name for name in {**self._before, **now} if self._before.get(name) != now.get(name)
        ]
        if changed:
            raise ProtocolError(
                f"{self._name}: its copy changed while the model ran (the first place: "
                f"{changed[0]}), so it has seen the run, and its claims cannot be checked on it: "
                "make the copy independent of the model (look at its __deepcopy__, __reduce__ and "
                "__getstate__)"
            )
        with self._outside.put_back():
            yield _copied(self._copy)


def _copied(retriever: "Retriever") -> "Retriever":
    # New objects, since notes could hang on the old ones, around the same memory.
    shared: dict[int, Any] = {
        id(value): torch.nn.Parameter(value.detach(), requires_grad=value.requires_grad)
        for _, value in _objects(retriever)
        if type(value) is torch.nn.Parameter
    }
    try:
        return copy.deepcopy(retriever, shared)
    except Exception as failure:
        raise InputError(
            f"{retriever.name}: cannot be copied ({failure}), and its claims are checked on a copy "
            "that has not seen the run: keep open files, locks and threads out of the model, or "
            "give it a __deepcopy__ that makes them anew"
        ) from failure


def _contents(model: object) -> Iterator[tuple[str, object]]:
    """Yield the path and a comparable form of everything that an object holds."""
    for path, value in _objects(model):
        if isinstance(value, (str, bytes, int, float, complex, type(None))):
            yield path, value
        elif type(value) is torch.nn.Parameter:
            yield path, _hashed(value)
        elif isinstance(value, (torch.Tensor, np.ndarray)):
            yield path, _sampled(value)
        elif isinstance(value, (dict, list, tuple, deque)):
            yield path, len(value)
        elif isinstance(value, (set, frozenset)):
            yield path, frozenset(value)
        elif not isinstance(value, (type, FunctionType, ModuleType)):
            yield path, type(value)


def _objects(model: object) -> Iterator[tuple[str, object]]:
    """Yield everything that an object holds, each once, with its path."""
    waiting: deque[tuple[str, object]] = deque([(type(model).__name__, model)])
    met: dict[int, object] = {}  # objects, so that none dies and leaves its id to another
    while waiting:
        path, value = waiting.popleft()
        if id(value) in met:
            continue
        yield path, value
        if isinstance(value, (str, bytes, int, float, complex, type(None))):
            continue
        met[id(value)] = value
        if isinstance(value, dict):
            waiting.extend((f"{path}[{key!r:.60}]", one) for key, one in value.items())
        elif isinstance(value, (list, tuple, deque)):
            waiting.extend((f"{path}[{place}]", one) for place, one in enumerate(value))
        elif not isinstance(
            value,
            (torch.Tensor, np.ndarray, set, frozenset, type, FunctionType, ModuleType),
        ):
            waiting.extend((f"{path}.{name}", one) for name, one in attributes(value))


def _hashed(value: torch.Tensor) -> object:
    """Return shape and SHA-256 of all bytes of a tensor."""
    flat = value.detach().reshape(-1).view(torch.uint8)
    digest = hashlib.sha256()
    for part in torch.split(flat, _HASHED_AT_ONCE):
        digest.update(part.cpu().numpy().data)
    return tuple(value.shape), value.dtype, digest.digest()


def _sampled(value: "torch.Tensor | np.ndarray[Any, Any]") -> object:
    """Return shape and some numbers of a tensor as bytes."""
    flat = value.detach().reshape(-1) if isinstance(value, torch.Tensor) else value.reshape(-1)
    step = max(1, len(flat) // _LARGEST_READ)
    part = flat[::step]
    if isinstance(part, torch.Tensor):
        part = part.cpu().view(torch.uint8) if part.dtype == torch.bfloat16 else part.cpu().numpy()
    return tuple(value.shape), np.asarray(part).tobytes()
