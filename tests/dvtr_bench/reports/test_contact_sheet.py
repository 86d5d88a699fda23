"""Contact sheets: every clip is drawn, relevance is seen, nothing half-written stays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvtr_bench.reports.contact_sheet import (
    BORDER_PX,
    RELEVANT,
    Row,
    Tile,
    draw_contact_sheet,
    save_contact_sheet,
)

RED, BLUE = (200, 10, 10), (10, 10, 200)


def clip(colour: tuple[int, int, int], frames: int = 12) -> list[np.ndarray]:
    return [np.full((90, 120, 3), colour, np.uint8) for _ in range(frames)]


def count(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(image) == colour).all(axis=2).sum())


def test_every_tile_is_drawn_and_only_the_relevant_one_is_framed() -> None:
    tiles = [Tile(clip(RED), "1 a"), Tile(clip(BLUE), "2 b", relevant=True)]
    sheet = draw_contact_sheet("title", [Row("a red field", "rank 2", tiles)])
    assert count(sheet, RED) == count(sheet, BLUE) > 10_000
    without = draw_contact_sheet("title", [Row("a red field", "rank 2", [tiles[0], tiles[0]])])
    assert count(without, RELEVANT) == 0
    assert count(sheet, RELEVANT) > 4 * BORDER_PX * 100


@pytest.mark.parametrize("frames", [0, 1, 2, 12])
def test_any_number_of_frames(frames: int) -> None:
    sheet = draw_contact_sheet("t", [Row("q", "", [Tile(clip(RED, frames), "x")])])
    assert (count(sheet, RED) > 0) == (frames > 0)


def test_long_texts_do_not_widen_the_sheet() -> None:
    short = draw_contact_sheet("t", [Row("q", "n", [Tile(clip(RED), "x")])])
    long = draw_contact_sheet("t", [Row("word " * 200, "n " * 200, [Tile(clip(RED), "x" * 200)])])
    assert long.size == short.size


@pytest.mark.parametrize("rows", [[], [Row("q", "", [])]])
def test_nothing_to_draw_is_an_error(rows: list[Row]) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        draw_contact_sheet("t", rows)


def test_saved_beside_then_renamed(tmp_path: Path) -> None:
    path = save_contact_sheet("t", [Row("q", "", [Tile(clip(RED), "x")])], tmp_path / "a" / "s.png")
    assert [entry.name for entry in path.parent.iterdir()] == ["s.png"]
    with Image.open(path) as image:
        assert image.format == "PNG"
