"""One JSON form: the documented keys are the written ones, everywhere the same."""

import json
import re
from pathlib import Path
from typing import Any

import dvtr_bench as dvtr
from leaderboard.board import make_boards
from leaderboard.json_form import boards_as_json, comparison_as_json
from leaderboard.row_json import places_of
from leaderboard.site.build import json_download
from leaderboard.site.rows import board_data
from tests.fixtures.judged_world import make_world, save_answers
from tests.fixtures.records import toy_record

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text("utf-8")
RECORDS = [
    toy_record("alpha", best_rank=4, recipe={"epochs": 3, "freeze": "frames"}),
    *(toy_record("beta", rank_seed=seed, seeds=(seed,)) for seed in range(2)),
]


def documented(heading: str) -> list[str]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    keys = re.findall(r"^\| (`.*?`) \|", section, flags=re.MULTILINE)
    return [key for cell in keys for key in re.findall(r"`(\w+)`", cell)]


def told(heading: str, key: str) -> list[str]:
    """Return the names in the description of a key."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    (line,) = [line for line in section.splitlines() if line.startswith(f"| `{key}` ")]
    return re.findall(r"`(\w+)`", line.split("|")[2])


def board() -> dict[str, Any]:
    (found,) = boards_as_json(make_boards(RECORDS), breakdowns=True)
    return found


def test_a_board_and_its_rows_have_the_documented_keys() -> None:
    found = board()
    assert sorted(found) == sorted(documented("A board"))
    for row in found["rows"]:
        assert sorted(row) == sorted(documented("A row"))
        figure = row["figures"]["t2v"]["strict"]["R@1"]
        assert sorted(figure) == sorted(told("A row", "figures"))
        place = row["places"]["t2v"]["R@1"]
        assert list(place) == told("A row", "places")
        assert list(row["breakdowns"][0]) == told("A row", "breakdowns")
        assert sorted(row["seconds"]) == sorted(told("A row", "seconds"))
        assert row["training"] is None or list(row["training"]) == told("A row", "training")


def test_judged_boards_have_the_documented_keys(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    pool = world.pool(depth=2)
    judgements = dvtr.collect_judgements(pool, save_answers(pool, tmp_path, "a", lambda _: "no"))
    (judged,) = dvtr.make_leaderboard([file.path for file in world.files], judged=judgements).judged
    found = json.loads(json.dumps(judged.to_json()))
    assert sorted(found) == sorted(documented("Judged relevance"))
    for row in found["rows"]:
        assert sorted([*row]) == ["figures", "id", "name"]
        cell = row["figures"]["t2v"]["R@1 judged"]
        assert sorted(["id", "name", "figures", *cell]) == sorted(told("Judged relevance", "rows"))


def test_the_download_of_the_site_is_the_same_board() -> None:
    (made,) = make_boards(RECORDS)
    text = json_download(made, places_of(made))
    assert json.loads(text) == json.loads(json.dumps(board()))


def test_the_page_of_the_site_says_the_same_of_a_row() -> None:
    (made,) = make_boards(RECORDS)
    for row, shown in zip(board()["rows"], board_data(made)["rows"], strict=True):
        assert shown["parameters"] == row["num_parameters"]
        assert shown["training"] == row["training"]
        assert shown["date"] == row["date_utc"]
        assert shown["values"]["t2v/strict/R@1"][0] == round(
            row["figures"]["t2v"]["strict"]["R@1"]["value"], 4
        )
        place = row["places"]["t2v"]["R@1"]
        assert shown["ranks"]["t2v/R@1"][:2] == [place["first"], place["last"]]


def test_a_compared_run_is_a_row_with_its_file() -> None:
    found = comparison_as_json(dvtr.compare(*RECORDS[:2]))
    without = {"breakdowns"}
    for run in found["runs"].values():
        assert sorted(run) == sorted({*documented("A row"), "file"} - without)
    assert list(found["figures"]["t2v"]["R@1"]) == told("A comparison", "figures")
    (group, *_) = next(iter(found["groups"].values()))
    assert list(group) == told("A comparison", "groups")[:4] + ["resamples", "p_corrected"]
