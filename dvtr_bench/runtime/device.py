"""Which device to compute on."""

import os

import torch

from dvtr_bench.errors import ConfigError


def choose_device(name: str) -> str:
    """Turn a device name from the user into an available device.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``auto`` takes a CUDA device if
            there is one; under `torchrun` each process of a machine takes a different one. ``mps``,
            an Apple GPU, is taken by name alone: nobody has tried it yet.

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
        raise ConfigError(f"--device {name}: expected auto, cpu, cuda, cuda:N or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; "
            "use --device auto"
        )
    if device.type not in ("cpu", "cuda") and not _is_accelerator(device.type):
        raise ConfigError(
            f"--device {name}: this machine, or its PyTorch, has no such device; use --device auto"
        )
    return name


def _is_accelerator(device_type: str) -> bool:
    if not torch.accelerator.is_available():
        return False
    accelerator = torch.accelerator.current_accelerator()
    return accelerator is not None and accelerator.type == device_type
