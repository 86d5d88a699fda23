"""Sheets of maps: heat where the map is, none where it is even; boxes and bars in their places."""

import numpy as np
from PIL import Image

from dvtr_bench.evaluation.pointing.sheet import (
    BAR,
    BOX,
    FRAME_PX,
    LABEL_WIDTH_PX,
    MapRow,
    Section,
    crop_seen,
    draw_map_sheet,
    save_map_sheet,
)

GREY = Image.new("RGB", (64, 64), (128, 128, 128))
TOP = 84 + FRAME_PX + 26 + 42
"""Where the first row of the first section starts."""


def draw(*rows, frames=2):
    return np.asarray(
        draw_map_sheet("clip", "note", [GREY] * frames, [0.5, 1.0], [Section("a caption", rows)])
    ).astype(int)


def cell(sheet, frame, row, column, cells=2):
    left, side = LABEL_WIDTH_PX + frame * (FRAME_PX + 4), FRAME_PX // cells
    y, x = TOP + row * side + side // 2, left + column * side + side // 2
    return sheet[y, x]


def test_heat_stands_where_the_map_is_and_nowhere_on_an_even_one() -> None:
    hot = np.zeros((2, 2, 2), dtype=np.float32)
    hot[1, 0, 1] = 1.0
    even = np.full((2, 2, 2), 1 / 8, dtype=np.float32)
    sheet = draw(MapRow("map", hot.sum(axis=(1, 2)), hot))
    red, _, blue = cell(sheet, 1, 0, 1)
    assert red > blue + 80
    others = [cell(sheet, *place) for place in ((0, 0, 1), (1, 1, 1), (1, 0, 0))]
    assert all(abs(red - blue) < 12 for red, _, blue in others)
    plain = draw(MapRow("map", even.sum(axis=(1, 2)), even))
    assert all(
        abs(plain[y, x, 0] - plain[y, x, 2]) < 12 for y, x in ((TOP + 9, 200), (TOP + 90, 330))
    )


def test_boxes_are_drawn_where_they_are_and_not_where_there_are_none() -> None:
    even = np.full((2, 2, 2), 1 / 8, dtype=np.float32)
    boxes = np.zeros((1, 2, 4))
    boxes[0, 0] = (0.25, 0.5, 0.75, 0.9)
    sheet = draw(MapRow("map", even.sum(axis=(1, 2)), even, boxes))
    ys, xs = np.nonzero((sheet == BOX).all(axis=-1))
    assert abs(xs.min() - (LABEL_WIDTH_PX + 0.25 * FRAME_PX)) <= 1
    assert abs(xs.max() - (LABEL_WIDTH_PX + 0.75 * FRAME_PX)) <= 1
    assert abs(ys.min() - (TOP + 0.5 * FRAME_PX)) <= 1
    assert abs(ys.max() - (TOP + 0.9 * FRAME_PX)) <= 1


def test_a_map_over_frames_alone_has_bars_by_share() -> None:
    sheet = draw(MapRow("map", np.array([0.75, 0.25], dtype=np.float32)))
    bars = (sheet == BAR).all(axis=-1)
    first, second = (
        bars[:, LABEL_WIDTH_PX + frame * (FRAME_PX + 4) + 5].sum() for frame in range(2)
    )
    assert first > 2 * second > 0


def test_a_long_caption_and_a_video_of_one_frame_still_make_a_sheet(tmp_path) -> None:
    row = MapRow("a label that goes on and on and on and on", np.array([1.0], dtype=np.float32))
    sheet = draw_map_sheet("clip", "note", [GREY], [0.0], [Section("word " * 200, [row])])
    path = save_map_sheet(sheet, tmp_path / "deep" / "sheet.png")
    with Image.open(path) as read:
        assert read.size == sheet.size
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]


def test_a_frame_is_cut_to_what_was_seen() -> None:
    frame = np.zeros((10, 20, 3), dtype=np.uint8)
    frame[:, 5:15] = 255
    seen = np.asarray(crop_seen(frame, (0.25, 0.0, 0.75, 1.0)))
    assert seen.shape == (10, 10, 3)
    assert seen.min() == 255


def test_a_frame_that_is_seen_whole_is_drawn_whole() -> None:
    frame = np.zeros((10, 20, 3), dtype=np.uint8)
    frame[:, 10:] = 255
    squashed = np.asarray(crop_seen(frame, (0.0, 0.0, 1.0, 1.0)))
    assert squashed.shape == (20, 20, 3)
    assert squashed[:, :8].max() == 0
    assert squashed[:, 12:].min() == 255
    boxed = np.asarray(crop_seen(frame + 1, (0.0, -0.5, 1.0, 1.5)))
    assert boxed.shape == (20, 20, 3)
    assert not boxed[:5].any()
    assert not boxed[15:].any()
    assert boxed[5:15, :10].min() == 1
