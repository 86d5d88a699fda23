"""Pickles of dicts, lists and strings, read without running anything in them.

Nothing else is let in, not even tuple or bytes, for any dataset. MSVD's ``raw-captions.pkl``, which
goes back to Python 2, needs no more: the public programs that read it (CLIP4Clip's loader and those
made after it) call ``pickle.load`` under Python 3 as it is and join the words of a caption with
``" ".join``, which takes str alone. Where a copy holds strings of Python 2, the unpickler gives
them as str, since it is told an encoding.
"""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from dvtr_bench.errors import AnnotationError, UnsafePickleError

_ALLOWED = (dict, list, str)


class _RefusingUnpickler(pickle.Unpickler):
    """Knows no classes: whatever a pickle asks for by name is refused."""

    def __init__(self, data: bytes, path: Path) -> None:
        # Strings of Python 2 are bytes; those that such pickles hold are text.
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._path = path

    def find_class(self, module: str, name: str) -> NoReturn:
        raise UnsafePickleError(
            f"{self._path}: refused: this pickle asks for {module}.{name}, expected dict, list and "
            "str alone. Nothing in it was run. Get the file from its publisher again"
        )

    def persistent_load(self, identifier: object) -> NoReturn:
        raise UnsafePickleError(
            f"{self._path}: refused: this pickle asks for an object from outside "
            f"({identifier!r}), expected dict, list and str alone. Nothing in it was run"
        )


def load_pickle(path: Path) -> Any:
    """Read a pickle that holds dict, list and str and nothing else.

    Args:
        path: The file.

    Returns:
        Nested dicts, lists and strings.

    Raises:
        UnsafePickleError: The pickle asks for any class or function, or holds another type.
        AnnotationError: The file is no whole pickle.
    """
    data = path.read_bytes()
    try:
        value = _RefusingUnpickler(data, path).load()
    except UnsafePickleError:
        raise
    except Exception as failure:  # a damaged pickle fails in as many ways as there are opcodes
        raise AnnotationError(
            f"{path}: not a whole pickle file ({failure}): get the file again"
        ) from failure
    _check_types(path, value)
    return value


def _check_types(path: Path, value: object) -> None:
    pending: list[object] = [value]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if type(item) not in _ALLOWED:
            raise UnsafePickleError(
                f"{path}: refused: expected dict, list and str alone, found "
                f"{type(item).__name__} {str(item)[:40]!r}. Nothing in it was used. Get the file "
                "from its publisher again"
            )
        if isinstance(item, str) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            pending += [*item, *item.values()]
        elif isinstance(item, list):
            pending += item
