"""Contact sheets of runs: which queries, the right clip always there, with or without a dataset."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.errors import IncomparableError, InputError, NotFoundError, ResultError
from dvtr_bench.reports.contact_sheet import Row
from dvtr_bench.reports.kept_clips import (
    clips_to_keep,
    keep_split,
    kept_path,
    read_kept,
    write_kept,
)
from dvtr_bench.reports.shown_queries import choose_queries, query_rows, require_queries
from leaderboard.result_files import read_result_file
from tests.fixtures.records import toy_record
from tests.fixtures.scored_runs import random_split, scored_record
from tests.fixtures.scored_site import CLIPS, HOSTILE, make_scored_site


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    make_scored_site(folder)
    return folder


def ranks_of(seed: int) -> tuple[object, np.ndarray, list[str]]:
    own, video_ids, caption_ids = random_split(seed=3)
    scores = np.random.default_rng(seed).random((len(own), len(video_ids)))
    record = scored_record(scores, own, caption_ids, f"model {seed}")
    return record, record.rank_table.ranks["t2v"]["strict"].pessimistic, caption_ids


def test_each_way_to_choose_queries_is_what_it_says() -> None:
    first, one, caption_ids = ranks_of(1)
    second, other, _ = ranks_of(2)
    worst = choose_queries("worst:7", [first], caption_ids)
    assert worst == sorted(range(len(one)), key=lambda query: (-one[query], query))[:7]
    best = choose_queries("best:5", [first], caption_ids)
    assert sorted(one[best]) == sorted(one)[:5]
    both = choose_queries("worst:3", [first, second], caption_ids)
    highest = np.maximum(one, other)
    assert sorted(highest[both], reverse=True) == sorted(highest, reverse=True)[:3]
    apart = np.maximum(one, other) / np.minimum(one, other)
    disagree = choose_queries("disagree:4", [first, second], caption_ids)
    assert sorted(apart[disagree]) == sorted(apart)[-4:]
    drawn = choose_queries("random", [first], caption_ids)
    assert drawn == choose_queries("random:6", [second], caption_ids)
    assert len(set(drawn)) == 6
    own = first.caption_video_index
    assert len(set(own[choose_queries("spread:9", [first], caption_ids)].tolist())) == 9
    assert len(choose_queries("worst:9999", [first], caption_ids)) == len(one)


def test_queries_by_id_whatever_the_ids_hold() -> None:
    record, _, _ = ranks_of(1)
    ids = [f"a,b#{number}" for number in range(40)]
    ids[3], ids[4], ids[5] = "worst", "x", "y"
    assert choose_queries(["a,b#2", "a,b#0"], [record], ids) == [2, 0]
    assert choose_queries("x,y,x", [record], ids) == [4, 5]
    assert choose_queries(["worst", "x"], [record], ids) == [3, 4]
    with pytest.raises(InputError, match=r"no caption has the id 'z\[31m'.*worst:12"):
        choose_queries("x,z\x1b[31m".replace("\x1b", ""), [record], ids)
    with pytest.raises(InputError, match="a number of queries after the colon"):
        choose_queries("worst:none", [record], ids)
    with pytest.raises(InputError, match="takes two to disagree"):
        choose_queries("disagree", [record], ids)


def test_a_wrong_choice_of_queries_is_told_before_anything_is_scored(
    scored: Path, tmp_path: Path
) -> None:
    read: list[str] = []

    class Model:
        def encode_videos(self, *_: object) -> None:
            read.append("videos")

        encode_texts = score = encode_videos

    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    own = split.caption_ids[3]
    require_queries([own], split.caption_ids)
    require_queries("worst:3", split.caption_ids)
    for wanted, told in (("nobody#0", "no caption has the id 'nobody#0'"), ("disagree", "one run")):
        with pytest.raises(InputError, match=told):
            dvtr.evaluate(Model(), split, results=tmp_path / "out", queries=wanted, device="cpu")
    assert read == []
    assert not (tmp_path / "out").exists()


def check_rows(rows: list[Row], ranks: np.ndarray, queries: list[int]) -> None:
    assert [sum(tile.relevant for tile in row.tiles) for row in rows] == [1] * len(queries)
    for row, query in zip(rows, queries, strict=True):
        (place,) = (n for n, tile in enumerate(row.tiles) if tile.relevant)
        rank = int(ranks[query])
        assert len(row.tiles) == (5 if rank <= 5 else 6)
        assert place == min(rank, 6) - 1
        assert row.tiles[place].apart == (rank > 5)
        assert f"{rank} right · " in row.tiles[place].label
        assert row.note == f"its clip is ranked {rank} of {CLIPS}"


def test_the_right_clip_is_always_there_and_marked(scored: Path) -> None:
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    for path in sorted((scored / "results").glob("*.json")):
        file = read_result_file(path)
        ranks = file.record.rank_table.ranks["t2v"]["strict"].pessimistic
        queries = list(range(len(ranks)))
        rows = query_rows([file.record], [file.top_lists()["t2v"]], split, queries)
        check_rows(rows, ranks, queries)
        assert [row.text for row in rows] == list(split.captions)
    assert max(ranks) > 5


def test_the_command_draws_one_run_and_several(scored: Path, tmp_path: Path) -> None:
    files = sorted(map(str, (scored / "results").glob("*.json")))
    root = ["--root", str(scored / "dvtr")]
    sizes = []
    for number, (words, rows) in enumerate(
        [([*files[:1], "--queries", "worst:2"], 2), ([*files[:2], "--queries", "disagree:2"], 4)]
    ):
        out = tmp_path / f"{number}.png"
        ended = CliRunner().invoke(make_app(), ["sheet", *words, *root, "-o", str(out)])
        assert ended.exit_code == 0, ended.output
        assert ended.output == f"wrote {out}\n"
        with Image.open(out) as image:
            sizes.append((rows, image.size[1]))
    (two, short), (four, tall) = sizes
    assert (tall - short) % (four - two) == 0
    assert tall > short
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    drawn = dvtr.draw_queries(files[0], split.caption_ids[5], root=scored / "dvtr")
    assert drawn.size[1] < short


def test_runs_on_other_queries_and_missing_clips_are_refused(scored: Path, tmp_path: Path) -> None:
    path = min((scored / "results").glob("*.json"))
    with pytest.raises(IncomparableError, match="differ in dataset"):
        dvtr.draw_queries([path, toy_record()], root=scored / "dvtr")
    with pytest.raises(NotFoundError, match=r"no clips to draw: .*--browse"):
        dvtr.draw_queries(path, root=tmp_path)
    with pytest.raises(InputError, match="at least one result"):
        dvtr.draw_queries([])


def browsed(scored: Path, folder: Path, queries: int) -> list[Path]:
    """Copy the results, with what the browser needs beside each."""
    shutil.copytree(scored / "results", folder)
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    paths = sorted(folder.glob("*.json"))
    for path in paths:
        file = read_result_file(path)
        clips = clips_to_keep(file.record, file.top_lists()["t2v"], split.video_ids, queries)
        write_kept(keep_split(split, clips), path)
    return paths


def test_what_is_kept_is_read_back_and_draws_the_same_queries(scored: Path, tmp_path: Path) -> None:
    path = browsed(scored, tmp_path / "kept", 2)[0]
    file = read_result_file(path)
    kept = read_kept(file.record, path)
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    assert kept.captions == list(split.captions)
    assert HOSTILE in kept.captions
    assert kept.video_ids == list(split.video_ids)
    assert kept.categories == list(split.categories)
    worst = choose_queries("worst:2", [file.record])
    wanted = {int(file.record.caption_video_index[query]) for query in worst}
    row_of = {name: row for row, name in enumerate(split.video_ids)}
    for query in worst:
        wanted |= {row_of[name] for name in file.top_lists()["t2v"].candidate_ids[query][:5]}
    assert set(kept.thumbnails) == wanted
    assert kept.frames(min(wanted))[0].shape == (120, 160, 3)
    whole = browsed(scored, tmp_path / "whole", 2 * CLIPS)[0]
    assert len(read_kept(file.record, whole).thumbnails) == CLIPS
    there = dvtr.draw_queries(path, "worst:2", root=scored / "dvtr")
    assert dvtr.draw_queries(path, "worst:2", root=tmp_path).size == there.size


def test_what_is_kept_of_another_run_or_damaged_is_refused(scored: Path, tmp_path: Path) -> None:
    path = browsed(scored, tmp_path / "kept", 1)[0]
    record = read_result_file(path).record
    with pytest.raises(ResultError, match="the captions of another split"):
        read_kept(toy_record(), path)
    content = kept_path(path).read_bytes()
    for damaged in (content[:100], b"", content.replace(b"\xff\xd8\xff", b"\x00\x00\x00")):
        kept_path(path).write_bytes(damaged)
        with pytest.raises(ResultError, match="not a file (that|of) `evaluate --browse`"):
            read_kept(record, path)
    kept_path(path).unlink()
    with pytest.raises(NotFoundError, match="--browse 50"):
        read_kept(record, path)


def test_no_pictures_are_kept_where_no_licence_lets_them_be_shown(tmp_path: Path) -> None:
    make_scored_site(tmp_path, licence=None)
    split = dvtr.open_dataset("toy", tmp_path / "dvtr").split("test")
    kept = keep_split(split, range(CLIPS))
    assert not kept.thumbnails
    path = min((tmp_path / "results").glob("*.json"))
    read = read_kept(read_result_file(path).record, write_kept(kept, path).with_name(path.name))
    assert read.captions == list(split.captions)
    assert read.frames(0) == []
