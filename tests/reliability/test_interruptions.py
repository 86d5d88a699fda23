"""Ctrl-C, SIGTERM and kill at any moment: nothing half-written, no process left, it goes on."""

import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.small_study import STUDY
from tests.reliability.commands import EVALUATE, TRAIN, make_world, reset, snapshot
from tests.reliability.interruptions import Ended, carry_out, moments

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
    "run": "run small.toml --out study --device cpu",
    "pretrain-tiny": "pretrain-tiny --steps 4 --out pretrained --workers 0 --device cpu "
    "--recipe batch_size=8 --recipe steps_a_shard=4 --recipe first_shards=1",
}
"""Every long command."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
MOMENTS = int(os.environ.get("DVTR_TORTURE_MOMENTS", "8"))
"""Moments of each command and signal in the large form."""

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}

LEFTOVER = re.compile(r"(^|/)\.[^/]*\.(part|previous)(/|$)|\.part\b|^tmp/.")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interruptions") / "world"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)
        make_world(folder, patch)
    (folder / "small.toml").write_text(STUDY.replace("datasets.tiny", "datasets.toy"))
    (folder / "tmp").mkdir()
    return folder


def prepare(name: str, world: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    reset(world, folder)
    run = min((folder / "runs").glob("*/*/*")).relative_to(folder)
    return LONG[name].replace("RUN", str(run)).split(), {"TMPDIR": str(folder / "tmp")}


def interrupted_and_run_again(
    name: str, world: Path, folder: Path, how: signal.Signals, after: float, expected: object
) -> Ended:
    """Interrupt a command at a moment, check what it leaves, run it again, compare the bytes."""
    words, environment = prepare(name, world, folder)
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
    assert snapshot(folder) == expected, where
    return ended


# Builds, studies and evaluations that are stopped have tests of their own, which are quicker.
@pytest.mark.parametrize(("name", "how"), [("train", signal.SIGINT)])
def test_an_interruption_costs_nothing(
    name: str, how: signal.Signals, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "work"
    words, environment = prepare(name, world, folder)
    whole = carry_out(words, folder, environment=environment)
    assert whole.status == 0, whole
    expected = snapshot(folder)
    (after,) = moments(whole.seconds, 1, f"{name} {how}")
    interrupted_and_run_again(name, world, folder, how, after, expected)


@pytest.mark.torture
@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("name", LONG)
def test_interruptions_at_many_moments_cost_nothing(
    name: str, how: signal.Signals, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "work"
    words, environment = prepare(name, world, folder)
    whole = carry_out(words, folder, environment=environment)
    assert whole.status == 0, whole
    expected = snapshot(folder)
    ended = [
        interrupted_and_run_again(name, world, folder, how, after, expected)
        for after in moments(whole.seconds, MOMENTS, f"{name} {how}")
    ]
    statuses = Counter(one.status for one in ended)
    latest = max(one.late_seconds for one in ended)
    print(
        f"\ninterruptions: {name}: {how.name} at {len(ended)} moments of {whole.seconds:.1f} s, "
        f"{statuses[STATUS[how]]} stopped it, {statuses[0]} came after its end, the latest end "
        f"{latest:.1f} s after the signal, all went on to the same bytes"
    )
