"""Boxes in the part of a frame that a model saw, on the cells of its maps: against pixels."""

from dataclasses import dataclass

import numpy as np
import pytest

from baselines.encoder.preprocessing import clip_pixels
from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.pointing.boxes import (
    View,
    covered_cells,
    covered_maps,
    named_boxes,
    seen_boxes,
)
from dvtr_bench.video.model_view import seen_part


def painted(boxes, rows, columns, side=840):
    """How much of each cell is inside, by painting the boxes."""
    canvas = np.zeros((side, side))
    for x0, y0, x1, y1 in np.round(np.asarray(boxes) * side).astype(int):
        canvas[y0:y1, x0:x1] = 1
    return canvas.reshape(rows, side // rows, columns, side // columns).mean(axis=(1, 3))


@pytest.mark.parametrize("grid", [(1, 1), (2, 2), (7, 7), (4, 6)])
@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_covered_cells_agree_with_painting(grid, count) -> None:
    generator = np.random.default_rng(count)
    corners = np.sort(generator.integers(0, 841, (count, 2, 2)) / 840, axis=1)
    boxes = corners.reshape(count, 4)
    np.testing.assert_allclose(covered_cells(boxes, *grid), painted(boxes, *grid), atol=1e-9)


def test_a_box_over_everything_covers_every_cell_wholly() -> None:
    cells = covered_cells(np.array([[0.0, 0.0, 1.0, 1.0]] * 2), 7, 7)
    np.testing.assert_allclose(cells, np.ones((7, 7)), atol=1e-12)
    assert cells.max() <= 1


@pytest.mark.parametrize("size", [(224, 288), (288, 224), (100, 100), (90, 311)])
def test_boxes_land_where_clips_preprocessing_puts_the_pixels(size) -> None:
    height, width = size
    box = np.array([0.30, 0.10, 0.85, 0.62])
    frame = np.zeros((*size, 3), dtype=np.uint8)
    x0, y0, x1, y1 = (box * [width, height, width, height]).round().astype(int)
    frame[y0:y1, x0:x1] = 255
    exact = np.array([x0 / width, y0 / height, x1 / width, y1 / height])
    lit = clip_pixels(frame, 112)[0] / 255
    seen = seen_boxes(exact[None, None], np.array([0]), seen_part(height, width, 112))
    cells = covered_cells(seen[:, 0], 8, 8)
    np.testing.assert_allclose(cells, lit.reshape(8, 14, 8, 14).mean(axis=(1, 3)), atol=0.06)
    assert abs(cells - painted(box[None], 8, 8)).max() > 0.2 or height == width, "the crop matters"


def test_what_is_outside_of_the_crop_or_the_frames_is_nowhere() -> None:
    boxes = np.array([[[0.0, 0.2, 0.1, 0.4], [0.4, 0.2, 0.6, 0.4], [0.0, 0.0, 0.0, 0.0]]])
    seen = seen_boxes(boxes, np.array([0, 1, 2, -1]), (0.25, 0.0, 0.75, 1.0))
    assert seen.shape == (1, 4, 4)
    np.testing.assert_allclose(seen[0, 1], [0.3, 0.2, 0.7, 0.4])
    assert not seen[0, [0, 2, 3]].any()


@dataclass
class Annotated:
    """Two videos with objects; the second has other captions."""

    mentions: tuple = (((0,), (0, 1)), ((), (1,)))
    dataset_name, name = "toy", "test"
    video_ids = ("one", "two")
    caption_video_index = np.array([0, 0, 1, 1])

    def row(self, index):
        boxes = [[[0.0, 0.0, 0.5, 0.5]] * 2, [[0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]]
        return {
            "frame_pts_seconds": [0.0, 0.5],
            "objects": [{"boxes": one} for one in boxes],
            "caption_mentions": [{"objects": list(objects)} for objects in self.mentions[index]],
        }


def test_each_caption_has_the_boxes_of_what_it_names() -> None:
    named = named_boxes(Annotated())
    assert [len(boxes) for boxes in named] == [1, 2, 0, 1]
    view = View(np.array([[0, 1], [1, -1]]), np.array([[0.0, 0.0, 1.0, 1.0]] * 2))
    covered = covered_maps(named, Annotated.caption_video_index, view, (2, 2))
    assert covered[0].tolist() == [[[1, 0], [0, 0]]] * 2
    assert covered[1].tolist() == [[[1, 0], [0, 1]], [[1, 0], [0, 0]]]
    assert not covered[2].any()
    assert not covered[3].any(), "out of sight in the second frame, the only one looked at"


def test_a_dataset_without_boxes_has_none() -> None:
    bare = Annotated()
    bare.row = lambda index: {"category": None}
    assert named_boxes(bare) is None


def test_more_captions_than_mentions_are_refused() -> None:
    with pytest.raises(InputError, match="'two' has more captions than the 1"):
        named_boxes(Annotated(mentions=(((0,), (0,)), ((1,),))))
