"""A model as it was before a run, for the checks of its claims.

A model that remembers what it answered in the run could repeat that in the checks, and hide what
its answers depended on. So the checks ask a copy that was made before the run. Meanwhile what the
code of the model names outside of the copy is put back too: a class attribute, a global, a default
argument or a closure is shared by all copies (`CodeState`). They are found from the classes of the
model on: through the functions of these, the names that the functions use, and so on, within the
packages in which these classes stand. A copy that changed while the model ran is no copy, and is
refused.

Weights are most of a model, and no model changes them when it is evaluated. So copies share their
memory with the model, and a hash of every byte is held against the one from before the run.

What a model keeps elsewhere, such as on the disk, stays: docs/concepts/security.md says so.
"""

import copy
import hashlib
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from dvtr_bench.errors import InputError, ProtocolError
from dvtr_bench.models.source_model import SourceModel

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Retriever


_NOT_A_MODELS: Final = sys.stdlib_module_names | {
    *("dvtr_bench", "baselines", "msam", "torch", "torchvision", "numpy", "open_clip"),
    *("transformers", "tokenizers", "safetensors", "timm", "PIL", "cv2", "mteb"),
    *("sentence_transformers", "huggingface_hub", "datasets", "pydantic"),
}
"""Packages whose state is left alone: they are ours, or libraries that models are built from."""

_CONTAINERS: Final = (dict, list, set, bytearray, deque)
_CODE: Final = (type, FunctionType, ModuleType, staticmethod, classmethod, property)
_MISSING: Final = object()


@dataclass(frozen=True, eq=False)
class _Name:
    """A name of a class, or a global."""

    owner: Any
    name: str

    def value(self) -> object:
        if isinstance(self.owner, dict):
            return self.owner.get(self.name, _MISSING)
        return vars(self.owner).get(self.name, _MISSING)

    def bind(self, value: object) -> None:
        if value is self.value():
            return
        if isinstance(self.owner, dict):
            if value is _MISSING:
                del self.owner[self.name]
            else:
                self.owner[self.name] = value
        elif value is _MISSING:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, value)


class CodeState:
    """State that all copies of a model share, and its contents when this was made."""

    def __init__(self, model: object) -> None:
        """Find the state and copy it.

        Args:
            model: Any object.
        """
        self._classes: list[type] = []
        self._names: dict[tuple[int, str], tuple[_Name, object]] = {}
        self._contents: list[tuple[Any, Any]] = []
        self._clear: list[Callable[[], object]] = []
        parts = list(_parts(model))
        self._packages = {_package(type(part)) for part in parts} - _NOT_A_MODELS
        met: dict[int, object] = {}  # objects, so that none dies and leaves its id to another
        waiting: deque[object] = deque(kind for part in parts for kind in type(part).__mro__)
        while waiting:
            value = waiting.popleft()
            if id(value) not in met:
                met[id(value)] = value
                waiting.extend(self._take(value))

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Put everything back as it was; in the end, as it is now."""
        self._find_new_names()
        names = [(name, name.value()) for name, _ in self._names.values()]
        contents = [(container, copy.copy(container)) for container, _ in self._contents]
        for name, value in self._names.values():
            name.bind(value)
        for container, kept in self._contents:
            _refill(container, copy.deepcopy(kept))
        for clear in self._clear:
            clear()
        try:
            yield
        finally:
            for name, value in names:
                name.bind(value)
            for container, now in contents:
                _refill(container, now)
            for clear in self._clear:
                clear()

    def _take(self, value: object) -> Iterator[object]:
        """Keep what a value holds; yield what else can be reached from it."""
        if isinstance(value, _CONTAINERS):
            self._keep(value)
        elif isinstance(value, (staticmethod, classmethod)):
            yield value.__func__
        elif isinstance(value, property):
            yield from (value.fget, value.fset)
        elif callable(clear := getattr(value, "cache_clear", None)):
            self._clear.append(clear)
            yield getattr(value, "__wrapped__", None)
        elif isinstance(value, FunctionType):
            yield from self._of_function(value)
        elif _package(value if isinstance(value, _CODE) else type(value)) not in self._packages:
            return
        elif isinstance(value, type):
            self._classes.append(value)
            yield from self._named(value, list(vars(value)))
            yield from value.__mro__
        elif isinstance(value, ModuleType):
            yield from self._named(vars(value), list(vars(value)))
        elif isinstance(state := getattr(value, "__dict__", None), dict):
            yield type(value)
            yield state

    def _of_function(self, function: FunctionType) -> Iterator[object]:
        if _package(function) not in self._packages:
            return
        known = vars(sys.modules["builtins"])
        names = {name for name in _names_in(function.__code__) if name not in known}
        yield from self._named(function.__globals__, names)
        yield from function.__defaults__ or ()
        yield from (function.__kwdefaults__ or {}).values()
        yield function.__dict__
        for cell in function.__closure__ or ():
            with suppress(ValueError):  # not filled yet
                yield cell.cell_contents

    def _named(self, owner: Any, names: "list[str] | set[str]") -> Iterator[object]:
        for name in names:
            if name.startswith("__"):
                continue
            found = _Name(owner, name)
            value = found.value()
            if not _is_code(value):
                self._names[id(owner), name] = (found, value)
            yield value

    def _find_new_names(self) -> None:
        """Note attributes that classes have got since; globals that code names are known."""
        for kind in self._classes:
            for name, value in vars(kind).items():
                known = (id(kind), name) in self._names or name.startswith("__")
                if not known and not _is_code(value):
                    self._names[id(kind), name] = (_Name(kind, name), _MISSING)

    def _keep(self, container: Any) -> None:
        with suppress(Exception):  # such as one that holds a lock: it stays as it is
            self._contents.append((container, copy.deepcopy(container)))


def attributes(value: object) -> Iterator[tuple[str, object]]:
    """Yield the attributes that an object itself holds, of slots too.

    Args:
        value: Any object.
    """
    yield from list(getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield name, getattr(value, name)


def _parts(model: object) -> Iterator[object]:
    """Yield a model and the objects that it is made of: modules, and attributes of own classes."""
    waiting: deque[object] = deque([model])
    met: dict[int, object] = {}
    while waiting:
        value = waiting.popleft()
        if id(value) in met or isinstance(value, _CODE):
            continue
        met[id(value)] = value
        if isinstance(value, torch.nn.Module):
            waiting.extend(value.children())
        theirs = _package(type(value)) not in _NOT_A_MODELS
        if theirs:
            yield value
        # An adapter is ours; the model that it holds may run code of its own repository.
        if theirs or isinstance(value, SourceModel):
            waiting.extend(one for _, one in attributes(value))


def _is_code(value: object) -> bool:
    return isinstance(value, _CODE) or hasattr(value, "__get__")


def _package(value: object) -> str:
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    return str(module).partition(".")[0]


def _names_in(code: CodeType) -> Iterator[str]:
    """Yield the names that a function and the functions inside it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _refill(container: Any, content: Any) -> None:
    """Give a container other contents, so that it stays the same object."""
    container.clear()
    if isinstance(container, (dict, set)):
        container.update(content)
    else:
        container.extend(content)


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
