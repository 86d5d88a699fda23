"""No writer leaves anything half-written where the disk is full, read-only or broken.

Every command that writes runs on a file layer whose n-th call fails (`tests.reliability.faults`).
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dvtr_bench.runtime.writing import _told
from tests.fixtures.no_network import refuse_network
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.reliability.commands import COMMANDS, make_world, reset, run, snapshot, words_of
from tests.reliability.faults import CODES, Faults
from tests.reliability.stand_ins import Servers, servers, use

pytestmark = [
    pytest.mark.slow,
    # Of the Hub's client, about itself.
    pytest.mark.filterwarnings("ignore:Use 'content="),
]

STATE = re.compile(
    r"dvtr/\.(embeddings|measures|\w+\.building)/.*|runs/.*-seed44/.*"
    r"|pretrained/(state\.pt|log\.jsonl)|hf/dvtr-bench/.*"
)
"""What a command that failed may leave: caches, finished clips, a training to go on with."""

LEFTOVER = re.compile(r"(^|/)\.[^/]*\.(part|previous)(/|$)|^(?!hf/dvtr-bench/).*\.part\b")
"""Half-written files; of a download, the part that arrived is kept."""

FIRST = int(os.environ.get("DVTR_TORTURE_FIRST", "1"))
"""The first fault of each command in the large form, to go on where a run was stopped."""

PROGRESS = Path(os.environ.get("DVTR_TORTURE_PROGRESS", os.devnull))
"""A file that gets a line after each fault of the large form."""

QUICK = ("build", "train", "evaluate", "leaderboard again", "export csv")
"""Commands of the small form; the large form takes all."""


@dataclass(frozen=True)
class Place:
    """A working folder as it was at first, and the one in which commands run."""

    world: Path
    folder: Path
    said: Callable[[], str]
    servers: Servers

    def reset(self) -> dict[str, str]:
        reset(self.world, self.folder)
        self.servers.hub.clear()
        return self.files()

    def files(self) -> dict[str, str]:
        """Return the hashes of all files, those of the Hub too."""
        return {**snapshot(self.folder), **self.servers.held()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "world"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        make_world(folder, patch)
    return folder


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.fixture
def place(
    world: Path,
    stand_ins: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
    monkeypatch.setattr("baselines.weights.backbone_spec.TINY_CONFIG", SMALL_CONFIG)
    monkeypatch.delenv("DVTR_TRACEBACK", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "work"
    reset(world, folder)
    use(stand_ins.environment(folder), monkeypatch)

    def said() -> str:
        return capsys.readouterr().err

    return Place(world, folder, said, stand_ins)


def undisturbed(name: str, place: Place) -> tuple[dict[str, str], Faults]:
    """Return what a command writes, and the calls that it makes."""
    place.reset()
    layer = Faults(place.folder)
    with layer.in_force():
        assert run(words_of(name, place.folder)) == 0, place.said()
    return place.files(), layer


def one_fault(name: str, place: Place, number: int, code: int, expected: dict[str, str]) -> str:
    """Let one call fail; return how it ended: refused, or went on without a cache."""
    before = place.reset()
    words = words_of(name, place.folder)
    place.said()
    layer = Faults(place.folder, number, code)
    with layer.in_force():
        status = run(words)
    told = place.said()
    where = f"{name}, call {number} ({layer.calls[-1]}), errno {code}: {told}"
    assert layer.struck, where
    after = place.files()
    assert [path for path in after if LEFTOVER.search(path)] == [], where
    if status:
        assert status == 1, where
        assert len(re.findall(r"^error: ", told, re.M)) == 1, where
        assert "cannot be written" in told or "is full" in told, where
        assert "Traceback" not in told, where
        assert "This message should say more" not in told, where
        new = {path for path in after if path not in before and not STATE.fullmatch(path)}
        assert not new, where
        assert {path: after.get(path) for path in before} == before, where
        empty = [one for one in place.folder.rglob("*") if one.is_dir() and not any(one.iterdir())]
        assert not empty, where
    else:
        assert "not kept in" in told, where
        same = {path: seal for path, seal in after.items() if not STATE.fullmatch(path)}
        assert same == {p: s for p, s in expected.items() if not STATE.fullmatch(p)}, where
    assert run(words) == 0, where
    assert place.files() == expected, where
    return "refused" if status else "went on"


def one_lasting_fault(name: str, place: Place, number: int, expected: dict[str, str]) -> None:
    """Let a renaming fail, and all that would put back what was there: it comes back later."""
    place.reset()
    words = words_of(name, place.folder)
    layer = Faults(place.folder, number, lasting=True)
    with layer.in_force():
        status = run(words)
    where = f"{name}, call {number} ({layer.calls[-1]}), lasting: {place.said()}"
    assert status in (0, 1), where
    assert run(words) == 0, where
    assert place.files() == expected, where


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_of_the_disk_leaves_nothing(name: str, place: Place) -> None:
    expected, layer = undisturbed(name, place)
    draw = random.Random(name)
    # One early, among what is made first, and one anywhere.
    for number in {draw.randint(1, 3), draw.randint(4, len(layer.calls))}:
        one_fault(name, place, number, draw.choice(CODES), expected)


ASKED_FOR = ("push", "push --annotations-only", "build --annotations auto")
"""Commands whose words ask for the network."""


def test_the_other_commands_use_no_network(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    used = refuse_network(monkeypatch)
    for name in set(COMMANDS) - set(ASKED_FOR):
        place.reset()
        assert run(words_of(name, place.folder)) == 0, f"{name}: {place.said()}"
        assert not used, f"{name}: {used}"
    for name in ASKED_FOR:
        place.reset()
        assert run(words_of(name, place.folder)) == 1, name
        assert used, name
        used.clear()


CACHES = {"evaluate": "/.embeddings", "audit": "/.measures"}


def one_cache_fault(name: str, place: Place, number: int, expected: dict[str, str]) -> None:
    """Let one call in a cache fail: the command goes on, says so once, and writes the same."""
    place.reset()
    shutil.rmtree(place.folder / "dvtr" / CACHES[name][1:], ignore_errors=True)
    place.said()
    layer = Faults(place.folder, number, only=CACHES[name])
    _told.clear()
    with layer.in_force():
        status = run(words_of(name, place.folder))
    told = place.said()
    where = f"{name}, call {number} of its cache ({layer.calls[-1]}): {told}"
    assert layer.struck, where
    assert status == 0, where
    folders = re.findall(r"not kept in (\S+) \(the disk is full\): continuing without", told)
    kinds = re.findall(r"^(.*) not kept in", told, re.M)
    assert folders, where
    assert len(set(zip(kinds, folders, strict=True))) == len(kinds), where
    after = place.files()
    same = {path: seal for path, seal in after.items() if not STATE.fullmatch(path)}
    assert same == {p: s for p, s in expected.items() if not STATE.fullmatch(p)}, where
    assert [path for path in after if LEFTOVER.search(path)] == [], where


def calls_of_cache(name: str, place: Place) -> int:
    place.reset()
    shutil.rmtree(place.folder / "dvtr" / CACHES[name][1:], ignore_errors=True)
    layer = Faults(place.folder, only=CACHES[name])
    with layer.in_force():
        assert run(words_of(name, place.folder)) == 0
    return len(layer.calls)


def test_a_cache_that_cannot_be_written_costs_no_run(place: Place) -> None:
    expected, _ = undisturbed("evaluate", place)
    one_cache_fault("evaluate", place, 4, expected)


@pytest.mark.torture
@pytest.mark.parametrize("name", CACHES)
def test_no_fault_of_a_cache_costs_a_run(name: str, place: Place) -> None:
    expected, _ = undisturbed(name, place)
    count = calls_of_cache(name, place)
    for number in range(1, count + 1):
        one_cache_fault(name, place, number, expected)
    print(f"\nfaults: {name}: {count} faults of its cache, the run went on after each")


@pytest.mark.torture
@pytest.mark.parametrize("name", COMMANDS)
def test_every_fault_of_the_disk_leaves_nothing(
    name: str, place: Place, record_property: Callable[[str, object], None]
) -> None:
    expected, layer = undisturbed(name, place)
    numbers = range(FIRST, len(layer.calls) + 1)
    ended: Counter[str] = Counter()
    for number in numbers:
        code = random.Random(f"{name} {number}").choice(CODES)
        ended[one_fault(name, place, number, code, expected)] += 1
        with PROGRESS.open("a", encoding="utf-8") as file:
            file.write(f"{name}: {number} of {len(layer.calls)}\n")
    renamings = [n for n, call in enumerate(layer.calls, 1) if call in ("rename", "replace")]
    for number in renamings:
        one_lasting_fault(name, place, number, expected)
    told = f"{name}: {len(numbers)} faults of {len(layer.calls)} calls, {dict(ended)}"
    told += f", {len(renamings)} more that last"
    record_property("faults", told)
    print(f"\nfaults: {told}")
