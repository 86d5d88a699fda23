"""What it takes to read a large table of captions: CPU seconds and peak memory.

    python tests/benchmarks/table_reading.py                       # a million rows, in CSV
    python tests/benchmarks/table_reading.py --rows 200000 --forms csv jsonl json parquet --shuffled

Five captions a clip, one row a caption. What is measured is all that `dvtr-bench build folder` does
before it decodes: the table is read, clips are named, splits are drawn and clips are packed. Each
form is read in a process of its own, after a process that imports alone. ``--shuffled`` puts the
captions of a clip far apart, as a table does that lists the first captions of all clips first.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

CAPTIONS_A_CLIP = 5
_READ = """
import resource, sys
from pathlib import Path
from builders.datasets import folder
if len(sys.argv) > 1:
    source = folder.read(folder.Options(name="x", captions=Path(sys.argv[1])))
    print(len(source.clips), sum(len(clip.captions) for clip in source.clips))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
"""
WORDS = "a drone films one red white car truck boat field road river town from above slowly".split()


def make_rows(count: int, shuffled: bool) -> list[tuple[str, str, str]]:
    """Return rows of file name, caption and site."""
    draw = random.Random(0)
    rows = []
    for number in range(count):
        clip = number % (count // CAPTIONS_A_CLIP) if shuffled else number // CAPTIONS_A_CLIP
        caption = f"{' '.join(draw.choices(WORDS, k=12))} {number}"
        rows.append((f"site_{clip % 97:02d}/clip_{clip:07d}.mp4", caption, f"site {clip % 97}"))
    return rows


def write_table(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """Write rows in the form that the suffix says."""
    names = ("file_name", "caption", "site")
    if path.suffix in {".csv", ".tsv"}:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerows([names, *rows])
        return
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(objects), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    else:
        path.write_text(json.dumps(objects), encoding="utf-8")


def measure(*table: Path) -> tuple[float, float, str]:
    """Read a table in a process of its own; return CPU seconds, peak MiB and what was read."""
    command = [sys.executable, "-c", _READ, *map(str, table)]
    *counted, figures = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    seconds, peak_bytes = map(float, figures.split())
    return seconds, peak_bytes / 2**20, " ".join(counted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--forms", nargs="+", default=["csv"])
    parser.add_argument("--shuffled", action="store_true")
    asked = parser.parse_args()
    start_seconds, start_mib, _ = measure()
    print(f"imports alone: {start_seconds:.1f} CPU s, {start_mib:.0f} MiB", flush=True)
    rows = make_rows(asked.rows, asked.shuffled)
    with tempfile.TemporaryDirectory() as folder:
        for form in asked.forms:
            path = Path(folder, f"captions.{form}")
            write_table(path, rows)
            seconds, peak, counted = measure(path)
            print(
                f"{form}, {asked.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB: "
                f"{seconds - start_seconds:.1f} CPU s, {peak - start_mib:.0f} MiB more "
                f"({counted} clips and captions)",
                flush=True,
            )


if __name__ == "__main__":
    main()
