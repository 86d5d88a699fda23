"""How often an evaluation decodes the frames that it is given."""

from pathlib import Path

import numpy as np
import pytest

from dvtr_bench.dataset.measures import FrameMeasures
from dvtr_bench.evaluation.breakdowns import frame_change
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.evaluation_result import draw_top_videos
from dvtr_bench.evaluation.honesty import SampleConfig
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.runtime.processes import Processes
from tests.fixtures.grouped_split import GroupedSplit
from tests.fixtures.memory_split import HonestModel

QUICK = EvaluationConfig(bootstrap=BootstrapConfig(100), sample=SampleConfig(encoded_videos=3))
AGAIN = 3
"""Videos that the check of the model's claims decodes and encodes once more, on purpose."""


@pytest.fixture
def split(tmp_path: Path) -> GroupedSplit:
    folder = tmp_path / "dvtr" / "toy"
    folder.mkdir(parents=True)
    texts = [[f"a boat {number}", f"a lake {number}"] for number in range(12)]
    levels = [[20 * number, 5 * number] for number in range(12)]
    return GroupedSplit(texts, levels=levels, folder=folder)


def test_a_first_evaluation_decodes_each_video_once(split: GroupedSplit) -> None:
    first = evaluate(HonestModel(), split, config=QUICK, show_progress=False)
    assert split.decoded[:12] == list(range(12))
    assert len(split.decoded) == 12 + AGAIN
    again = evaluate(HonestModel(), split, config=QUICK, show_progress=False)
    assert len(split.decoded) == 2 * (12 + AGAIN)
    # Measured by itself, from frames that are decoded for it.
    split.folder = None
    alone = frame_change.groups(split, show_progress=False)
    assert alone is not None
    for evaluation in (first, again):
        found = evaluation.records[0].breakdowns["frame_change"]
        assert np.array_equal(found.codes, alone.codes)


def test_a_contact_sheet_decodes_a_clip_once_however_often_it_is_found(
    split: GroupedSplit, tmp_path: Path
) -> None:
    evaluation = evaluate(HonestModel(), split, config=QUICK, show_progress=False)
    split.decoded.clear()
    draw_top_videos(evaluation, split, tmp_path / "sheet.png", queries="spread:12")
    assert sorted(split.decoded) == sorted(set(split.decoded))


def test_processes_that_share_the_videos_put_their_numbers_together(split: GroupedSplit) -> None:
    def half(rows: range) -> FrameMeasures:
        measures = FrameMeasures(split, frame_change.FRAME_MEASURES)
        for row in rows:
            measures.look(row, split.frames(row))
        return measures

    first, second = half(range(5)), half(range(5, 12))

    class Two(Processes):
        def gathered(self, value: object) -> list[object]:
            return [value, second._numbers]

    first.keep(Two(0, 2))
    split.decoded.clear()
    frame_change.groups(split, show_progress=False)
    assert split.decoded == []


def test_half_of_the_numbers_is_not_kept(split: GroupedSplit) -> None:
    measures = FrameMeasures(split, frame_change.FRAME_MEASURES)
    measures.look(3, split.frames(3))
    measures.keep(Processes())
    split.decoded.clear()
    frame_change.groups(split, show_progress=False)
    assert split.decoded == list(range(12))
