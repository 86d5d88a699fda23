"""What exact scoring by text-conditioned heads costs beside the direct form of tests/oracles.

    python tests/benchmarks/head_speed.py xpool      # T 1,480, V 296, F 12, C 512
    python tests/benchmarks/head_speed.py drl_wti    # the same, up to 32 words a text

Both forms score the same random features, each in a process of its own for its peak memory, taking
turns; memory is what scoring adds to the features and the parameters. Without `--repeats` each form
runs three times, and the medians are told with the machine's load before the first run.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from baselines.token_interaction import unit_tokens, weighted_token_similarity
from baselines.xpool_pooling import TextConditionedPooling

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.oracles.direct_wti import direct_wti_similarity
from tests.oracles.direct_xpool import direct_xpool_similarity

WIDTH, MAX_WORDS = 512, 32


def prepare_xpool(captions: int, videos: int, frames: int):
    """Return random inputs, the same for both forms."""
    pooling = TextConditionedPooling(WIDTH, dropout=0.3)
    for parameter in pooling.parameters():
        parameter.add_(torch.randn(parameter.shape), alpha=0.02)
    inputs = (
        pooling.state_dict(),
        torch.randn(captions, WIDTH),
        torch.randn(videos, frames, WIDTH),
        torch.ones(videos, frames, dtype=torch.bool),
    )
    return {"ours": inputs, "direct": inputs}


def score_xpool(parameters, *inputs):
    """Score by our form."""
    pooling = TextConditionedPooling(WIDTH, dropout=0.3).eval()
    pooling.load_state_dict(parameters)
    return pooling.similarity(*inputs)


def prepare_drl_wti(captions: int, videos: int, frames: int):
    """Return random words and frames, as each form takes them."""
    words, word_logits = torch.randn(captions, MAX_WORDS, WIDTH), torch.randn(captions, MAX_WORDS)
    word_mask = torch.arange(MAX_WORDS) < torch.randint(8, MAX_WORDS + 1, (captions, 1))
    frame_embeds, frame_logits = torch.randn(videos, frames, WIDTH), torch.randn(videos, frames)
    frame_mask = torch.ones(videos, frames, dtype=torch.bool)
    ours = (
        unit_tokens(words, word_mask),
        word_logits.masked_fill(~word_mask, -torch.inf).softmax(dim=-1),
        word_mask,
        unit_tokens(frame_embeds, frame_mask),
        frame_logits.softmax(dim=-1),
    )
    direct = (words, word_logits, word_mask, frame_embeds, frame_logits, frame_mask)
    return {"ours": ours, "direct": direct}


PREPARE = {"xpool": prepare_xpool, "drl_wti": prepare_drl_wti}
SCORE = {
    "xpool": {"ours": score_xpool, "direct": direct_xpool_similarity},
    "drl_wti": {"ours": weighted_token_similarity, "direct": direct_wti_similarity},
}


def peak_mib() -> float:
    """Return the most memory that this process ever had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@torch.no_grad()
def prepare(arguments: argparse.Namespace) -> None:
    """Write the inputs of both forms: not where they are measured, since making them takes memory.

    Nor in the parent: what a process holds counts into the peak of those that it starts.
    """
    torch.manual_seed(0)
    inputs = PREPARE[arguments.head](arguments.captions, arguments.videos, arguments.frames)
    for form, values in inputs.items():
        torch.save(values, arguments.folder / f"{form}.pt")


@torch.no_grad()
def measure(arguments: argparse.Namespace) -> None:
    """Run one form in this process; its scores go into a file."""
    torch.set_num_threads(arguments.threads)
    inputs = torch.load(arguments.folder / f"{arguments.step}.pt", weights_only=True)
    before = peak_mib()
    started = time.perf_counter()
    scores = SCORE[arguments.head][arguments.step](*inputs)
    seconds = time.perf_counter() - started
    np.save(arguments.folder / f"{arguments.step}.npy", scores.numpy())
    print(json.dumps({"seconds": seconds, "before_mib": before, "peak_mib": peak_mib()}))


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("head", choices=SCORE)
    for name, default in (("captions", 1480), ("videos", 296), ("frames", 12), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only-ours", action="store_true", help="leave the direct form out")
    parser.add_argument("--step", choices=("prepare", "ours", "direct"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        (prepare if arguments.step == "prepare" else measure)(arguments)
        return
    forms = ("ours",) if arguments.only_ours else ("ours", "direct")
    load = os.getloadavg()[0]
    found = {form: [] for form in forms}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder, "--step"]
        subprocess.run([*command, "prepare"], check=True)
        for form in forms * arguments.repeats:
            done = subprocess.run([*command, form], check=True, stdout=subprocess.PIPE)
            found[form].append(json.loads(done.stdout))
        scores = [np.load(Path(folder, f"{form}.npy")) for form in forms]
    size = f"T {arguments.captions:,}, V {arguments.videos:,}, F {arguments.frames}, C {WIDTH}"
    print(f"{arguments.head}: {size}; {arguments.threads} threads, load {load:.1f} before")
    seconds, added = {}, {}
    for form, runs in found.items():
        seconds[form] = float(np.median([run["seconds"] for run in runs]))
        added[form] = float(np.median([run["peak_mib"] - run["before_mib"] for run in runs]))
        peak = max(run["peak_mib"] for run in runs)
        print(
            f"{form}: {seconds[form]:.2f} s, {added[form]:.0f} MiB added, "
            f"{peak:.0f} MiB peak of the process"
        )
    if not arguments.only_ours:
        print(f"times faster: {seconds['direct'] / seconds['ours']:.1f}")
        print(f"times less memory: {added['direct'] / added['ours']:.1f}")
        print(f"greatest difference: {np.abs(scores[0] - scores[1]).max():.1e}")


if __name__ == "__main__":
    main()
