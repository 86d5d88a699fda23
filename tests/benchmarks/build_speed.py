"""How fast clips are decoded and stored, beside ffmpeg, beside seeking with OpenCV, and by core.

    python tests/benchmarks/build_speed.py                      # makes its clips, some minutes
    python tests/benchmarks/build_speed.py --clips FOLDER       # of real footage instead

The clips are as ERA's: 5 s of 640 x 640 pixels at 24 frames a second, H.264, about 3.5 Mbit/s. All
ways take turns, round by round, so that whatever else the machine does slows all of them; told are
medians over the rounds, as ratios of clips a second. Where the machine is busy with other things,
CPU time says more than the clock of what one thread needs.

    ours      what a worker does with a clip: hash, decode every frame, sample 12, resize, encode
              and keep them; on one core.
    ffmpeg    ``ffmpeg -f null`` decodes the same files and throws every frame away; one process for
              all of them, so that its start counts once, as ours does. On one core too: with one
              thread to decode it still reads and writes in others.
    seeking   12 frames a clip by ``VideoCapture.set(CAP_PROP_POS_FRAMES)`` and ``read``, as the
              loaders of CLIP4Clip and its descendants do, resized and encoded by OpenCV; on one
              core.
    1 worker, N workers
              the pool of worker processes from its start to its end; the process that they are
              forked from is there before, as it takes its 2 s once a build. By the clock alone.
              Beside the latter, ffmpeg with N threads, and N ffmpegs of one thread at once: what
              cores that share a cache and a clock can do together at all.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2

from builders.engine.clip_work import ClipTask, StagedClip, stage_clip
from builders.engine.pool import run_tasks
from builders.engine.settings import FrameSettings, usable_cores
from builders.sources.source import ClipFile
from tests.oracles.ffmpeg_binary import ffmpeg_binary

ENCODINGS = 4
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 94]


class Spent(NamedTuple):
    """Seconds a clip: by the clock, and of all cores together."""

    wall: float
    cpu: float


def make_clips(folder: Path) -> list[Path]:
    """Make clips that are hard to decode: movement and grain."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"clip{number}.mp4" for number in range(ENCODINGS)]
    for number, path in enumerate(paths):
        source = "testsrc2=size=640x640:rate=24:duration=5"
        source += f",hue=h={90 * number},noise=alls=8:allf=t:all_seed={number}"
        command = [ffmpeg_binary(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", source]
        command += [
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "23",
            "-pix_fmt",
            "yuv420p",
            str(path),
        ]
        subprocess.run(command, check=True)
    return paths


def stage(clips: list[Path], workers: int, copies: int = 1) -> int:
    """Decode and keep clips in a folder of its own; return the frames decoded."""
    with tempfile.TemporaryDirectory() as scratch:
        # Other settings make other clips of the same file: kept ones would not be decoded again.
        tasks = [
            ClipTask(ClipFile(clip), FrameSettings(short_side_px=224 + copy), Path(scratch), ())
            for copy in range(copies)
            for clip in clips
        ]
        staged = [outcome for _, outcome in run_tasks(stage_clip, tasks, workers)]
    broken = [outcome for outcome in staged if not isinstance(outcome, StagedClip)]
    if broken:
        raise SystemExit(f"clips that cannot be decoded: {broken[:3]}")
    return len(staged)


def decode_with_ffmpeg(clips: list[Path], threads: int, processes: int = 1) -> int:
    """Decode clips with ffmpeg processes that run at once and share them."""
    share = clips[: -(-len(clips) // processes)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write("".join(f"file '{clip.resolve()}'\n" for clip in share))
        listing.flush()
        command = [ffmpeg_binary(), "-loglevel", "error", "-threads", str(threads), "-f", "concat"]
        command += ["-safe", "0", "-i", listing.name, "-map", "0:v:0", "-fps_mode", "passthrough"]
        running = [subprocess.Popen([*command, "-f", "null", "-"]) for _ in range(processes)]
        if any([process.wait() for process in running]):
            raise SystemExit("ffmpeg cannot decode the clips")
    return processes * len(share)


def seek_with_opencv(clips: list[Path]) -> int:
    """Take 12 frames of each clip by seeking to each."""
    for clip in clips:
        capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        for place in range(12):
            capture.set(cv2.CAP_PROP_POS_FRAMES, (2 * place + 1) * count // 24)
            found, picture = capture.read()
            if found:
                scale = 224 / min(picture.shape[:2])
                small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
                cv2.imencode(".jpg", small, JPEG)
        capture.release()
    return len(clips)


def spend(run: Callable[[], int], cores: set[int]) -> Spent:
    """Run one way on some cores and return what it took a clip."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    before, start = _cpu_seconds(), time.perf_counter()
    decoded = run()
    wall = time.perf_counter() - start
    return Spent(wall / decoded, (_cpu_seconds() - before) / decoded)


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=Path, help="folder of clips; made here when left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=25, help="how often the pools take each clip")
    parser.add_argument("--part", choices=["threads", "pools", "both"], default="both")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    cores = usable_cores()
    pool, threads, many = f"{cores} workers", f"ffmpeg, {cores} threads", f"{cores} ffmpegs"
    spent: dict[str, list[Spent]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        clips = sorted(asked.clips.iterdir()) if asked.clips else make_clips(Path(scratch))
        ways: dict[str, Callable[[], int]] = {"ffmpeg": lambda: decode_with_ffmpeg(clips, 1)}
        if asked.part != "pools":
            ways["ours"] = lambda: stage(clips, 0)
            ways["seeking"] = lambda: seek_with_opencv(clips[: max(1, len(clips) // 2)])
        if asked.part != "threads":
            ways["1 worker"] = lambda: stage(clips, 1, asked.copies)
            ways[pool] = lambda: stage(clips, cores, asked.copies)
            ways[threads] = lambda: decode_with_ffmpeg(clips * asked.copies, cores)
            ways[many] = lambda: decode_with_ffmpeg(clips * asked.copies, 1, cores)
        stage(clips[:1], 0)  # imports and compiled code of this process
        stage(clips[:1], 1)  # and of the one that workers are forked from
        here = set(range(cores))
        if hasattr(os, "sched_getaffinity"):
            here = os.sched_getaffinity(0)
        for _ in range(asked.rounds):
            for name, run in ways.items():
                on_one = name in {"ours", "ffmpeg", "seeking"}
                spent.setdefault(name, []).append(spend(run, {min(here)} if on_one else here))
    wall, cpu = (
        {name: statistics.median(one[index] for one in all_) for name, all_ in spent.items()}
        for index in (0, 1)
    )
    ratios = [("ffmpeg", "ours"), ("seeking", "ours"), ("1 worker", pool), ("ffmpeg", many)]
    ratios += [(threads, pool), (many, pool)]
    for slow, fast in ratios:
        if slow in ways and fast in ways:
            of_cpu = f", by CPU time {cpu[slow] / cpu[fast]:.2f}" if fast == "ours" else ""
            print(f"{fast}, clips a second over {slow}'s: {wall[slow] / wall[fast]:.2f}{of_cpu}")
    for name, all_ in spent.items():
        told = "; ".join(
            f"{one.wall:.3f} s" + (f", CPU {one.cpu:.3f} s" if "worker" not in name else "")
            for one in all_
        )
        print(f"  {name}, a clip, every round: {told}")


if __name__ == "__main__":
    main()
