"""What scoring by each head costs beside its authors' loop, and a training step of MSAM.

    python tests/benchmarks/head_speed.py                     # everything, one table
    python tests/benchmarks/head_speed.py --heads drl_wti xclip --no-step
    python tests/benchmarks/head_speed.py --heads --clips 8   # the training step alone

Sizes: USRD's test split (1,480 captions, 296 videos) and MSR-VTT 1k-A's (1,000 and 1,000), 12
frames, width 512. Features are random. Captions are as long as USRD's (12.6 words with start and
end, from 5 to 27 of 32) and begin alike as often: 42 in 100 of their words have the same embedding
as in an earlier caption, for CLIP reads from left to right. In rows of "all words differ" none has.

Columns. "released": from what the release keeps of its towers to all scores; theirs is what its
loop does for each pair of batches of 32 texts and 32 videos (`tests/oracles/authors_loops.py`;
X-Pool's release pools all at once, which is cut into such batches here), ours all that `dvtr-bench
evaluate` does behind the towers. "direct": scoring alone, features being ready, beside the direct
form of tests/oracles in the same small batches. MiB: what each of these two adds while it scores.

The forms run in processes of their own, taking turns; ours has memory as `dvtr-bench` has it
(`reuse_freed_memory`), theirs as torch comes. The loops of small batches run over one pair in 16,
spread over all, and their time is multiplied. Times are those of the CPU, which a neighbour on the
machine disturbs less; ratios are medians over the rounds.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from dvtr_bench.runtime.allocation import reuse_freed_memory
from tests.benchmarks.speed_subjects import HEADS, TrainingStep, bare_product_seconds

SIZES = {"USRD": (1480, 296), "MSR-VTT 1k-A": (1000, 1000)}
EVERY = 16
"""One pair of batches in so many is scored by the loops of small blocks."""

STEP = "step"

FORMS = ("ours", "ours_alone", "released", "direct")


class Memory:
    """What this process takes at most while something runs."""

    def __init__(self) -> None:
        """Give back what is free, and begin to watch."""
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._read("VmRSS")

    def added_mib(self) -> float:
        """Return what came on top since."""
        return (self._read("VmHWM") - self._before) / 1024

    @staticmethod
    def _read(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(name)))


def work(subject: str, size: str, form: str) -> None:
    """Do at each line that comes in what is measured, and answer what it took."""
    if form.startswith("ours"):
        reuse_freed_memory()
    torch.manual_seed(0)
    scale = 1.0
    if subject == STEP:
        step = TrainingStep(int(size))
        do = step.ours if form == "ours" else step.released
    else:
        torch.set_grad_enabled(False)
        head = HEADS[subject](*SIZES[size])
        do = {
            "ours": head.from_towers,
            "ours_alone": head.scores,
            "released": partial(head.released, EVERY),
            "direct": partial(head.direct, EVERY),
        }[form]
        if not form.startswith("ours"):
            scale = head.pairs / len(head.sample(EVERY))
        head.warm_up()
    for _ in sys.stdin:
        memory = Memory()
        began = time.process_time()
        do()
        seconds = time.process_time() - began
        print(json.dumps({"cpu": seconds * scale, "added": memory.added_mib()}), flush=True)


def start_worker(arguments: argparse.Namespace, subject: str, size: str, form: str):
    """Start a process that scores when it is asked to."""
    command = [sys.executable, __file__, "--threads", str(arguments.threads)]
    # Torch reads how to have memory when it is loaded.
    large_pages = {"THP_MEM_ALLOC_ENABLE": str(int(form.startswith("ours")))}
    return subprocess.Popen(
        [*command, "--worker", subject, size, form],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **large_pages},
    )


def ask(worker) -> dict[str, float]:
    """Let a worker score once."""
    worker.stdin.write("\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def measure_head(arguments: argparse.Namespace, head: str, size: str) -> None:
    """Measure one head at one size and print its row."""
    workers = {form: start_worker(arguments, head, size, form) for form in FORMS}
    rounds = [
        {form: ask(worker) for form, worker in workers.items()} for _ in range(arguments.rounds)
    ]
    for worker in workers.values():
        worker.communicate()

    def of(form: str, kind: str) -> float:
        return median(costs[form][kind] for costs in rounds)

    def ratio(theirs: str, ours: str) -> float:
        return median(costs[theirs]["cpu"] / costs[ours]["cpu"] for costs in rounds)

    print(
        f"{head:26} {size:13} {of('ours', 'cpu'):6.2f} {ratio('released', 'ours'):8.1f} x"
        f" {of('ours_alone', 'cpu'):8.2f} {ratio('direct', 'ours_alone'):8.1f} x"
        f" {of('ours_alone', 'added'):9.0f} {of('direct', 'added'):7.0f}",
        flush=True,
    )


def measure_step(arguments: argparse.Namespace) -> None:
    """Measure a training step beside the authors' and print the ratio."""
    clips = str(arguments.clips)
    workers = {form: start_worker(arguments, STEP, clips, form) for form in ("ours", "released")}
    for worker in workers.values():
        ask(worker)  # the first step makes what the optimiser keeps
    rounds = [
        {form: ask(worker)["cpu"] for form, worker in workers.items()}
        for _ in range(arguments.rounds)
    ]
    for worker in workers.values():
        worker.communicate()
    ours, theirs = (median(costs[form] for costs in rounds) for form in workers)
    ratio = median(costs["released"] / costs["ours"] for costs in rounds)
    print(
        f"a training step of MSAM, ViT-B/32, {clips} clips of 12 frames: "
        f"{ours:.1f} s, as released {theirs:.1f} s: {ratio:.2f} x"
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--heads", nargs="*", choices=HEADS, default=list(HEADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clips", type=int, default=4, help="of the training step")
    parser.add_argument("--no-step", action="store_true", help="leave the training step out")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        torch.set_num_threads(arguments.threads)
        work(*arguments.worker)
        return
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, load {os.getloadavg()[0]:.1f}, CPU seconds and MiB added")
    print(
        f"{'':40} {'ours':>6} {'released':>10} {'alone':>8} {'direct':>10}"
        f" {'MiB ours':>9} {'direct':>7}"
    )
    for size in SIZES:
        for head in arguments.heads:
            measure_head(arguments, head, size)
    for size, (captions, videos) in SIZES.items():
        seconds = [bare_product_seconds(captions, videos) for _ in range(arguments.rounds)]
        print(
            f"words x frames as one matrix product, {size}, all words differ: "
            f"{median(seconds):.2f} s"
        )
    if not arguments.no_step:
        measure_step(arguments)


if __name__ == "__main__":
    main()
