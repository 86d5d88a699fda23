"""The list of known datasets: of one mind with what this program renders and builds."""

from pathlib import Path

import numpy as np
import pytest

from builders.aerosynth import SIZES
from builders.aerosynth.plan import each_plan
from builders.build import build
from builders.datasets.aerosynth import RENDERER_VERSION
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.errors import InputError
from dvtr_bench.ranking.ceilings import shared_text
from leaderboard.submissions.known_datasets import (
    caption_videos_sha256,
    describe_dataset,
    read_known,
    to_toml,
)

ANNOTATIONS = Path(__file__).parents[4] / "shared" / "annotations"
BY_NAME = {one.name: one for one in read_known().values()}


@pytest.mark.parametrize("size", ["tiny", "small", "full"])
def test_aerosynth_is_known_as_it_is_planned(size: str) -> None:
    assert size in SIZES
    known = BY_NAME[f"aerosynth-{size}"]
    assert known.version == f"{RENDERER_VERSION}+{size}"
    plans = [plan for plan in each_plan(size, 0) if plan.split == "test"]
    captions = [caption for plan in plans for caption in plan.captions]
    own = np.repeat(np.arange(len(plans)), [len(plan.captions) for plan in plans])
    shared = shared_text(captions, own)
    assert (known.test.num_videos, known.test.num_captions) == (len(plans), len(captions))
    assert known.test.video_ids_sha256 == ids_sha256(plan.clip_id for plan in plans)
    assert known.test.caption_videos_sha256 == caption_videos_sha256(own)
    assert known.test.shared_captions == shared.shared_captions
    assert known.test.ceiling == pytest.approx(shared.ceiling, rel=1e-12)


@pytest.mark.parametrize("name", ["usrd", "umcrd", "capera"])
def test_published_annotations_build_what_is_known(name: str, tmp_path: Path) -> None:
    folder = ANNOTATIONS / name
    if not folder.is_dir():
        pytest.skip(f"the published annotations are not at {folder}")
    settings = BuildSettings(root=tmp_path, frames=None, workers=0, progress=False)
    built = build(name, {"annotations": str(folder)}, settings).dataset
    assert describe_dataset(built) == BY_NAME[name]


def test_a_part_of_the_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text("\n".join(map(to_toml, BY_NAME.values())))
    assert read_known(path) == read_known()


def test_a_fingerprint_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(to_toml(BY_NAME["usrd"]) * 2)
    with pytest.raises(InputError, match=r"dataset\[1\] \(usrd\).* stands there twice"):
        read_known(path)
