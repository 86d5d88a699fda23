from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling
from tests.benchmarks.frame_fidelity import fresh_and_stored, measure
from tests.oracles.image_similarity import psnr_db, ssim

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)


def test_ssim_and_psnr_have_their_known_properties() -> None:
    picture = RNG.random((64, 64, 3))
    noise = RNG.normal(0, 0.1, picture.shape)
    assert ssim(picture, picture) == pytest.approx(1)
    assert psnr_db(picture, picture) == float("inf")
    assert psnr_db(picture, picture + 0.1) == pytest.approx(20)
    assert ssim(picture, picture + noise) == pytest.approx(ssim(picture + noise, picture))
    assert 1 > ssim(picture, picture + noise) > ssim(picture, picture + 3 * noise)
    # Flat pictures leave the luminance term alone, which has a closed form.
    dark, light = np.full((32, 32, 3), 0.2), np.full((32, 32, 3), 0.4)
    expected = (2 * 0.2 * 0.4 + 1e-4) / (0.2**2 + 0.4**2 + 1e-4)
    assert ssim(dark, light) == pytest.approx(expected)


def test_stored_frames_of_real_clips_stay_close(real_clips: Path) -> None:
    pairs = [
        pair
        for path in sorted(real_clips.iterdir())[::12]
        for pair in fresh_and_stored(path, Sampling(3))
    ]
    stored = measure(pairs, FrameFormat())
    assert stored.psnr_db >= 40
    assert stored.ssim >= 0.98
    exact = measure(pairs[:3], FrameFormat("png"))
    assert exact.psnr_db == float("inf")


def test_the_benchmark_prints_its_table(
    clip_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.benchmarks import frame_fidelity

    (tmp_path / "clip.mp4").write_bytes((clip_folder / "cfr.mp4").read_bytes())
    options = ["--clips", str(tmp_path), "--sampling", "2", "--qualities", "90"]
    monkeypatch.setattr(sys, "argv", ["frame_fidelity.py", *options])
    frame_fidelity.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 clips, 2 frames"
    assert [line.split(" |")[0] for line in lines[2:]] == [
        "jpeg 90 4:2:0",
        "jpeg 90 4:2:2",
        "jpeg 90 4:4:4",
        "png",
    ]
