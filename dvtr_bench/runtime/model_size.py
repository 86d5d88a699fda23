"""A limit on the numbers of a model while it is built from a file of others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from dvtr_bench.errors import WeightsError

_TIMES: Final = 3
"""A model registers some parameters more than once while it is built."""

_SLACK: Final = 1 << 20
"""Buffers that no file holds, such as masks."""


@contextmanager
def no_larger_than(numbers: int, where: str) -> Iterator[None]:
    """Stop the building of a model that holds many more numbers than its file.

    It stops at the first layer too many: before memory is used for its numbers, whether a layer is
    wide or there are many.

    Args:
        numbers: Numbers in the file of its weights.
        where: What describes the model, for messages.

    Yields:
        Nothing.

    Raises:
        WeightsError: The model is larger.
    """
    from torch.nn.modules.module import (
        register_module_buffer_registration_hook,
        register_module_parameter_registration_hook,
    )
    from torch.nn.parameter import is_lazy

    most = _TIMES * numbers + _SLACK
    built = 0
    here = threading.get_ident()

    def count(_module: Any, name: str, tensor: Any) -> None:
        nonlocal built
        if tensor is None or is_lazy(tensor) or threading.get_ident() != here:
            return
        built += tensor.numel()
        if built > most:
            raise WeightsError(
                f"{where} describes a model that is larger than its weights: they hold "
                f"{numbers:,} numbers, and its {name} is beyond them"
            )

    handles = (
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
