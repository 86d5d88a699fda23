"""Joins a Ray cluster for the time of a command; Ray is imported here and only when asked for."""

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
    """Be connected to a Ray cluster.

    Args:
        address: Of the cluster; None for the one that this process is connected to, that the
            environment names (RAY_ADDRESS) or that this machine is a node of, else a new one made
            of this machine alone, which ends with the command.

    Yields:
        The module `ray`.

    Raises:
        NotFoundError: Ray is not installed.
        ClusterError: No cluster answers at the address.
    """
    # Nothing of what is done is told to Ray's makers, unless the user says otherwise.
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


def require_same_versions(node: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Refuse a node that may come to other results.

    Args:
        node: Its name.
        theirs: Versions of everything that decides what comes out there.
        ours: The same, here.

    Raises:
        ClusterError: They differ.
    """
    differing = [
        f"{name} {theirs.get(name)} there, {version} here"
        for name, version in ours.items()
        if theirs.get(name) != version
    ]
    if differing:
        raise ClusterError(
            f"the node {node} of the Ray cluster has other versions, and could come to other "
            f"results: {'; '.join(differing)}. Install the same on all nodes"
        )


def _check_answers(address: str | None) -> None:
    """Knock once: Ray itself goes on trying for minutes where nobody answers."""
    if found := _HOST_AND_PORT.fullmatch(address or ""):
        socket.create_connection((found[1], int(found[2])), _ANSWER_SECONDS).close()
