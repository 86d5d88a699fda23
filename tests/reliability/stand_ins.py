"""What commands of the tests of reliability find in place of the Hub, the web and long renderings.

All is chosen by environment variables, since commands run in processes of their own too.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.builders.published_forms import write_didemo
from tests.fixtures.file_server import FileServer, file_server
from tests.fixtures.hub.client import TOKEN, client_environment
from tests.fixtures.hub.server import hub_server
from tests.fixtures.hub.state import HubState, User

FILES = "DVTR_TEST_FILES"
"""Environment variable with the address of the server of published files."""

SHORT = "DVTR_TEST_SHORT"
"""Environment variable: aerosynth has three clips, shards of a pretraining eight frames."""


@dataclass(frozen=True)
class Servers:
    """The servers that commands talk to.

    Attributes:
        hub: The Hub.
        files: Published annotation files.
    """

    hub: HubState
    files: FileServer

    def environment(self, folder: Path) -> dict[str, str]:
        """Return what a process needs to find them, and to keep all that it keeps in a folder."""
        return {
            **client_environment(self.hub.address, folder / "hf"),
            FILES: self.files.address,
            SHORT: "1",
            "TMPDIR": str(folder / "tmp"),
        }

    def held(self) -> dict[str, str]:
        """Return the hashes of what the Hub holds, by repository, tag and path."""
        return {
            f"hub/{name}/{tag}/{path}": hashlib.sha256(blob.data).hexdigest()
            for name, repo in self.hub.repos.items()
            for tag, commit in {**repo.tags, **repo.branches}.items()
            for path, blob in repo.commits[commit].items()
        }


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Serve while a block runs."""
    with hub_server() as hub, file_server() as files:
        hub.users[TOKEN] = User("me", ("lab",))
        for file in write_didemo(folder / "published", (30, 10, 20)).iterdir():
            files.files[f"didemo/{file.name}"] = file.read_bytes()
        # So that a download takes a moment in which it can be stopped.
        files.pause_seconds, files.piece_bytes = 0.05, 4_000
        yield Servers(hub, files)


def use(environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
    """Let this process find the servers, whatever it has imported already."""
    for name, value in environment.items():
        patch.setenv(name, value)
    if SHORT in environment:
        _shorten(patch)
    if FILES in environment:
        _point_at(environment[FILES], patch)
    if "TMPDIR" in environment:
        patch.setattr(tempfile, "tempdir", environment["TMPDIR"])
    if "HF_ENDPOINT" in environment:
        from huggingface_hub import constants

        patch.setattr(constants, "ENDPOINT", environment["HF_ENDPOINT"])
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)


def _point_at(address: str, patch: pytest.MonkeyPatch) -> None:
    from builders.datasets import didemo

    files = {
        name: replace(file, url=f"{address}/didemo/{name}", sha256=None)
        for name, file in didemo.INFO.files.items()
    }
    patch.setattr(didemo, "INFO", replace(didemo.INFO, files=files))


def _shorten(patch: pytest.MonkeyPatch) -> None:
    from baselines.encoder import pretraining as training
    from builders.aerosynth import stream
    from builders.datasets import aerosynth
    from dvtr_bench.api import pretraining

    patch.setattr(stream, "stream_shard", _first(stream.stream_shard, 8))
    patch.setattr(aerosynth, "each_plan", _one_a_split(aerosynth.each_plan))
    patch.setattr(pretraining, "_validation", lambda _: lambda: (50.0, 50.0))
    defaults = {**(training.pretrain.__kwdefaults__ or {}), "save_every": 2}
    patch.setattr(training.pretrain, "__kwdefaults__", defaults)


def _first(real: Callable[..., Any], count: int) -> Callable[..., Any]:
    return lambda *given: islice(real(*given), count)


def _one_a_split(real: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(*given: object) -> Iterator[Any]:
        seen: set[str] = set()
        for plan in real(*given):
            if plan.split not in seen:
                seen.add(plan.split)
                yield plan

    return chosen


def temporary_files(folder: Path) -> Path:
    """Make the folder that commands shall take for temporary files; it is never empty."""
    made = folder / "tmp"
    made.mkdir(exist_ok=True)
    (made / "kept").touch()
    return made
