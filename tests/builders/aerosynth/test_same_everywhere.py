"""A clip's pixels and bytes depend on its plan alone: not on the CPU, PATH or other settings.

Whoever changes a picture on purpose raises RENDERER_VERSION and puts the digests that a failing
test prints in place of those here.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from builders.aerosynth import ClipPlan, plan_clips, render_clip, render_frames
from builders.aerosynth.scenes import ground_of
from dvtr_bench.video.mp4_writer import encoder_name

FRAMES = {
    "beach": "b73f5cd634b3aa4b",
    "boats": "2a18ce862ec5dc8d",
    "convoy": "118dd5a11da07452",
    "fire": "1977b8a278e5246e",
    "harvest": "c389ae94b2659dce",
    "junction": "cb7a767fcb12df44",
    "junction_order": "c792e096246bcf5c",
    "match": "b949ea05e02b5a61",
    "overtake": "b9feaf3883eb7d9f",
    "parking": "eef8e929ac56dbf3",
    "parking_order": "597fe11c0b7375a1",
    "street": "8b36fb4cb26617eb",
    "woods_track": "398874d8545e3dc7",
}
"""Digests of some frames of the first clip of each story, the same with OpenCV 4.10 and 5.0 and
with NumPy 2.0 and 2.4."""

MP4_ENCODER, MP4 = "x264 core 165, test clip 06ed778a97f2", "c96317ddbc4f65b2"
"""The encoder of PyAV 16.0 and 18.1, and the digest of the first clip as it writes it."""

SHOW_FRAMES = """
import json
from tests.builders.aerosynth.test_same_everywhere import first_of_each_story
print(json.dumps(first_of_each_story()))
"""

SHOW_CLIP = """
import sys
from tests.builders.aerosynth.test_same_everywhere import clip_digest
print(clip_digest(sys.argv[1]))
"""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def first_of_each_story() -> dict[str, str]:
    found: dict[str, str] = {}
    for plan in plan_clips("small"):
        if plan.category not in found:
            frames = render_frames(plan, numbers=(0, 12, 31))
            found[plan.category] = digest(b"".join(frame.tobytes() for frame in frames))
    return found


def clip_digest(path: str) -> str:
    render_clip(plan_clips("small")[0], Path(path))
    return digest(Path(path).read_bytes())


def in_another_process(code: str, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=Path(__file__).parents[3],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def a_lesser_cpu() -> dict[str, str]:
    """Variables that take from each library what this CPU has beyond the least it runs on."""
    numpy_has = np._core._multiarray_umath  # type: ignore[attr-defined]
    dispatched = [name for name in numpy_has.__cpu_dispatch__ if numpy_has.__cpu_features__[name]]
    return {
        "OPENCV_IPP": "disabled",
        "OPENCV_CPU_DISABLE": "SSSE3,SSE4.1,SSE4.2,POPCNT,AVX,FP16,AVX2,FMA3,AVX512-SKX",
        "NPY_DISABLE_CPU_FEATURES": " ".join(dispatched),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "Prescott",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4,-AVX512F",
    }


def test_frames_are_those_that_were_recorded() -> None:
    assert first_of_each_story() == FRAMES


@pytest.mark.slow
def test_frames_depend_on_no_instruction_of_the_cpu() -> None:
    """Numba compiles anew for the lesser CPU; two processes, each with other things left out."""
    assert json.loads(in_another_process(SHOW_FRAMES, OPENCV_IPP="disabled")) == FRAMES
    assert json.loads(in_another_process(SHOW_FRAMES, **a_lesser_cpu())) == FRAMES


def test_other_threads_change_no_frame(plans: list[ClipPlan]) -> None:
    before = cv2.getNumThreads()
    frames = []
    try:
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            ground_of.cache_clear()
            frames.append(np.stack(list(render_frames(plans[0], numbers=(5,)))))
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(*frames)


def test_the_ffmpeg_on_path_is_neither_needed_nor_called(tmp_path: Path) -> None:
    called = tmp_path / "called"
    for name in ("ffmpeg", "ffprobe", "x264"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} >> {called}\nexit 1\n")
        program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    other = in_another_process(SHOW_CLIP, str(tmp_path / "one.mp4"), PATH=path)
    assert other == clip_digest(str(tmp_path / "two.mp4"))
    assert not called.exists()


def test_the_clip_is_the_one_that_was_recorded(tmp_path: Path) -> None:
    if encoder_name() != MP4_ENCODER:
        pytest.skip(f"recorded with {MP4_ENCODER}, here is {encoder_name()}")
    assert clip_digest(str(tmp_path / "clip.mp4")) == MP4
