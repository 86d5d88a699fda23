"""A working folder in which every command that writes can run, and what its files come to."""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from dvtr_bench.cli import main
from dvtr_bench.runtime.checkpoint import save_checkpoint
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.authors_checkpoints import DROPPED, USED
from tests.fixtures.tiny_dataset import small_model
from tests.oracles.openai_clip import random_tensors
from tests.reliability.stand_ins import temporary_files

SPLITS: Final = ["train"] * 4 + ["validation"] * 2 + ["test"] * 3

TRAIN: Final = (
    "train --model clip4clip_meanp --dataset toy --backbone tiny-scratch --device cpu "
    "--batch-size 4 --workers 1"
)
EVALUATE: Final = "evaluate --model clip4clip_meanp --dataset toy --device cpu"
COMMANDS: Final[Mapping[str, str]] = {
    "build": "build folder --clips clips --captions captions.csv --name mine --workers 0",
    "build --overwrite": "build folder --clips clips --captions captions.csv --name toy "
    "--workers 0 --frames 2 --overwrite",
    "train": f"{TRAIN} --epochs 2 --seed 44",
    "evaluate": f"{EVALUATE} --checkpoint RUN --browse 2 --out new",
    "leaderboard": "leaderboard results --site site --chart bars",
    "leaderboard again": "leaderboard results --site old-site --out OLD.md",
    "export csv": "export results --to csv --out exported",
    "export trec": "export results --to trec --out exported",
    "export latex": "export results --to latex --out exported",
    "export eval_results": "export results --to eval_results --repo lab/toy --out exported",
    "compare": "compare RESULT RESULT2 --out pages/compare.md --sheet compare.png",
    "report": "report RESULT --out pages/report.html",
    "audit": "audit toy --out audit",
    "verify": "verify toy --out pages/verify.json",
    "diff": "diff toy toy --out pages/diff.json",
    "search": "search words --dataset toy --device cpu --model clip4clip_meanp --checkpoint RUN "
    "--out found.png",
    "sheet": "sheet RESULT --out sheet.png",
    "plot": "plot RESULT RESULT2 --out pages/plot.svg",
    "info": "info toy --sheet --out toy.png",
    "probe": "probe --dataset toy --device cpu --pictures 1 --checkpoint msam --out probed",
    "push": "push toy --repo lab/toy",
    "push --annotations-only": "push toy --repo lab/toy --annotations-only",
    "build --annotations auto": "build didemo --annotations auto --annotations-only --workers 0",
    "pretrain-tiny": "pretrain-tiny --steps 4 --out pretrained --workers 0 --device cpu "
    "--recipe batch_size=8 --recipe steps_a_shard=4 --recipe first_shards=1",
    "convert": "convert authors.bin --model clip4clip_seqtransf --out converted",
}
"""Name -> words; RUN, RESULT and RESULT2 stand for what the working folder holds."""

_VOLATILE: Final = ("seconds", "updated_at", "environment", "started_at", "created_at")


def make_world(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make clips, a dataset, two trained models, their results and an older site."""
    names = [f"clip{number}.mp4" for number in range(len(SPLITS))]
    TinyClips().write_folder(folder / "clips", names)
    for made in folder.glob("made-*.mp4"):
        made.unlink()
    rows = [f"{n},the {n[:-4]},words of {n[:-4]},{s}" for n, s in zip(names, SPLITS, strict=True)]
    (folder / "captions.csv").write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    patch.chdir(folder)
    steps = [
        COMMANDS["build"].replace("mine", "toy"),
        *(f"{TRAIN} --epochs 1 --seed {seed}" for seed in (42, 43)),
    ]
    for words in steps:
        assert run(words.split()) == 0
    for number, path in enumerate(sorted((folder / "runs").glob("*/*/*"))):
        words = [*EVALUATE.split(), "--checkpoint", str(path.relative_to(folder))]
        assert run([*words, *(["--no-cache"] if number else [])]) == 0
    save_checkpoint(folder / "msam", small_model("msam", max_frames=2), {})
    kind = "clip4clip_seqtransf"
    torch.save(random_tensors({**USED[kind], **DROPPED[kind]}), folder / "authors.bin")
    for heavy in (folder / "runs").rglob("optimiser.safetensors"):
        heavy.unlink()
    assert run("leaderboard results --site old-site --out OLD.md".split()) == 0
    temporary_files(folder)


def words_of(name: str, folder: Path) -> list[str]:
    """Return the words of a command in a working folder."""
    run_folder = min((folder / "runs").glob("*/*/*"))
    first, second = sorted((folder / "results").glob("*.json"))[:2]
    names = {"RUN": run_folder, "RESULT": first, "RESULT2": second}
    return [
        str(names[word].relative_to(folder)) if word in names else word
        for word in COMMANDS[name].split()
    ]


def run(words: list[str]) -> int:
    """Run the command line in this process; return its exit status."""
    before = sys.argv
    sys.argv = ["dvtr-bench", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv = before
    raise AssertionError("main() exits always")


def reset(world: Path, folder: Path) -> None:
    """Make a working folder what it was at first, and go there."""
    os.chdir(folder.parent)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(world, folder, copy_function=_linked)
    os.chdir(folder)


def _linked(source: str, target: str) -> None:
    """Copy a file; large ones, which nothing changes in place, get a second name."""
    (os.link if source.endswith(".safetensors") else shutil.copy2)(source, target)


def snapshot(folder: Path) -> dict[str, str]:
    """Return the hashes of all files but locks and durations, without what moves between runs."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if name.endswith(".lock") or name == "seconds.json":
                continue
            relative = re.sub(r"\d{8}T\d{6}Z", "TIME", path.relative_to(folder).as_posix())
            found[relative] = hashlib.sha256(_plain(path)).hexdigest()
    return found


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix in (".safetensors", ".parquet", ".png"):
        return content
    if path.suffix in (".json", ".jsonl"):
        lines = content.splitlines() if path.suffix == ".jsonl" else [content]
        return b"\n".join(json.dumps(_steady(json.loads(line))).encode() for line in lines)
    return re.sub(rb"\d{8}T\d{6}Z", b"TIME", content)


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(item) for key, item in value.items() if key not in _VOLATILE}
    return [_steady(item) for item in value] if isinstance(value, list) else value
