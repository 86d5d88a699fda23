"""What memory a build needs, for more and more clips: it must stay flat.

    python tests/benchmarks/build_memory.py                    # 1,000 and 10,000 clips
    python tests/benchmarks/build_memory.py --clips 500 2000 --workers 1

The clips are tiny (64 x 64 pixels, 2 frames) and made here: a hundred encodings, each file with a
number of its own in a trailing box that players skip, so that no two files have the same bytes.
`dvtr-bench build folder` builds them as a user would, in processes of its own; meanwhile the memory
of all of them is read from Linux ten times a second. Told are the peaks, the ratio of the largest
run to the smallest, bytes a clip between the two, and what that comes to at 100,000 clips.

PSS counts a page that processes share in part for each; anonymous memory leaves out pages of files,
which the system takes back when it needs them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.oracles.ffmpeg_binary import ffmpeg_binary

ENCODINGS = 100
EXTRAPOLATED_CLIPS = 100_000


class Peak(NamedTuple):
    """The most memory at any moment, bytes: of the process that leads, and of all together."""

    driver: int
    driver_anonymous: int
    together: int


def make_encodings(folder: Path) -> list[bytes]:
    """Return the bytes of a hundred clips, each of two frames."""
    source = f"gradients=size=64x64:rate=2:duration={ENCODINGS}:seed=1:speed=0.1"
    command = [ffmpeg_binary(), "-loglevel", "error", "-f", "lavfi", "-i", source]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "2"]
    command += ["-f", "segment", "-segment_time", "1", "-reset_timestamps", "1"]
    subprocess.run([*command, str(folder / "%03d.mp4")], check=True)
    return [path.read_bytes() for path in sorted(folder.glob("*.mp4"))][:ENCODINGS]


def write_clips(folder: Path, count: int, encodings: list[bytes]) -> Path:
    """Write clips of which no two are the same file, and their table of captions."""
    (folder / "clips").mkdir(parents=True)
    lines = ["file_name,caption,split"]
    for number in range(count):
        box = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
        name = f"clip_{number:06d}.mp4"
        (folder / "clips" / name).write_bytes(encodings[number % len(encodings)] + box)
        split = "test" if number % 10 == 0 else "train"
        lines += [f"{name},a drone films scene {number} from side {side},{split}" for side in "ab"]
    table = folder / "captions.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def measure_build(folder: Path, table: Path, workers: int) -> Peak:
    """Build in processes of its own and return the peaks."""
    command = [sys.executable, "-m", "dvtr_bench", "build", "folder", "--sampling", "2"]
    command += ["--clips", str(folder / "clips"), "--captions", str(table), "--name", "tiny"]
    command += ["--root", str(folder / "dvtr"), "--workers", str(workers)]
    peak = Peak(0, 0, 0)
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        while running.poll() is None:
            sizes = {pid: _memory(pid) for pid in _family(running.pid)}
            driver, anonymous = sizes.get(running.pid, (0, 0))
            now = Peak(driver, anonymous, sum(size for size, _ in sizes.values()))
            peak = Peak(*map(max, peak, now))
            time.sleep(0.1)
    if running.returncode != 0:
        raise SystemExit((folder / "log").read_text())
    return peak


def _family(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(one) for path in threads for one in (path / "children").read_text().split()]
    except FileNotFoundError:
        return []
    return [pid, *(member for child in children for member in _family(child))]


def _memory(pid: int) -> tuple[int, int]:
    """PSS and the anonymous part of it, bytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(sizes.get("Pss", 0)) * 1024, int(sizes.get("Pss_Anon", 0)) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--scratch", type=Path, help="folder for the clips, removed afterwards")
    asked = parser.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        made = Path(scratch, "encodings")
        made.mkdir()
        encodings = make_encodings(made)
        for count in asked.clips:
            folder = Path(scratch, str(count))
            table = write_clips(folder, count, encodings)
            start = time.perf_counter()
            peaks.append(measure_build(folder, table, asked.workers))
            told = ", ".join(
                f"{what.replace('_', ' ')} {size / 2**20:.1f} MiB"
                for what, size in peaks[-1]._asdict().items()
            )
            print(f"{count:,} clips: {told}; {time.perf_counter() - start:.0f} s", flush=True)
    if len(peaks) > 1:
        more = asked.clips[-1] - asked.clips[0]
        for what in Peak._fields:
            first, last = getattr(peaks[0], what), getattr(peaks[-1], what)
            slope = (last - first) / more
            foretold = last + slope * (EXTRAPOLATED_CLIPS - asked.clips[-1])
            print(
                f"{what.replace('_', ' ')}: ratio {last / first:.2f}, {slope:,.0f} bytes a clip, "
                f"{foretold / 2**20:.0f} MiB at {EXTRAPOLATED_CLIPS:,} clips"
            )


if __name__ == "__main__":
    main()
