"""Ctrl-C, SIGTERM and kill at any moment: nothing half-written, no process left, it goes on."""

import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.small_study import STUDY
from tests.reliability.commands import COMMANDS, EVALUATE, TRAIN, make_world, reset, snapshot
from tests.reliability.interruptions import Ended, carry_out, moments
from tests.reliability.stand_ins import Servers, servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs signals and sessions"),
]

LONG = {
    "build folder": "build folder --clips clips --captions captions.csv --name mine --workers 2",
    "build again": "build folder --clips clips --captions captions.csv --name toy --workers 2 "
    "--frames 2 --overwrite",
    "train": f"{TRAIN} --epochs 6 --seed 44",
    "evaluate": f"{EVALUATE} --checkpoint RUN --out new",
    "leaderboard": "leaderboard results --site old-site --out OLD.md --chart bars",
    "audit": "audit toy --out audit",
    "run": "run small.toml --out study --devices cpu",
    "pretrain-tiny": COMMANDS["pretrain-tiny"],
    "build aerosynth": "build aerosynth --size small --workers 0 --frames 2 --name air",
    "build --annotations auto": COMMANDS["build --annotations auto"],
    "push": COMMANDS["push"],
    "push --annotations-only": COMMANDS["push --annotations-only"],
}
"""Every long command."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
MOMENTS = int(os.environ.get("DVTR_TORTURE_MOMENTS", "8"))
"""Moments of each command and signal in the large form."""

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}

LEFTOVER = re.compile(
    r"(^|/)\.[^/]*\.(part|previous)(/|$)|^(?!hf/dvtr-bench/).*\.part\b|^tmp/(?!kept$)."
)
"""Half-written files; of a download, the part that arrived is kept."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interruptions") / "world"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        make_world(folder, patch)
    (folder / "small.toml").write_text(STUDY.replace("datasets.tiny", "datasets.toy"))
    return folder


@dataclass(frozen=True)
class Place:
    """A working folder as it was at first, and the one in which commands run."""

    world: Path
    folder: Path
    servers: Servers

    def prepare(self, name: str) -> tuple[list[str], dict[str, str]]:
        reset(self.world, self.folder)
        self.servers.hub.clear()
        run = min((self.folder / "runs").glob("*/*/*")).relative_to(self.folder)
        words = LONG[name].replace("RUN", str(run)).split()
        return words, self.servers.environment(self.folder)

    def files(self) -> dict[str, str]:
        """Return the hashes of all files, those of the Hub too."""
        return {**snapshot(self.folder), **self.servers.held()}


@pytest.fixture
def place(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    with servers(tmp_path / "servers") as found:
        yield Place(world, tmp_path / "work", found)


def interrupted_and_run_again(
    name: str, place: Place, how: signal.Signals, after: float, expected: dict[str, str]
) -> Ended:
    """Interrupt a command at a moment, check what it leaves, run it again, compare the bytes."""
    words, environment = place.prepare(name)
    folder = place.folder
    ended = carry_out(words, folder, how=how, after_seconds=after, environment=environment)
    where = f"{name}, {how.name} after {after:.2f} s: {ended}"
    assert ended.status in (0, STATUS[how]), where
    assert ended.left == (), where
    if how != signal.SIGKILL:
        assert "Traceback" not in ended.told, where
        assert "KeyboardInterrupt" not in ended.told, where
        assert [path for path in snapshot(folder) if LEFTOVER.search(path)] == [], where
        assert ended.status == 0 or "run the same command again" in ended.told, where
    again = carry_out(words, folder, environment=environment)
    assert again.status == 0, f"{where}\n{again}"
    found = _lasting(place.files())
    other = [path for path in {**expected, **found} if found.get(path) != expected.get(path)]
    assert not other, f"{where}\n{other}"
    return ended


def undisturbed(name: str, place: Place) -> tuple[Ended, dict[str, str]]:
    """Return how a command ends, and what it writes."""
    words, environment = place.prepare(name)
    whole = carry_out(words, place.folder, environment=environment)
    assert whole.status == 0, whole
    return whole, _lasting(place.files())


def _lasting(files: dict[str, str]) -> dict[str, str]:
    """Leave out what a process that is killed may leave where nothing reads it."""
    return {path: seal for path, seal in files.items() if not path.startswith("tmp/dvtr-bench-")}


# Builds, studies and evaluations that are stopped have tests of their own, which are quicker.
@pytest.mark.parametrize(("name", "how"), [("train", signal.SIGINT)])
def test_an_interruption_costs_nothing(name: str, how: signal.Signals, place: Place) -> None:
    whole, expected = undisturbed(name, place)
    (after,) = moments(whole.seconds, 1, f"{name} {how}")
    interrupted_and_run_again(name, place, how, after, expected)


@pytest.mark.torture
@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("name", LONG)
def test_interruptions_at_many_moments_cost_nothing(
    name: str, how: signal.Signals, place: Place
) -> None:
    whole, expected = undisturbed(name, place)
    ended = [
        interrupted_and_run_again(name, place, how, after, expected)
        for after in moments(whole.seconds, MOMENTS, f"{name} {how}")
    ]
    statuses = Counter(one.status for one in ended)
    latest = max(one.late_seconds for one in ended)
    print(
        f"\ninterruptions: {name}: {how.name} at {len(ended)} moments of {whole.seconds:.1f} s, "
        f"{statuses[STATUS[how]]} stopped it, {statuses[0]} came after its end, the latest end "
        f"{latest:.1f} s after the signal, all went on to the same bytes"
    )
