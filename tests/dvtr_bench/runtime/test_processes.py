"""Several processes give what one gives, to the bit."""

import json

import pytest

from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.processes import ALONE, Processes, joined_processes
from tests.fixtures import shared_evaluation
from tests.fixtures.ready_processes import run_together


@pytest.mark.slow
def test_one_two_and_three_processes_give_the_same_ranks_to_the_bit(tmp_path) -> None:
    for count in (1, 2, 3):
        done = run_together(count, tmp_path, shared_evaluation.main, tmp_path)
        assert set(done.exit_codes) == {0}, done.err
    written = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    assert set(written) == {"1-0", "2-0", "2-1", "3-0", "3-1", "3-2"}
    for place, found in written.items():
        assert found == written["1-0"], f"process {place} found something else"
    done = [one["scoring"]["post_processing"].partition(" ")[0] for one in written["1-0"]]
    assert sorted(done) == ["dual_softmax"] * 6 + ["none"] * 9 + ["qb_norm"] * 6
    assert [one["scoring"]["each_way"] for one in written["1-0"]].count(True) == 7


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize(("rows", "batch"), [(1, 4), (5, 2), (12, 4), (13, 4), (3, 100)])
def test_every_row_belongs_to_one_process_and_batches_stay_whole(rows, batch, count) -> None:
    shares = [Processes(rank, count).share_of(rows, batch) for rank in range(count)]
    assert [row for share in shares for row in range(share.start, share.stop)] == list(range(rows))
    assert all(share.start % batch == 0 or share.start == rows for share in shares)


def test_every_item_belongs_to_one_process() -> None:
    items = list("abcdefg")
    shares = [Processes(rank, 3).mine(items) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items


def test_an_ordinary_run_is_alone(monkeypatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined_processes() as processes:
        assert processes is ALONE
        assert processes.is_first
        assert processes.gathered("mine") == ["mine"]


def test_several_processes_without_a_meeting_place_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="torchrun --nproc-per-node 2"), joined_processes():
        pass
