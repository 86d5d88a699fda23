"""Optional libraries: they are imported where they are used, and are part of no plain install."""

import importlib
from types import ModuleType

from dvtr_bench.errors import NotFoundError


def import_extra(module: str, extra: str, needed_by: str) -> ModuleType:
    """Import an optional library.

    Args:
        module: Its dotted name.
        extra: The extra of dvtr-bench that installs it.
        needed_by: What needs it, such as ``--model hf:...``, for the message.

    Returns:
        The module.

    Raises:
        NotFoundError: It is not installed, or its own imports fail.
    """
    try:
        return importlib.import_module(module)
    except ImportError as failure:
        raise NotFoundError(
            f"{needed_by} needs {module}, which cannot be imported ({failure}): "
            f"pip install 'dvtr-bench[{extra}]'"
        ) from failure
