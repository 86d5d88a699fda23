"""Pickles of tensors, read as a tree of plain values: nothing is imported and nothing is called.

An unpickler calls what a file names, hashes what it makes and takes memory for numbers that the
file states, each of which a made-up file can use. Here a call is an entry in the tree, and only
scalars are keys.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

_MOST_STEPS: Final = 400_000
"""A training checkpoint of the largest CLIP of open_clip takes about 100,000."""

_MOST_KEY_PARTS: Final = 16
_SCALARS: Final = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Name:
    """A name that a pickle would import.

    Attributes:
        module: The module.
        name: The name in it.
    """

    module: str
    name: str


@dataclass(eq=False)
class Call:
    """A call that a pickle would make.

    Attributes:
        function: What it would call.
        arguments: With what.
        state: What it would set on the result; None if nothing.
        items: What it would put into the result.
    """

    function: Any
    arguments: Any
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reference:
    """A tensor's bytes, which stand beside a pickle.

    Attributes:
        target: What the pickle says about them.
    """

    target: Any


class _Mark:
    pass


See = Callable[[Name | Reference], None]


def read_tree(stream: BinaryIO, see: See) -> Any:
    """Read one pickle; call it inside `dvtr_bench.reading.border.reading`.

    Args:
        stream: At its start; afterwards, behind its end.
        see: Called with every name and reference; raises for one that must not be there.

    Returns:
        Dicts, lists, tuples and scalars, and `Name`, `Call` and `Reference` in the place of others.

    Raises:
        ValueError: It is damaged, too long, or holds what weights do not need.

    Example:
        >>> import io, pickle
        >>> read_tree(io.BytesIO(pickle.dumps({"a": (1, None)}, 2)), lambda found: None)
        {'a': (1, None)}
    """
    return _Machine(see).run(stream)


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, see: See) -> None:
        self._see = see
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, stream: BinaryIO) -> Any:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if step >= _MOST_STEPS:
                raise ValueError(f"its pickle takes more than {_MOST_STEPS:,} steps")
            if opcode.name == "STOP":
                return self._pop()
            if opcode.name in _VALUES:
                self._stack.append(argument)
            elif opcode.name in _CONSTANTS:
                self._stack.append(_CONSTANTS[opcode.name]())
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](self, argument)
            else:
                raise ValueError(f"its pickle holds {opcode.name}, which weights do not need")
        raise ValueError("its pickle does not end")

    def _pop(self) -> Any:
        value = self._stack.pop()
        if isinstance(value, _Mark):
            raise ValueError("its pickle is damaged")
        return value

    def _top(self) -> Any:
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        values: list[Any] = []
        while not isinstance(value := self._stack.pop(), _Mark):
            values.append(value)
        return values[::-1]

    def mark(self, _: Any) -> None:
        self._stack.append(_Mark())

    def name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        found = Name(module, name)
        self._see(found)
        self._stack.append(found)

    def put(self, index: int) -> None:
        self._memo[index] = self._top()

    def get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def tuple_of(self, count: int | None) -> None:
        values = self._since_mark() if count is None else [self._pop() for _ in range(count)][::-1]
        self._stack.append(tuple(values))

    def call(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        self._stack.append(Call(function, arguments))

    def build(self, _: Any) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Call):
            raise ValueError("its pickle sets the state of something that has none")
        target.state = state

    def append(self, _: Any) -> None:
        self._extend([self._pop()])

    def appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise ValueError("its pickle appends to something that is no list")
        target += values

    def set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def set_items(self, _: Any) -> None:
        self._update(self._since_mark())

    def _update(self, values: list[Any]) -> None:
        target = self._top()
        items = target.items if isinstance(target, Call) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise ValueError("its pickle sets items of something that has none")
        for key, value in zip(values[::2], values[1::2], strict=True):
            parts = key if isinstance(key, tuple) and len(key) <= _MOST_KEY_PARTS else (key,)
            if not all(isinstance(part, _SCALARS) for part in parts):
                raise ValueError("its pickle holds a dict whose keys are neither texts nor numbers")
            items[key] = value

    def refer(self, _: Any) -> None:
        found = Reference(self._pop())
        self._see(found)
        self._stack.append(found)

    def skip(self, _: Any) -> None:
        pass


_VALUES: Final = frozenset(
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINSTRING BINSTRING".split()
)

_CONSTANTS: Final[Mapping[str, Callable[[], Any]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,
    "EMPTY_DICT": dict,
}

_STEPS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": _Machine.skip,
    "MARK": _Machine.mark,
    "GLOBAL": _Machine.name,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": lambda machine, _: machine.tuple_of(None),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "BINPERSID": _Machine.refer,
}
