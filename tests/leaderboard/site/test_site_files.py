"""The files of a site: what they say, the same bytes again, texts of others kept texts."""

import csv
import io
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.api.training import make_recipe
from dvtr_bench.cli import make_app
from dvtr_bench.errors import InputError
from dvtr_bench.reports.kept_clips import clips_to_keep, keep_split, write_kept
from dvtr_bench.results import RunRecord, write_result
from dvtr_bench.results.setups import contamination
from dvtr_bench.training.recipe import whole_recipe
from leaderboard.board import make_boards
from leaderboard.result_files import ResultFile, entry_path, read_result_file
from leaderboard.row_json import run_id
from leaderboard.site.build import csv_text, write_site
from leaderboard.site.commands import bibtex, repeat_commands
from leaderboard.site.rows import board_data, board_id
from tests.fixtures.records import toy_record
from tests.fixtures.scored_site import CLIPS, HOSTILE, STRONG, make_scored_site

FIRST_PAGE_BYTES = 500_000


def site_of(records: list[RunRecord], folder: Path) -> Path:
    files = [ResultFile(record, None) for record in records]
    write_site(make_boards(records), files, folder, folder.parent / "nothing")
    return folder


def read_script(path: Path) -> Any:
    """Read a data file as a browser would: a call with two arguments."""
    text = path.read_text(encoding="ascii")
    assert re.search(r"[<>&\u2028\u2029]", text) is None
    name, value = json.loads(f"[{text.removeprefix('dvtr.put(').removesuffix(');' + chr(10))}]")
    assert name == path.stem
    return value


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    make_scored_site(folder)
    return folder


@pytest.fixture(scope="module")
def site(scored: Path) -> Path:
    made = dvtr.make_leaderboard(scored / "results")
    return made.write_site(scored / "site", root=scored / "dvtr").parent


def test_the_same_input_gives_the_same_bytes(scored: Path, site: Path, tmp_path: Path) -> None:
    again = dvtr.make_leaderboard(sorted((scored / "results").glob("*.json"), reverse=True))
    again.write_site(tmp_path / "again", root=scored / "dvtr")
    assert all_bytes(tmp_path / "again") == all_bytes(site)


def test_a_row_says_what_distinguishes_it(site: Path) -> None:
    (path,) = (site / "data").glob("board-*.js")
    board = read_script(path)
    assert [row["model"] for row in board["rows"]] == list(STRONG)
    for row in board["rows"]:
        assert (row["backbone"], row["backboneHash"]) == ("tiny", "d" * 64)
        assert row["seconds"] == {"texts": 1.0, "videos": 2.0, "score": 3.0}
        assert (row["parameters"], row["seeds"], row["frames"]) == (1000, [42], 12)
        assert row["ranks"]["t2v/R@1"][0] >= 1
    variants = [toy_record(config={"pooling": pooling}) for pooling in ("mean", "max")]
    (told,) = make_boards(variants)
    names = [row["name"] for row in board_data(told)["rows"]]
    assert sorted(names) == ["msam, pooling=max", "msam, pooling=mean"]


def test_figures_ranks_and_groups_are_the_records(scored: Path, site: Path) -> None:
    (path,) = (site / "data").glob("board-*.js")
    board = read_script(path)
    for record in dvtr.load_results(scored / "results"):
        row = next(one for one in board["rows"] if one["model"] == record.model.name)
        figure = record.metrics["t2v"]["strict"]["R@5"]
        assert row["values"]["t2v/strict/R@5"] == [
            *(round(part, 4) for part in (figure.value, figure.low, figure.high)),
            None,
        ]
        ranks = read_script(site / "data" / f"ranks-{run_id(record)}.js")
        for direction, found in record.rank_table.ranks.items():
            assert ranks[direction] == found["strict"].pessimistic.tolist()
        run = read_script(site / "data" / f"run-{run_id(record)}.js")
        assert run["record"]["model"]["config"] == dict(record.model.config)
        groups = record.breakdowns["half"].results["t2v"]
        value = groups["first"].metrics["R@1"].value
        assert run["breakdowns"]["half"]["results"]["t2v"]["first"]["metrics"]["R@1"]["value"] == (
            value
        )
        assert row["groups"]["half"][0][0] == round(value, 4)


def test_queries_hold_captions_lengths_sharing_and_the_first_clips(
    scored: Path, site: Path
) -> None:
    (path,) = (site / "data").glob("queries-*.js")
    queries = read_script(path)
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    assert queries["captions"] == list(split.captions)
    assert HOSTILE in queries["captions"]
    assert queries["words"] == [len(text.split()) for text in split.captions]
    again = split.captions.count("a drone looks down")
    assert [count for count in queries["sharing"] if count > 1] == [again] * again
    assert queries["own"] == split.caption_video_index.tolist()
    for record in dvtr.load_results(scored / "results"):
        top = read_script(site / "data" / f"top-{run_id(record)}.js")
        ranks = record.rank_table.ranks["t2v"]["strict"].pessimistic.tolist()
        assert {len(rows) for rows in top} == {5}
        for rows, rank, own in zip(top, ranks, queries["own"], strict=True):
            assert (rank <= 5) == (own in rows)
            assert rank > 5 or rows.index(own) == rank - 1


def test_frames_stand_in_the_site_where_the_licence_allows_it(site: Path) -> None:
    (path,) = (site / "data").glob("queries-*.js")
    folder = site / read_script(path)["frames"]
    names = {f"{row}{kind}.jpg" for row in range(CLIPS) for kind in ("", "-strip")}
    assert {file.name for file in folder.iterdir()} == names


def test_without_a_licence_there_are_ids_alone(tmp_path: Path) -> None:
    make_scored_site(tmp_path, licence=None)
    made = dvtr.make_leaderboard(tmp_path / "results")
    site = made.write_site(tmp_path / "site", root=tmp_path / "dvtr").parent
    (path,) = (site / "data").glob("queries-*.js")
    queries = read_script(path)
    assert queries["frames"] is None
    assert queries["videos"][0] == "clip_2"
    assert "no licence allows it" in queries["missing"][0]
    assert not list(site.rglob("*.jpg"))


def test_without_the_dataset_ids_come_from_the_top_lists(scored: Path, tmp_path: Path) -> None:
    made = dvtr.make_leaderboard(scored / "results")
    site = made.write_site(tmp_path / "site", root=tmp_path / "elsewhere").parent
    (path,) = (site / "data").glob("queries-*.js")
    queries = read_script(path)
    assert queries["captions"] is None
    assert queries["videos"][0] == "clip_2"
    assert len(queries["captionIds"]) == 2 * CLIPS
    assert "not this build of the dataset" in queries["missing"][0]
    assert str(tmp_path) not in path.read_text(encoding="ascii")


def test_without_the_dataset_kept_captions_and_pictures_are_shown(
    scored: Path, site: Path, tmp_path: Path
) -> None:
    results = shutil.copytree(scored / "results", tmp_path / "results")
    split = dvtr.open_dataset("toy", scored / "dvtr").split("test")
    wanted: set[int] = set()
    for path in sorted(results.glob("*.json")):
        file = read_result_file(path)
        clips = clips_to_keep(file.record, file.top_lists()["t2v"], split.video_ids, 1)
        wanted |= set(clips)
        write_kept(keep_split(split, clips), path)
    made = dvtr.make_leaderboard(results).write_site(tmp_path / "site", root=tmp_path).parent
    (path,) = (made / "data").glob("queries-*.js")
    (with_dataset,) = (site / "data").glob("queries-*.js")
    queries, expected = read_script(path), read_script(with_dataset)
    assert queries["pictured"] == sorted(wanted)
    assert len(wanted) < CLIPS
    assert expected["pictured"] is None
    for queries_of_site in (queries, expected):
        queries_of_site.pop("pictured")
    assert queries == expected
    files = {name for name in all_bytes(made) if name.startswith("frames/")}
    assert {int(Path(name).stem.split("-")[0]) for name in files} == wanted
    assert all(all_bytes(made)[name] == all_bytes(site)[name] for name in files)


def test_results_alone_make_a_site(tmp_path: Path) -> None:
    record = toy_record()
    site = site_of([record], tmp_path / "site")
    (path,) = (site / "data").glob("queries-*.js")
    queries = read_script(path)
    assert queries["videos"] == [None] * record.dataset.num_videos
    assert len(queries["missing"]) == 2


def test_the_first_page_of_fifty_rows_is_small(tmp_path: Path) -> None:
    records = [toy_record(f"model_{number}", rank_seed=number) for number in range(50)]
    site = site_of(records, tmp_path / "site")
    page = [path for path in site.iterdir() if path.is_file()]
    board = f"board-{board_id(make_boards(records)[0])}.js"
    loaded = [*page, site / "data" / "index.js", site / "data" / board]
    assert sum(path.stat().st_size for path in loaded) < FIRST_PAGE_BYTES


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds files that are no leaderboard site"):
        site_of([toy_record()], tmp_path / "site")
    assert (tmp_path / "site" / "thesis.tex").read_text() == "years of work"


def test_a_site_is_replaced_whole(tmp_path: Path) -> None:
    site_of([toy_record("a"), toy_record("b", config={"x": 1})], tmp_path / "site")
    first = set(all_bytes(tmp_path / "site"))
    site_of([toy_record("a")], tmp_path / "site")
    second = set(all_bytes(tmp_path / "site"))
    assert len([name for name in second if "/run-" in name]) == 1
    assert first - second
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_the_page_asks_nothing_of_others(site: Path) -> None:
    for path in site.iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace('"http://www.w3.org/2000/svg"', "")
            assert not re.search(r"https?:|//[a-z]+\.", text)


def test_csv_shows_formulas_and_never_computes_them() -> None:
    records = [toy_record("=cmd|' /C calc'!A0"), toy_record("+1", seeds=(1,)), toy_record("plain")]
    (board,) = make_boards(records)
    lines = list(csv.DictReader(io.StringIO(csv_text(board, board_data(board)))))
    assert {line["model"] for line in lines} == {"'=cmd|' /C calc'!A0", "'+1", "plain"}
    plain = next(
        line
        for line in lines
        if (line["model"], line["direction"], line["relevance"], line["metric"])
        == ("plain", "t2v", "strict", "R@1")
    )
    assert float(plain["value"]) == records[2].metrics["t2v"]["strict"]["R@1"].value
    assert plain["rank_first"] == "1"


def trained(record: RunRecord, dataset: str, fingerprint: str) -> RunRecord:
    training = replace(record.model.training, dataset=dataset, fingerprint=fingerprint)
    return replace(record, model=replace(record.model, training=training))


def test_models_that_may_have_seen_the_test_clips_carry_a_mark() -> None:
    record = toy_record(recipe={"epochs": 1})
    own = record.dataset.fingerprint
    assert contamination(toy_record()) == ""
    assert contamination(record) == ""
    assert "shares clips with usrd" in contamination(trained(record, "capera", "0" * 64))
    assert "another build of usrd" in contamination(trained(record, "usrd", "0" * 64))
    assert contamination(trained(record, "umcrd", own)) == ""


def test_the_commands_give_the_same_recipe_again() -> None:
    recipe = whole_recipe({"epochs": 2, "learning_rate": 1.23456789e-05, "patience": None})
    record = toy_record(
        "clip4clip_meanp", recipe=recipe, config={"backbone": "tiny", "max_frames": 6}
    )
    train, evaluate = map(shlex.split, repeat_commands(record))
    assert train[:5] == ["dvtr-bench", "train", "--model", "clip4clip_meanp", "--dataset"]
    given = [train[n + 1] for n, word in enumerate(train) if word == "--recipe"]
    made = make_recipe(
        "clip4clip_meanp",
        given,
        backbone=train[train.index("--backbone") + 1],
        settings=[train[n + 1] for n, word in enumerate(train) if word == "--set"],
        seed=int(train[train.index("--seed") + 1]),
    )
    assert {name: getattr(made, name) for name in recipe} == {**recipe, "seed": 42}
    assert evaluate[:4] == ["dvtr-bench", "evaluate", "--model", "clip4clip_meanp"]


def test_names_of_others_cannot_leave_their_place_in_a_command_or_an_entry() -> None:
    record = toy_record("m; rm -rf $HOME\n}", config={"x": "$(reboot)"})
    (line,) = repeat_commands(record)
    assert shlex.split(line)[3] == "m; rm -rf $HOME }"
    assert "\n" not in line
    entry = bibtex(record, "r")
    assert r"m; rm -rf \$HOME \}" in entry
    assert entry.count("\n}") == 1


def test_the_command_writes_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_result(toy_record(dataset="umcrd"), tmp_path / "results")
    ended = CliRunner().invoke(make_app(), ["leaderboard", "results", "--site", "out/site"])
    assert ended.exit_code == 0, ended.output
    assert "index.html" in ended.output
    (path,) = (tmp_path / "out" / "site" / "data").glob("board-*.js")
    board = read_script(path)
    assert board["published"] == [
        {
            "model": "MSAM",
            "about": None,
            "source": "arXiv 2510.15470",
            "figures": {"t2v/R@1": 49.5, "t2v/R@5": 84.0},
        }
    ]
    assert [row["model"] for row in board["rows"]] == ["msam"]


def test_the_site_says_who_ran_it_and_who_ran_it_again(tmp_path: Path) -> None:
    paths = [write_result(toy_record(name), tmp_path) for name in ("told", "untold")]
    entry_path(paths[0]).write_text(
        'ran_by = "<b>Jane"\nlink = "https://example.org/x"\n'
        '[rerun]\nby = "Max"\ndate = 2026-02-01\nt2v_r1 = 5.5\n'
    )
    files = [read_result_file(path) for path in paths]
    write_site(make_boards([file.record for file in files]), files, tmp_path / "site", tmp_path)
    (path,) = (tmp_path / "site" / "data").glob("board-*.js")
    rows = {row["model"]: row for row in read_script(path)["rows"]}
    assert rows["told"]["ranBy"] == [{"name": "<b>Jane", "link": "https://example.org/x"}]
    assert rows["told"]["reruns"] == [{"by": "Max", "date": "2026-02-01", "r1": 5.5, "note": None}]
    assert (rows["untold"]["ranBy"], rows["untold"]["reruns"]) == ([], [])
    run = read_script(tmp_path / "site" / "data" / f"run-{rows['told']['runs'][0]}.js")
    assert run["entry"]["rerun"]["by"] == "Max"
    entry_path(paths[1]).write_text("ran_by = 3")
    with pytest.raises(InputError, match="ran_by"):
        write_site(make_boards([files[1].record]), files[1:], tmp_path / "site", tmp_path)
