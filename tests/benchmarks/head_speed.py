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
(`dvtr_bench.runtime.cpu`), theirs as torch comes. The loops of small batches run over one pair
in 16, spread over all, and their time is multiplied. Times are those of the CPU, which a neighbour
on the machine disturbs less; ratios are medians over the rounds.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from dvtr_bench.runtime.cpu import freed_memory_kept, reuse_freed_memory
from tests.benchmarks.speed_subjects import HEADS, TrainingStep, bare_product_seconds

SIZES = {"USRD": (1480, 296), "MSR-VTT 1k-A": (1000, 1000)}
EVERY = 16
"""One pair of batches in so many is scored by the loops of small blocks."""

STEP = "step"
STEP_FRAMES = (12, 5)
"""Of 12 places: all, and those of USRD's clips, which last 5 s."""

FORMS = {"from_towers": "ours", "released": "theirs", "scores": "ours", "direct": "theirs"}
"""Each form, and how its process has memory."""

LOOPS = ("released", "direct")


def forget_memory() -> None:
    """Give back what is free, and begin to watch for the most that this process has."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def memory_mib(name: str) -> float:
    """Return what this process has (VmRSS), or the most that it had since (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


class Subjects:
    """What is measured in this process: one at a time is kept."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._name = self._subject = None

    def added_mib(self, subject: str, size: str, form: str) -> float:
        """Do it once: MiB that came on top."""
        do, _ = self._prepared(subject, size, form)
        forget_memory()
        before = memory_mib("VmRSS")
        with torch.no_grad():
            do()
        return memory_mib("VmHWM") - before

    def seconds(self, subject: str, size: str, form: str) -> float:
        """Do it once: seconds of the CPU."""
        do, scale = self._prepared(subject, size, form)
        with torch.set_grad_enabled(subject == STEP):
            began = time.process_time()
            do()
            return (time.process_time() - began) * scale

    def _prepared(self, subject: str, size: str, form: str):
        if self._name != (subject, size):
            self._subject = None
            torch.manual_seed(0)
            if subject == STEP:
                self._subject = TrainingStep(*json.loads(size))
            else:
                with torch.no_grad():
                    self._subject = HEADS[subject](*SIZES[size])
                    self._subject.warm_up()
            self._name = subject, size
        do = getattr(self._subject, form)
        if form not in LOOPS or subject == STEP:
            return do, 1.0
        return partial(do, EVERY), self._subject.pairs / len(self._subject.sample(EVERY))


class Worker:
    """A process that measures when it is asked to."""

    def __init__(self, threads: int, *, memory_as_ours: bool) -> None:
        """Start it."""
        command = [sys.executable, __file__, "--threads", str(threads), "--worker"]
        self._process = subprocess.Popen(
            [*command, "ours" if memory_as_ours else "theirs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, kind: str, *what: str) -> float:
        """Have it done once."""
        self._process.stdin.write(json.dumps([kind, *what]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """End it."""
        self._process.communicate()


def work(whose: str) -> None:
    """Answer each line that comes in with what it took."""
    if whose == "ours":
        reuse_freed_memory()
    subjects = Subjects()
    with ExitStack() as memory:
        for line in sys.stdin:
            kind, *what = json.loads(line)
            if whose == "ours" and what[0] == STEP:
                memory.enter_context(freed_memory_kept())
            print(json.dumps(getattr(subjects, kind)(*what)), flush=True)


def take_turns(
    workers: dict[str, Worker], subject: str, size: str, forms: dict[str, str], rounds: int
) -> list[dict[str, float]]:
    """Measure the seconds of each form one after the other, several times."""
    return [
        {
            form: workers[whose].measure("seconds", subject, size, form)
            for form, whose in forms.items()
        }
        for _ in range(rounds)
    ]


def ratio(found: list[dict[str, float]], theirs: str, ours: str) -> float:
    """Return how many times as fast ours is."""
    return median(seconds[theirs] / seconds[ours] for seconds in found)


def measure_head(workers: dict[str, Worker], head: str, size: str, rounds: int) -> None:
    """Measure one head at one size and print its row."""
    ours, theirs = (
        workers[FORMS[form]].measure("added_mib", head, size, form) for form in ("scores", "direct")
    )
    found = take_turns(workers, head, size, FORMS, rounds)
    from_towers, scores = (
        median(seconds[form] for seconds in found) for form in ("from_towers", "scores")
    )
    print(
        f"{head:25} {size:12} {from_towers:6.2f} {ratio(found, 'released', 'from_towers'):8.1f} x"
        f" {scores:8.2f} {ratio(found, 'direct', 'scores'):7.1f} x {ours:8.0f} {theirs:7.0f}",
        flush=True,
    )


def measure_step(workers: dict[str, Worker], clips: int, frames: int, rounds: int) -> None:
    """Measure a training step beside the authors' and print the ratio."""
    forms = {"ours": "ours", "released": "theirs"}
    # The first makes what the optimiser keeps, and from the third on memory comes and goes alike.
    found = take_turns(workers, STEP, json.dumps([clips, frames]), forms, 2 + rounds)[2:]
    ours, theirs = (median(seconds[form] for seconds in found) for form in forms)
    print(
        f"a training step of MSAM, ViT-B/32, {clips} clips of {frames} frames: "
        f"{ours:.1f} s, as released {theirs:.1f} s: {ratio(found, 'released', 'ours'):.2f} x",
        flush=True,
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
    parser.add_argument("--worker", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.worker:
        work(arguments.worker)
        return
    print(f"{arguments.threads} threads, load {os.getloadavg()[0]:.1f}, CPU seconds and MiB added")
    print(
        f"{'':38} {'ours':>6} {'released':>10} {'alone':>8} {'direct':>9} {'MiB ours':>8}"
        f" {'direct':>7}",
        flush=True,
    )
    workers = {
        whose: Worker(arguments.threads, memory_as_ours=whose == "ours")
        for whose in ("ours", "theirs")
    }
    for size, (captions, videos) in SIZES.items():
        for head in arguments.heads:
            measure_head(workers, head, size, arguments.rounds)
        if arguments.heads:
            seconds = [bare_product_seconds(captions, videos) for _ in range(arguments.rounds)]
            print(
                f"all words x frames in bare matrix products, {size}: {median(seconds):.2f} s",
                flush=True,
            )
    if not arguments.no_step:
        for frames in STEP_FRAMES:
            measure_step(workers, arguments.clips, frames, arguments.rounds)
    for worker in workers.values():
        worker.stop()


if __name__ == "__main__":
    main()
