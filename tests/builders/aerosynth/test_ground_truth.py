import numpy as np
import pyarrow as pa
import pytest

from builders.aerosynth import (
    EXTRA_FIELDS,
    FPS,
    HEIGHT_PX,
    NUM_FRAMES,
    WIDTH_PX,
    ClipPlan,
    GroundTruth,
    ground_truth,
)
from dvtr_bench.errors import InputError

PTS = [0.125, 1.0, 2.5, 3.875]


def test_columns_are_those_that_are_declared(truths: list[GroundTruth]) -> None:
    schema = pa.schema(EXTRA_FIELDS)
    rows = [truth.at(PTS) for truth in truths[:40]]
    table = pa.Table.from_pylist(rows, schema=schema)
    for row, back in zip(rows, table.to_pylist(), strict=True):
        assert set(row) == set(schema.names)
        assert back["site"] == row["site"]
        assert back["caption_mentions"] == row["caption_mentions"]
        assert [one["kind"] for one in back["objects"]] == [one["kind"] for one in row["objects"]]


def test_boxes_are_fractions_at_the_stored_frames(truths: list[GroundTruth]) -> None:
    size = np.array([WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])
    for truth in truths[:40]:
        for one, row in zip(truth.objects, truth.at(PTS)["objects"], strict=True):
            boxes = np.array(row["boxes"])
            assert boxes.shape == (len(PTS), 4)
            assert (boxes >= 0).all()
            assert (boxes <= 1).all()
            frames = [round(pts * FPS) for pts in PTS]
            assert np.allclose(boxes * size, one.boxes[frames])
            assert row["visibility"] == one.visibility[frames].tolist()


def test_boxes_lie_in_the_frame_and_vanish_when_out_of_sight(truths: list[GroundTruth]) -> None:
    for truth in truths:
        for one in truth.objects:
            assert one.boxes.shape == (NUM_FRAMES, 4)
            assert (one.boxes >= 0).all()
            assert (one.boxes[:, [0, 2]] <= WIDTH_PX).all()
            assert (one.boxes[:, [1, 3]] <= HEIGHT_PX).all()
            assert ((one.visibility == 0) == (one.boxes == 0).all(axis=1)).all()
            assert (one.visibility <= 1 + 1e-9).all()


def test_mentions_point_at_objects_and_facts(truths: list[GroundTruth]) -> None:
    for truth in truths:
        known = {name for name, _ in truth.plan.facts} | {"order"}
        for mention in truth.mentions:
            assert all(0 <= index < len(truth.objects) for index in mention.objects)
            assert set(mention.attributes) <= known, mention


@pytest.mark.parametrize("pts", [-0.5, 4.0, 30.0])
def test_times_without_a_frame_are_refused(plans: list[ClipPlan], pts: float) -> None:
    with pytest.raises(InputError, match=plans[0].clip_id):
        ground_truth(plans[0]).at([pts])
