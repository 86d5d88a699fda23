"""Arrays inside records: read-only, compared by what they hold, no larger file than before."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.errors import ResultError
from dvtr_bench.results import RunRecord, read_result, write_result
from dvtr_bench.results.files import from_text, to_text
from dvtr_bench.results.record import Breakdown, RankLists

MakeRecord = Callable[..., RunRecord]
EVIDENCE = Path(__file__).parents[3] / "leaderboard" / "evidence"


def test_records_hold_read_only_arrays_from_the_ranks_to_the_file_and_back(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    made = make_record()
    for record in (made, read_result(write_result(made, tmp_path))):
        arrays = [
            record.caption_video_index,
            record.breakdowns["category"].codes,
            *(lists.strict.pessimistic for lists in record.ranks.values()),
        ]
        for array in arrays:
            assert array.dtype == np.int64
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
        table = record.rank_table
        assert table.ranks["t2v"]["strict"].pessimistic is record.ranks["t2v"].strict.pessimistic


def test_what_a_record_was_made_from_can_change_without_it() -> None:
    values = np.array([1, 2, 3])
    lists = RankLists(values, None)
    values[0] = 9
    assert lists.pessimistic.tolist() == [1, 2, 3]


def test_records_are_equal_when_all_they_hold_is(make_record: MakeRecord) -> None:
    record = make_record()
    assert record == make_record()
    assert record == copy.deepcopy(record) == pickle.loads(pickle.dumps(record))
    assert record != make_record(seed=1)
    index = record.caption_video_index.copy()
    index[0] += 1
    assert record != replace(record, caption_video_index=index)
    assert record != "a record"


def test_lists_of_ranks_and_breakdowns_are_compared_by_value() -> None:
    assert RankLists((1, 2), None) == RankLists(np.array([1, 2]), None)
    assert hash(RankLists((1, 2), (1, 1))) == hash(RankLists((1, 2), (1, 1)))
    different = [((1, 2), None), ((1, 2, 2), None), ((1, 3), None), ((1, 2), (1, 1))]
    assert len({RankLists(*lists) for lists in different}) == 4
    assert RankLists((1, 2), None) != RankLists((1, 2), (1, 2))
    one = Breakdown("Boats", "video", ("a", "b"), (0, 1), {})
    assert one.sorts_like(replace(one, title="Ships"))
    assert not one.sorts_like(replace(one, codes=(1, 0)))
    assert not one.sorts_like(replace(one, groups=("a", "c")))


@pytest.mark.parametrize("value", [2**63, -1, 1.5, True, None])
def test_ranks_that_no_array_holds_are_refused(make_record: MakeRecord, value: object) -> None:
    text = to_text(make_record())
    place = '"pessimistic": ['
    changed = text.replace(place, f"{place}{'null' if value is None else str(value).lower()}, ", 1)
    with pytest.raises(ResultError, match=r"ranks.t2v.strict.pessimistic\[0\]: expected"):
        from_text(changed, "x.json")


def test_every_result_file_that_there_is_is_written_as_it_was_read() -> None:
    paths = [path for path in EVIDENCE.rglob("*.json") if path.parent.name != "pointing"]
    assert len(paths) > 90
    for path in paths:
        content = path.read_bytes()
        assert to_text(from_text(content, path.name)).encode() == content, path.name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"num_videos": 12', '"num_videos": 1000000000000', "at most 1000000000"),
        ('"resamples": 100', '"resamples": 1000000000', "at most 100000"),
        ('"a boat", "{road}", "sea"', ", ".join(f'"g{n}"' for n in range(201_000)), "groups with"),
    ],
)
def test_a_small_file_cannot_ask_for_much_memory(
    tmp_path: Path, make_record: MakeRecord, old: str, new: str, message: str
) -> None:
    path = write_result(make_record(), tmp_path)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ResultError, match=message):
        read_result(path)
