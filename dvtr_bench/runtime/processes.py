"""Where the work is done: the device, and processes that share it, several under `torchrun`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
from torch import distributed

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


_Item = TypeVar("_Item")

_PATIENCE: Final = timedelta(hours=12)
"""How long one process waits for another, which may be encoding and checking a split."""


@dataclass(frozen=True)
class Processes:
    """This process and the number of processes that share the work.

    Every process makes the same calls in the same order. They exchange data through the CPU (gloo),
    so any device works; if each process has its own GPU, sums and maxima of GPU tensors use NCCL.

    Attributes:
        rank: Rank of this process, from 0.
        count: Number of processes.
        gpu_to_gpu: Whether each process has a GPU of its own.
    """

    rank: int = 0
    count: int = 1
    gpu_to_gpu: bool = False

    @property
    def is_first(self) -> bool:
        """True for the process that prints and writes files."""
        return self.rank == 0

    def mine(self, items: Sequence[_Item]) -> Sequence[_Item]:
        """Return this process's share of the items."""
        return items[self.rank :: self.count]

    def share_of(self, count: int, size: int) -> slice:
        """Return this process's range of rows, cut at the end of batches.

        Args:
            count: Number of rows.
            size: Rows per batch.

        Returns:
            A slice, possibly empty; the ranges of all processes cover all rows.

        Example:
            >>> [Processes(rank, 2).share_of(5, 2) for rank in (0, 1)]
            [slice(0, 2, None), slice(2, 5, None)]
        """
        batches = -(-count // size)
        ends = (self.rank * batches // self.count, (self.rank + 1) * batches // self.count)
        return slice(*(min(end * size, count) for end in ends))

    def gathered(self, value: Any) -> list[Any]:
        """Return the values of all processes, in order of rank."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by their sums over all processes."""
        self._reduce(tensors, distributed.ReduceOp.SUM)

    def take_greatest(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by their maxima over all processes."""
        self._reduce(tensors, distributed.ReduceOp.MAX)

    def fill_in(self, whole: torch.Tensor, rows: Sequence[slice]) -> None:
        """Complete a tensor of which each process has some rows.

        Args:
            whole: On the CPU, the same shape everywhere; this process's rows are filled.
            rows: The rows of every process, in order of rank.
        """
        if self.count > 1:
            for source, run in enumerate(rows):
                if run.stop > run.start:
                    distributed.broadcast(whole[run], src=source)

    def _reduce(self, tensors: Sequence[torch.Tensor], operation: Any) -> None:
        if self.count > 1:
            for tensor in tensors:
                if tensor.is_cuda and self.gpu_to_gpu:
                    distributed.all_reduce(tensor, op=operation)
                    continue
                on_cpu = tensor.cpu()
                distributed.all_reduce(on_cpu, op=operation)
                tensor.copy_(on_cpu)


ALONE: Final = Processes()
"""A single process, which does everything."""


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """Join the other processes if `torchrun` started this one, and leave them at the end.

    Inside another such block, yield the same processes and leave them joined.

    Yields:
        This process among them; `ALONE` in an ordinary run.

    Raises:
        ConfigError: The environment names several processes but not their address.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    if missing := {"RANK", "MASTER_ADDR", "MASTER_PORT"} - os.environ.keys():
        raise ConfigError(
            f"WORLD_SIZE is {count} but {', '.join(sorted(missing))} is not set: start several "
            f"processes with `torchrun --nproc-per-node {count} -m dvtr_bench ...`"
        )
    gpu_to_gpu = _a_gpu_each()
    if distributed.is_initialized():
        yield Processes(distributed.get_rank(), count, gpu_to_gpu)
        return
    backend = "cpu:gloo,cuda:nccl" if gpu_to_gpu else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Processes(distributed.get_rank(), count, gpu_to_gpu)
    finally:
        distributed.destroy_process_group()


def _a_gpu_each() -> bool:
    # NCCL refuses two processes on one GPU.
    local_processes = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))
    return distributed.is_nccl_available() and torch.cuda.device_count() >= local_processes
