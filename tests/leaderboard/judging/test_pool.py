"""Pools: exactly what the lists propose, in an order that says nothing, and whole on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dvtr_bench.errors import (
    ConfigError,
    IncomparableError,
    InputError,
    NotFoundError,
    OutputExistsError,
    ResultError,
)
from leaderboard.judging.collect import judgements_of
from leaderboard.judging.pool import Pool, PoolOptions, pool_of
from leaderboard.judging.pool_folder import FACTS_FILE, PAIRS_FILE, read_pool, write_pool
from tests.fixtures.judged_world import World, make_world, save_answers


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, levels=tuple((n * 9, 20, 40) for n in range(14)))


def asked(pool: Pool) -> set[tuple[str, str]]:
    return {(pair.caption_id, pair.video_id) for pair in pool.to_judge}


def test_it_is_what_the_lists_propose_without_what_is_known(world: World) -> None:
    split, own = world.split, world.own
    texts = [caption.strip().lower() for caption in split.captions]
    proposed = {
        (caption, int(video))
        for scores in world.matrices
        for caption, row in enumerate(scores)
        for video in np.argsort(-row)[:4]
    }
    known = {
        (caption, own[other])
        for caption, text in enumerate(texts)
        for other, other_text in enumerate(texts)
        if text == other_text
    }
    pool = world.pool(depth=4)
    assert asked(pool) == {
        (split.caption_ids[caption], split.video_ids[video]) for caption, video in proposed - known
    }
    same_text = {(c, v) for c, v in proposed & known if own[c] != v}
    assert pool.known_counts() == {"own": len(own), "text": len(same_text)}
    assert len(same_text) > 0
    assert list(pool.own) == list(split.caption_ids)
    assert pool.texts == split.captions


def test_both_ways_ask_about_a_pair_once(world: World) -> None:
    one, other, both = (
        asked(world.pool(depth=2, directions=ways))
        for ways in (("t2v",), ("v2t_caption",), ("t2v", "v2t_caption"))
    )
    assert both == one | other
    assert one & other
    assert len(world.pool(depth=2, directions=("t2v", "v2t_caption")).to_judge) == len(both)


def test_the_order_is_drawn_and_keeps_queries_together(world: World) -> None:
    pool, again = world.pool(batch_pairs=20), world.pool(batch_pairs=20)
    assert pool.pairs == again.pairs
    turned = replace_files(world, list(reversed(world.files)))
    assert turned.pool(batch_pairs=20).pairs == pool.pairs
    assert turned.pool(batch_pairs=20).facts == pool.facts
    other = world.pool(batch_pairs=20, seed=1)
    assert asked(other) == asked(pool)
    assert [pair.pair for pair in other.to_judge] != [pair.pair for pair in pool.to_judge]
    assert {pair.pair for pair in other.to_judge} == {pair.pair for pair in pool.to_judge}
    batches = [pool.batch(number) for number in range(1, pool.num_batches + 1)]
    assert sum(map(len, batches)) == len(pool.to_judge)
    captions = [{pair.caption_id for pair in batch} for batch in batches]
    assert sum(map(len, captions)) == len(set().union(*captions))
    assert all(len(batch) <= 20 for batch in batches)
    # The places of candidates in the lists have no part in the order.
    ranks = [
        [world.files[0].top_lists()["t2v"].candidate_ids[row].index(pair.video_id)]
        for row, pair in ((split_row(world, pair.caption_id), pair) for pair in pool.to_judge)
        if pair.video_id in world.files[0].top_lists()["t2v"].candidate_ids[row]
    ]
    places = np.arange(len(ranks))
    assert abs(np.corrcoef(places, np.ravel(ranks))[0, 1]) < 0.15


def split_row(world: World, caption_id: str) -> int:
    return world.split.caption_ids.index(caption_id)


def replace_files(world: World, files: list) -> World:
    return World(world.split, world.matrices, files)


def test_queries_can_be_drawn(world: World) -> None:
    pool = world.pool(depth=3, queries=5, directions=("t2v", "v2t_caption"))
    captions, videos = pool.facts.queries["t2v"], pool.facts.queries["v2t_caption"]
    assert captions is not None
    assert videos is not None
    assert len(set(captions)) == len(set(videos)) == 5
    assert all(pair.caption_id in captions or pair.video_id in videos for pair in pool.to_judge)
    assert world.pool(queries=10_000).facts.queries == {"t2v": None}


def test_what_was_judged_is_not_asked_again(world: World, tmp_path: Path) -> None:
    first = pool_of(world.files[:1], world.split, PoolOptions(depth=3))
    answers = save_answers(first, tmp_path, "anna", lambda pair: "partly")
    earlier, _ = judgements_of(first, answers)
    second = pool_of(world.files, world.split, PoolOptions(depth=3), earlier)
    assert asked(second) == asked(world.pool(depth=3)) - asked(first)
    assert second.facts.earlier == earlier.sha256
    later = save_answers(second, tmp_path / "run 0", "ben", lambda pair: "yes")
    both, _ = judgements_of(second, later)
    grades = {(c, v): g for c, graded in both.grades.items() for v, g in graded.items()}
    assert grades == dict.fromkeys(asked(first), 1) | dict.fromkeys(asked(second), 2)


def test_it_comes_back_from_disk(world: World, tmp_path: Path) -> None:
    pool = world.pool(depth=3, batch_pairs=30)
    folder = write_pool(pool, tmp_path / "pool", world.split, "all")
    read = read_pool(folder)
    assert read.facts == pool.facts
    assert read.pairs == pool.pairs
    assert {path.name for path in folder.iterdir()} == {
        FACTS_FILE,
        PAIRS_FILE,
        *(
            f"batch-{n:03d}.{kind}"
            for n in range(1, pool.num_batches + 1)
            for kind in ("csv", "html")
        ),
    }
    for path in folder.glob("batch-*"):
        assert "model_" not in path.read_text(encoding="utf-8-sig")
    with pytest.raises(OutputExistsError, match="may hold answers"):
        write_pool(pool, folder, world.split)


def test_edited_pairs_are_refused(world: World, tmp_path: Path) -> None:
    folder = write_pool(world.pool(depth=2), tmp_path / "pool", world.split, "none")
    table = pq.read_table(folder / PAIRS_FILE)
    pq.write_table(table.slice(1), folder / PAIRS_FILE)
    with pytest.raises(InputError, match=r"not the pairs of .*pool\.json"):
        read_pool(folder)
    rows = table.to_pylist()
    for change, message in (
        ({"known": "text", "grade": 0}, "neither known nor to judge"),
        ({"known": "judged", "grade": 3}, "neither known nor to judge"),
        ({"known": "own"}, "does not have the own clip of each caption"),
        ({"caption": None}, "not the pairs"),
    ):
        changed = pa.Table.from_pylist([{**rows[0], **change}, *rows[1:]], schema=table.schema)
        pq.write_table(changed, folder / PAIRS_FILE)
        with pytest.raises(InputError, match=message):
            read_pool(folder)
    (folder / PAIRS_FILE).write_bytes(b"PAR1")
    with pytest.raises(InputError, match="the pairs of a pool"):
        read_pool(folder)
    with pytest.raises(NotFoundError, match="holds no pool"):
        read_pool(tmp_path)


def test_what_cannot_be_pooled_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"keeps 10 candidates .* --top 12"):
        world.pool(depth=12)
    with pytest.raises(InputError, match="at least one result file"):
        replace_files(world, []).pool()
    other = make_world(tmp_path / "other", videos=5)
    with pytest.raises(IncomparableError, match="one build and split"):
        replace_files(world, [*world.files, *other.files]).pool()
    with pytest.raises(ResultError, match="other captions or clips"):
        World(other.split, [], world.files).pool()
    for wrong in (
        {"depth": 0},
        {"directions": ("v2t",)},
        {"directions": ("t2v",) * 2},
        {"queries": 0},
    ):
        with pytest.raises(ConfigError):
            PoolOptions(**wrong)


def test_options_are_checked_when_replaced() -> None:
    with pytest.raises(ConfigError):
        replace(PoolOptions(), batch_pairs=0)
