"""Which device to compute on."""

import os

import torch

from dvtr_bench.errors import ConfigError


def choose_device(name: str) -> str:
    """Turn a device name from the user into an available device.

    Args:
        name: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` takes a GPU if there is one; under
            `torchrun` each process of a machine takes a different one.

    Returns:
        A name for `torch.device`.

    Raises:
        ConfigError: There is no such device.

    Example:
        >>> choose_device("cpu")
        'cpu'
    """
    if name == "auto":
        if not torch.cuda.is_available():
            return "cpu"
        local = int(os.environ.get("LOCAL_RANK", "0"))
        return f"cuda:{local % torch.cuda.device_count()}" if local else "cuda"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"--device {name}: expected auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; "
            "use --device auto"
        )
    return name
