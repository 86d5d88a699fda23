"""Safe reading of pickles that contain only dicts, lists and strings.

No other type is allowed for any dataset, not even tuple or bytes. This is enough for MSVD's
``raw-captions.pkl``, written with Python 2: the public programs that read it (CLIP4Clip's loader
and its successors) call ``pickle.load`` in Python 3 and join the words of a caption with
``" ".join``, which takes only str. Strings of Python 2 are decoded to str.
"""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from dvtr_bench.errors import AnnotationError, UnsafePickleError

_ALLOWED = (dict, list, str)


class _RefusingUnpickler(pickle.Unpickler):
    """Refuses every class and function that a pickle names."""

    def __init__(self, data: bytes, path: Path) -> None:
        # Decodes strings of Python 2.
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._path = path

    def find_class(self, module: str, name: str) -> NoReturn:
        raise UnsafePickleError(
            f"{self._path}: refused: this pickle asks for {module}.{name}, expected only dict, "
            "list and str. Nothing in it was run. Get the file from its publisher again"
        )

    def persistent_load(self, identifier: object) -> NoReturn:
        raise UnsafePickleError(
            f"{self._path}: refused: this pickle asks for an external object ({identifier!r}), "
            "expected only dict, list and str. Nothing in it was run"
        )


def load_pickle(path: Path) -> Any:
    """Read a pickle that contains only dict, list and str.

    Args:
        path: The file.

    Returns:
        Nested dicts, lists and strings.

    Raises:
        UnsafePickleError: The pickle names a class or function, or contains another type.
        AnnotationError: The file is not a complete pickle.
    """
    data = path.read_bytes()
    try:
        value = _RefusingUnpickler(data, path).load()
    except UnsafePickleError:
        raise
    except Exception as failure:  # a damaged pickle fails in as many ways as there are opcodes
        raise AnnotationError(
            f"{path}: not a complete pickle file ({failure}): get the file again"
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
                f"{path}: refused: expected only dict, list and str, found "
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
