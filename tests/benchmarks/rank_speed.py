"""What exact ranks cost beside the scores themselves, and beside sorting the whole sim_matrix.

    python tests/benchmarks/rank_speed.py streaming     # 200,000 captions x 50,000 videos, C 512
    python tests/benchmarks/rank_speed.py sorting       # 59,800 captions x 2,990 videos, C 512

`streaming` computes every block twice over: the bare matrix product, then the same product again
for `RankCounter`, taking turns block by block, so that whatever else the machine does slows both.
Compiling the loops, about two seconds once a process, comes before the clock starts.
`sorting` ranks the same scores once as CLIP4Clip's evaluation does it (the whole matrix, argsort
twice; sorted again for video to text) and once by streaming, each in a process of its own for its
peak memory.

Captions are their video's vector plus noise; `--noise` sets how hard retrieval is: 3 is easy, 8 is
like published models, 100 is chance, where every block holds competitors for every query.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from torch.nn import functional

from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.evaluation.ranking import count_blocks
from dvtr_bench.ranking.blocks import Block, Grid
from dvtr_bench.ranking.ranks import RankCounter
from dvtr_bench.ranking.relevance import Relevance

DIMENSION = 512
SIZES = {"streaming": (200_000, 50_000), "sorting": (59_800, 2_990)}
BLOCK = (EvaluationConfig.block_captions, EvaluationConfig.block_videos)


def make_features(captions: int, videos: int, noise: float) -> tuple[torch.Tensor, ...]:
    """Return text_embeds, video_embeds and each caption's own video."""
    generator = torch.Generator().manual_seed(0)
    video_embeds = torch.empty(videos, DIMENSION).normal_(generator=generator)
    own = torch.arange(captions) * videos // captions
    text_embeds = torch.empty(captions, DIMENSION).normal_(generator=generator).mul_(noise)
    for start in range(0, captions, 10_000):
        text_embeds[start : start + 10_000] += video_embeds[own[start : start + 10_000]]
    return functional.normalize(text_embeds, out=text_embeds), video_embeds, own


def peak_mib() -> float:
    """Return the most memory that this process ever had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rank_by_streaming(text_embeds, video_embeds, own, *, time_product: bool) -> dict[str, float]:
    """Rank both ways; with ``time_product`` every block's bare product is timed beside it."""
    captions, videos = len(text_embeds), len(video_embeds)
    counter = RankCounter(Relevance(own.numpy(), videos, np.arange(captions)), "benchmark")
    seconds = {"product": 0.0, "ranks": 0.0}

    def product(block: Block) -> torch.Tensor:
        return text_embeds[block.captions] @ video_embeds[block.videos].T

    def product_alone(scores: torch.Tensor, block: Block) -> None:
        if time_product:
            before = time.perf_counter()
            product(block)
            seconds["product"] += time.perf_counter() - before

    started = time.perf_counter()
    blocks = list(Grid(captions, videos, *BLOCK))
    count_blocks(counter, blocks, counter.wanted(blocks), product, look=product_alone)
    seconds["ranks"] = time.perf_counter() - started - seconds["product"]
    table = counter.table()
    ranks = table.ranks["t2v"]["strict"].pessimistic
    return {
        **seconds,
        "MdR": float(np.median(ranks)),
        "checksum": int(ranks.sum() + table.ranks["v2t"]["strict"].pessimistic.sum()),
    }


def rank_by_sorting(text_embeds, video_embeds, own) -> dict[str, float]:
    """Rank both ways as CLIP4Clip's evaluation does: argsort twice, and sort for video to text."""
    started = time.perf_counter()
    sim_matrix = text_embeds @ video_embeds.T
    first = torch.argsort(sim_matrix, dim=-1, descending=True)
    second = torch.argsort(first, dim=-1, descending=False)
    t2v = second.gather(1, own[:, None])[:, 0] + 1
    del first, second
    videos = len(video_embeds)
    by_set = sim_matrix.view(videos, -1, videos).amax(1).T
    ordered = np.sort(-by_set.numpy(), axis=1)
    v2t = np.where(ordered == -by_set.diag().numpy()[:, None])[1] + 1
    return {
        "ranks": time.perf_counter() - started,
        "MdR": float(t2v.median()),
        "checksum": int(t2v.sum() + v2t.sum()),
    }


def compile_loops() -> None:
    """Rank a matrix of one score: the first block of a process waits for the compiler."""
    counter = RankCounter(Relevance(np.zeros(1, np.int64), 1, np.zeros(1, np.int64)), "compile")
    for read in (counter.note_relevant, counter.count):
        read(torch.ones(1, 1), Block(slice(0, 1), slice(0, 1)))


def measure(way: str, size: str, noise: float, threads: int) -> dict[str, float]:
    """Run one way in this process."""
    torch.set_num_threads(threads)
    features = make_features(*SIZES[size], noise)
    compile_loops()
    before = peak_mib()
    if way == "sorting":
        found = rank_by_sorting(*features)
    else:
        found = rank_by_streaming(*features, time_product=size == "streaming")
    return {**found, "before_mib": before, "peak_mib": peak_mib()}


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=SIZES)
    parser.add_argument("--noise", type=float, default=8.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--way", choices=("streaming", "sorting"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(
            json.dumps(measure(arguments.way, arguments.what, arguments.noise, arguments.threads))
        )
        return
    ways = ("streaming",) if arguments.what == "streaming" else ("streaming", "sorting")
    found = {way: [] for way in ways}
    for way in ways * (1 if arguments.what == "streaming" else arguments.repeats):
        command = [sys.executable, __file__, arguments.what, "--way", way]
        command += ["--noise", str(arguments.noise), "--threads", str(arguments.threads)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        found[way].append(json.loads(done.stdout))
    ours = found["streaming"][0]
    captions, videos = SIZES[arguments.what]
    print(f"{captions:,} captions x {videos:,} videos, C {DIMENSION}, MdR {ours['MdR']:.0f}")
    if arguments.what == "streaming":
        print(f"bare product {ours['product']:.1f} s, with ranks both ways {ours['ranks']:.1f} s")
        print(f"share of the bare product's speed: {ours['product'] / ours['ranks']:.2f}")
        print(f"peak memory, features included: {ours['peak_mib']:.0f} MiB")
        return
    seconds = {way: np.median([run["ranks"] for run in runs]) for way, runs in found.items()}
    added = {
        way: max(run["peak_mib"] - run["before_mib"] for run in runs) for way, runs in found.items()
    }
    print(f"medians of {arguments.repeats} runs, taking turns; the product is part of both")
    for what, values, unit in (("time", seconds, "s"), ("added memory", added, "MiB")):
        print(
            f"{what}: sorting {values['sorting']:.1f} {unit}, "
            f"streaming {values['streaming']:.1f} {unit}, "
            f"{values['sorting'] / values['streaming']:.1f} times less"
        )
    print(f"same ranks: {found['sorting'][0]['checksum'] == ours['checksum']}")


if __name__ == "__main__":
    main()
