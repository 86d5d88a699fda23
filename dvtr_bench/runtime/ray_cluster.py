"""Connect to a Ray cluster during a command; Ray is imported only when used."""

from __future__ import annotations

import importlib
import logging
import os
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import ClusterError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType


_HOST_AND_PORT: Final = re.compile(r"\[?([^/\]]+)\]?:(\d+)")
_ANSWER_SECONDS: Final = 10.0


@contextmanager
def ray_cluster(address: str | None) -> Iterator[ModuleType]:
    """Connect to a Ray cluster.

    Args:
        address: Address of the cluster. None takes the cluster that this process is connected to,
            that the environment names (RAY_ADDRESS) or that this machine is part of; otherwise it
            starts a new one on this machine, which ends with the command.

    Yields:
        The module `ray`.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: No cluster answers at the address.
    """
    # Send no usage statistics to Ray's developers, unless the user enables them.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = importlib.import_module("ray")
    except ImportError as failure:
        raise NotFoundError(
            "--executor ray needs Ray, which is not installed: pip install 'dvtr-bench[ray]', here "
            "and on every node"
        ) from failure
    if ray.is_initialized():
        yield ray
        return
    try:
        _check_answers(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as failure:
        raise ClusterError(
            f"no Ray cluster answers at {address or 'the address that the environment names'} "
            f"({failure}). Start one with `ray start --head --port 6379` on one machine and `ray "
            "start --address HEAD:6379` on the others, and name it with --address HEAD:6379"
        ) from failure
    try:
        yield ray
    finally:
        ray.shutdown()


def require_same_versions(
    node: str, node_versions: Mapping[str, str], local_versions: Mapping[str, str]
) -> None:
    """Raise if a node has versions that could give other results.

    Args:
        node: Its name.
        node_versions: Versions of everything that results depend on, on the node.
        local_versions: The same, on this machine.

    Raises:
        ClusterError: They differ.
    """
    differing = [
        f"{name} {node_versions.get(name)} there, {version} here"
        for name, version in local_versions.items()
        if node_versions.get(name) != version
    ]
    if differing:
        raise ClusterError(
            f"the node {node} of the Ray cluster has other versions, and could come to other "
            f"results: {'; '.join(differing)}. Install the same on all nodes"
        )


def _check_answers(address: str | None) -> None:
    """Try to connect once: Ray itself retries for minutes if nothing answers."""
    if match := _HOST_AND_PORT.fullmatch(address or ""):
        socket.create_connection((match[1], int(match[2])), _ANSWER_SECONDS).close()
