"""What exact scoring by text-conditioned heads costs beside the direct form of tests/oracles.

    python tests/benchmarks/head_speed.py xpool      # T 1,480, V 296, F 12, C 512
    python tests/benchmarks/head_speed.py drl_wti    # the same, up to 32 words a text
    python tests/benchmarks/head_speed.py xclip      # likewise
    python tests/benchmarks/head_speed.py msam       # all texts are one block, as X-Pool's are
    python tests/benchmarks/head_speed.py msam32     # in blocks of 32 texts, as published

Both forms score the same random features, each in a process of its own for its peak memory, taking
turns. Ours has memory as `dvtr-bench` has it (`reuse_freed_memory`); the direct form is measured
twice, as torch comes and with memory as ours, which is worth much to it too. Each scores three
times, and the fastest counts: an evaluation scores block after block, and the first block of a
process waits for libraries to load. Memory is what scoring adds to the features and the parameters.
Without `--repeats` each form runs three times, and the medians are told with the machine's load
before the first run.
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
from torch import nn
from torch.nn import functional

from baselines.heads.multi_grained import MultiGrainedSimilarity
from baselines.heads.token_interaction import unit_tokens, weighted_token_similarity
from baselines.heads.xpool_pooling import TextConditionedPooling
from dvtr_bench.runtime.allocation import reuse_freed_memory
from msam.pooling import FusionGate, fusion_similarity

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.oracles.direct_fusion_pooling import direct_fusion_similarity
from tests.oracles.direct_wti import direct_wti_similarity
from tests.oracles.direct_xclip import direct_xclip_similarity
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
        frame_mask,
    )
    direct = (words, word_logits, word_mask, frame_embeds, frame_logits, frame_mask)
    return {"ours": ours, "direct": direct}


def prepare_xclip(captions: int, videos: int, frames: int):
    """Return random words and frames, as each form takes them."""
    grains = MultiGrainedSimilarity(WIDTH, MAX_WORDS, frames)
    for parameter in grains.parameters():
        parameter.add_(torch.randn(parameter.shape), alpha=0.02)
    word_mask = torch.arange(MAX_WORDS) < torch.randint(8, MAX_WORDS + 1, (captions, 1))
    frame_mask = torch.ones(videos, frames, dtype=torch.bool)
    sentence, words = torch.randn(captions, WIDTH), torch.randn(captions, MAX_WORDS, WIDTH)
    video, frame_embeds = torch.randn(videos, WIDTH), torch.randn(videos, frames, WIDTH)
    unit_words = functional.normalize(words, dim=-1) * word_mask[..., None]
    texts = {
        "text_embeds": functional.normalize(sentence, dim=-1),
        "token_embeds": unit_words,
        "token_mask": word_mask,
    }
    clips = {
        "video_embeds": functional.normalize(video, dim=-1),
        "frame_embeds": functional.normalize(frame_embeds, dim=-1),
        "frame_mask": frame_mask,
    }
    direct = (grains.state_dict(), sentence, words, word_mask, video, frame_embeds, frame_mask)
    return {"ours": (grains.state_dict(), texts, clips), "direct": direct}


def score_xclip(parameters, texts, clips):
    """Score by our form."""
    grains = MultiGrainedSimilarity(WIDTH, MAX_WORDS, clips["frame_mask"].shape[1])
    grains.load_state_dict(parameters)
    return grains(texts, clips)


def prepare_msam(captions: int, videos: int, frames: int):
    """Return random unit embeddings, the same for both forms."""
    inputs = (
        FusionGate(WIDTH).state_dict(),
        functional.normalize(torch.randn(captions, WIDTH), dim=-1),
        functional.normalize(torch.randn(videos, frames, WIDTH), dim=-1),
        torch.ones(videos, frames, dtype=torch.bool),
    )
    return {"ours": inputs, "direct": inputs}


def score_msam(block: int | None):
    """Return our form; None takes all texts as one block."""

    def score(parameters, texts, *videos):
        gate = FusionGate(WIDTH)
        gate.load_state_dict(parameters)
        return fusion_similarity(texts, *videos, gate, text_block=block or len(texts))

    return score


def score_msam_directly(block: int | None):
    """Return the direct form."""

    def score(parameters, texts, *videos):
        gate = FusionGate(WIDTH)
        gate.load_state_dict(parameters)
        mlp = nn.Sequential(gate.fc1, nn.ReLU(), gate.fc2)
        return direct_fusion_similarity(texts, *videos, mlp, block or len(texts))

    return score


PREPARE = {
    "xpool": prepare_xpool,
    "drl_wti": prepare_drl_wti,
    "xclip": prepare_xclip,
    "msam": prepare_msam,
    "msam32": prepare_msam,
}
SCORE = {
    "xpool": {"ours": score_xpool, "direct": direct_xpool_similarity},
    "drl_wti": {"ours": weighted_token_similarity, "direct": direct_wti_similarity},
    "xclip": {"ours": score_xclip, "direct": direct_xclip_similarity},
    "msam": {"ours": score_msam(None), "direct": score_msam_directly(None)},
    "msam32": {"ours": score_msam(32), "direct": score_msam_directly(32)},
}

FORMS = {
    "ours": ("ours", True),
    "direct": ("direct", False),
    "direct, memory as ours": ("direct", True),
}
"""Which scoring each form is, and whether it has memory as `dvtr-bench` does."""
SCORINGS = 3


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
    if arguments.large_pages:
        reuse_freed_memory()
    torch.set_num_threads(arguments.threads)
    inputs = torch.load(arguments.folder / f"{arguments.step}.pt", weights_only=True)
    before = peak_mib()
    seconds = []
    for _ in range(SCORINGS):
        started = time.perf_counter()
        scores = SCORE[arguments.head][arguments.step](*inputs)
        seconds.append(time.perf_counter() - started)
    np.save(arguments.folder / f"{arguments.step}.npy", scores.numpy())
    print(json.dumps({"seconds": min(seconds), "before_mib": before, "peak_mib": peak_mib()}))


def start(arguments: argparse.Namespace, folder: str, form: str) -> dict[str, float]:
    """Measure one form in a process of its own."""
    step, large_pages = FORMS[form]
    command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder, "--step", step]
    # Torch reads how to have memory when it is loaded.
    large = {"THP_MEM_ALLOC_ENABLE": str(int(large_pages))}
    done = subprocess.run(
        [*command, "--large-pages"] if large_pages else command,
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **large},
    )
    return json.loads(done.stdout)


def median_costs(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each cost, and of what was added to the memory before."""
    costs = [{**run, "added_mib": run["peak_mib"] - run["before_mib"]} for run in runs]
    return {name: float(np.median([cost[name] for cost in costs])) for name in costs[0]}


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
    parser.add_argument("--large-pages", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        (prepare if arguments.step == "prepare" else measure)(arguments)
        return
    forms = list(FORMS)[:1] if arguments.only_ours else list(FORMS)
    load = os.getloadavg()[0]
    found = {form: [] for form in forms}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder]
        subprocess.run([*command, "--step", "prepare"], check=True)
        for form in forms * arguments.repeats:
            found[form].append(start(arguments, folder, form))
        scores = {FORMS[form][0]: np.load(Path(folder, f"{FORMS[form][0]}.npy")) for form in forms}
    size = f"T {arguments.captions:,}, V {arguments.videos:,}, F {arguments.frames}, C {WIDTH}"
    print(f"{arguments.head}: {size}; {arguments.threads} threads, load {load:.1f} before")
    costs = {form: median_costs(runs) for form, runs in found.items()}
    for form, cost in costs.items():
        print(
            f"{form}: {cost['seconds']:.2f} s, {cost['added_mib']:.0f} MiB added, "
            f"{cost['peak_mib']:.0f} MiB peak of the process"
        )
    for form in forms[1:]:
        times = {name: costs[form][name] / costs["ours"][name] for name in costs["ours"]}
        print(
            f"ours against {form}: {times['seconds']:.1f} times faster, "
            f"{times['added_mib']:.1f} times less memory"
        )
    if not arguments.only_ours:
        print(f"greatest difference: {np.abs(scores['ours'] - scores['direct']).max():.1e}")


if __name__ == "__main__":
    main()
