"""What it takes to read many result files: the first time, the second time, and as a leaderboard.

    python tests/benchmarks/result_reading.py                    # 500 results of 4,000 captions
    python tests/benchmarks/result_reading.py --results 28 --seeds 1
    python tests/benchmarks/result_reading.py --folder leaderboard/evidence/aerosynth-full/results

The results are made up: ranks drawn at random, five axes of groups as aerosynth has them, ties in
every fourth. Each pass runs in a process of its own, on one core, with a cache folder that is empty
at the start; what is printed is its CPU seconds (imports included) and its peak memory. `first`
computes every figure again, `second` finds all files remembered, `foreign` has files remembered
that were changed since by a space, and so checks them all. `board` makes the leaderboard's page
from the files as `second` reads them, `site` its site; with the site stands the size of what a
browser loads to show the first page.
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

from dvtr_bench.ranking import RELEVANCE_KINDS, Direction
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import SharedText
from dvtr_bench.ranking.movement import HonestyCheck
from dvtr_bench.ranking.rank_table import Groups, QueryRanks, RankTable
from dvtr_bench.results import load_results, write_result
from dvtr_bench.results.build import make_record
from dvtr_bench.results.record import DatasetFacts, ModelFacts, RunRecord, ScoringFacts, Seconds
from dvtr_bench.runtime.environment import EnvironmentFacts

CAPTION_GROUPS = {"caption_length": 3, "shared_attributes": 4, "shared_text": 4}
VIDEO_GROUPS = {"category": 13, "frame_change": 4}
CHECKS = (
    "queries shuffled and re-blocked",
    "gallery shuffled and re-chunked",
    "captions encoded in other batches",
    "videos encoded in other batches",
)
PASSES = ("first", "second", "foreign", "board", "site")


def made_up(number: int, seeds: int, captions: int, videos: int) -> RunRecord:
    """Return a record of a run that never took place; a model's seeds are those in a row."""
    split = np.random.default_rng(0)
    own = np.sort(np.append(np.arange(videos), split.integers(0, videos, captions - videos)))
    rng = np.random.default_rng(number + 1)
    sizes: dict[Direction, tuple[int, int]] = {
        "t2v": (captions, videos),
        "v2t": (videos, videos),
        "v2t_caption": (videos, captions),
    }

    def ranks(queries: int, gallery: int) -> QueryRanks:
        optimistic = np.minimum(1 + rng.exponential(gallery / 30, queries), gallery)
        best = optimistic.astype(np.int64)
        tied = (rng.random(queries) < 0.01) & (best < gallery) if number % 4 == 0 else 0
        return QueryRanks(best + tied, best)

    def groups(name: str, unit: str, count: int) -> Groups:
        codes = split.integers(0, count, captions if unit == "caption" else videos)
        names = tuple(f"{name} {place}" for place in range(count))
        return Groups(name, "caption" if unit == "caption" else "video", names, codes)

    table = RankTable(
        own,
        videos,
        {name: {kind: ranks(*size) for kind in RELEVANCE_KINDS} for name, size in sizes.items()},
    )
    return make_record(
        table,
        kind="model",
        dataset=DatasetFacts(
            "made-up", "1.0.0", "f" * 64, "test", "uniform:12", 12, videos, captions, 0,
            "a" * 64, "b" * 64,
        ),
        model=ModelFacts(
            f"model_{number // seeds}", {"layers": 4}, 1000, f"{number:064x}", "tiny", "d" * 64,
            (number % seeds,),
        ),
        scoring=ScoringFacts("pairwise", None),
        environment=EnvironmentFacts(
            "2026-01-31T12:00:00Z", "cpu", "a processor", "float32", {"python": "3.11"}, None, None
        ),
        honesty=tuple(HonestyCheck(check, 10, 0.0, 1e-4) for check in CHECKS),
        seconds=Seconds(1.0, 2.0, 3.0),
        shared_text=SharedText(captions, captions // 3, 80.0),
        groups={name: groups(name, "caption", count) for name, count in CAPTION_GROUPS.items()}
        | {name: groups(name, "video", count) for name, count in VIDEO_GROUPS.items()},
        bootstrap=BootstrapConfig(),
    )  # fmt: skip


def one_pass(name: str, folder: Path) -> None:
    """Read the files of a folder; print what it took as JSON."""
    if name == "foreign":
        for path in folder.glob("*.json"):
            path.write_bytes(path.read_bytes() + b" ")
    started = time.process_time()
    first_page = 0
    records = load_results(folder)
    if name == "board":
        from leaderboard.board import make_boards
        from leaderboard.board_text import write_markdown

        write_markdown(make_boards(records), folder / "LEADERBOARD.md")
    if name == "site":
        import dvtr_bench as dvtr

        page = dvtr.make_leaderboard(records).write_site(folder.parent / "site")
        shown = [*page.parent.glob("*.*"), *(page.parent / "data").glob("board-*.js")]
        first_page = sum(path.stat().st_size for path in (*shown, page.parent / "data/index.js"))
    spent, whole = time.process_time() - started, time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"cpu_seconds": spent, "with_imports": whole, "peak_mib": peak}
    print(json.dumps({**found, "first_page_bytes": first_page}))


def main() -> None:
    """Make the results where none are given, and time every pass over them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--results", type=int, default=500)
    parser.add_argument("--captions", type=int, default=4000)
    parser.add_argument("--videos", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=5, help="runs of one model")
    parser.add_argument("--folder", type=Path, help="result files that are there already")
    parser.add_argument("--only", choices=PASSES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        one_pass(options.only, options.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "results"
        folder.mkdir()
        if options.folder:
            for path in options.folder.glob("*.json"):
                (folder / path.name).write_bytes(path.read_bytes())
        else:
            for number in range(options.results):
                record = made_up(number, options.seeds, options.captions, options.videos)
                write_result(record, folder)
        print(f"{len(list(folder.glob('*.json')))} files", flush=True)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache", "OMP_NUM_THREADS": "1"}
        for name in PASSES:
            command = [sys.executable, __file__, "--only", name, "--folder", str(folder)]
            done = subprocess.run(
                command, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            found = json.loads(done.stdout)
            print(
                f"{name:8s}{found['cpu_seconds']:8.1f} CPU s  ({found['with_imports']:.1f} with "
                f"imports)  peak {found['peak_mib']:,.0f} MiB"
                + (f"  first page {found['first_page_bytes']:,} bytes" * (name == "site")),
                flush=True,
            )


if __name__ == "__main__":
    main()
