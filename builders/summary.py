"""The output of a finished build and of `dvtr-bench datasets`."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from builders.build import Build
from builders.engine.check import BROKEN
from builders.sources.matching import bullets
from builders.sources.source import DatasetInfo
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import FINGERPRINT_SHOWN, REPORT_NAME, Manifest, size_text
from dvtr_bench.dataset.reader import MARK, ROOT, BuiltDataset, find_datasets
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.reports.others_text import make_console, plain_table
from dvtr_bench.runtime.terminal import by_number, count_of, say


def print_summary(build: Build) -> None:
    """Print what was built: splits, ceilings, size, what was left out, what to do next.

    Args:
        build: The outcome of a build.
    """
    console = make_console()
    manifest, folder = build.dataset.manifest, build.dataset.folder
    state = "built" if build.report else "built already, nothing to do"
    title = Text.assemble((f"{manifest.name} ", "bold"), f"{manifest.version}  {state}: {folder}")
    console.print(title, soft_wrap=True)
    console.print(Text(f"fingerprint {manifest.fingerprint[:FINGERPRINT_SHOWN]}", "dim"))
    console.print(_splits(build))
    console.print(Text(_sizes(manifest)))
    for line in (*build.remarks, *_remarks(build)):
        console.print(Text(f"note: {line}"), soft_wrap=True)
    console.print(Text(f"read it:  datasets.load_dataset({str(folder)!r})"), soft_wrap=True)
    say(_next_step(manifest, folder))


def build_as_json(build: Build) -> dict[str, Any]:
    """Return what was built as JSON values.

    Args:
        build: What a build came to.

    Returns:
        The dataset's manifest and its folder; ``built`` is false where it was there before;
        ``remarks`` is what else there is to say of this build.
    """
    return {
        "folder": str(build.dataset.folder),
        "built": build.report is not None,
        "remarks": list(build.remarks),
        **to_json(build.dataset.manifest),
    }


def datasets_as_json(root: Path) -> dict[str, Any]:
    """Return the datasets that can be built and those that are, as JSON values.

    Args:
        root: The folder that datasets are in.

    Returns:
        ``can_be_built``, ``problems`` of files that cannot be read, and ``built``.
    """
    return {
        "can_be_built": [
            {
                "name": name,
                "summary": module.INFO.summary,
                "videos": {split: videos for split, (videos, _) in module.INFO.expected.items()},
                "licence": module.INFO.licence.id,
            }
            for name, module in DATASETS.load_all().items()
        ],
        "problems": list(DATASETS.problems()),
        "root": str(root),
        "built": [
            {
                "name": dataset.label,
                "version": dataset.manifest.version,
                "folder": str(dataset.folder),
                "fingerprint": dataset.manifest.fingerprint,
                "videos": {n: one.num_videos for n, one in dataset.manifest.splits.items()},
                "captions": {n: one.num_captions for n, one in dataset.manifest.splits.items()},
                "sampling": dataset.manifest.frames.sampling if dataset.manifest.frames else None,
                "size_bytes": dataset.manifest.size_bytes,
            }
            for dataset in find_datasets(root)
        ],
    }


def next_of_datasets(root: Path) -> str:
    """Say what to type after the list of datasets.

    Args:
        root: The folder that datasets are in.
    """
    built = find_datasets(root)
    if not built:
        place = "" if root == ROOT else f" --root {shlex.quote(str(root))}"
        return f"next: dvtr-bench build aerosynth --size small{place}"
    usable = [dataset for dataset in built if dataset.manifest.frames is not None]
    dataset = (usable or built)[0]
    return " ".join(_next_step(dataset.manifest, dataset.folder).split())


def print_datasets(root: Path) -> None:
    """Print the datasets that can be built, and the built ones.

    Args:
        root: The folder of the datasets.
    """
    console = make_console()
    console.print(Text("can be built: dvtr-bench build NAME", "bold"))
    buildable = plain_table("name", "what it is", "splits", "licence")
    for name, module in DATASETS.load_all().items():
        info: DatasetInfo = module.INFO
        buildable.add_row(name, info.summary, _expected(info), info.licence.id)
    console.print(buildable)
    for problem in DATASETS.problems():
        console.print(Text(f"note: {problem}"), soft_wrap=True)
    console.print(Text("all that is known of one: dvtr-bench info NAME"))
    built = find_datasets(root)
    if not built:
        console.print(Text(f"built under {root}: none yet"))
        return
    console.print(Text(f"built under {root}", "bold"))
    table = plain_table(
        "name", "version", "train/validation/test videos", "frames", "size", "print"
    )
    # A name is typed or pasted into other commands: it stands in one piece.
    table.columns[0].no_wrap = True
    for dataset in built:
        manifest = dataset.manifest
        table.add_row(
            dataset.label,
            manifest.version,
            _counts(manifest),
            manifest.frames.sampling if manifest.frames else "none",
            size_text(manifest.size_bytes),
            manifest.fingerprint[:FINGERPRINT_SHOWN],
        )
    console.print(table)


def _splits(build: Build) -> Table:
    table = plain_table(
        "split", "videos", "captions", "shared captions", "t2v R@1 ceiling", figures=True
    )
    for name, split in build.dataset.manifest.splits.items():
        shared = build.report.captions[name].shared_percent if build.report else None
        ceiling = split.identical_caption_ceiling
        table.add_row(
            name,
            f"{split.num_videos:,}",
            f"{split.num_captions:,}",
            "" if shared is None else f"{shared:.1f}%",
            "" if ceiling is None else f"{ceiling:.2f}",
        )
    return table


def _sizes(manifest: Manifest) -> str:
    frames = manifest.frames
    if frames is None:
        return f"annotations only, no frames; {size_text(manifest.size_bytes)}"
    return (
        f"{count_of(frames.num_frames, 'frame')} ({frames.sampling}, {frames.image_format}), "
        f"{size_text(frames.mean_frame_bytes)} each; {size_text(manifest.size_bytes)} in all"
    )


def _remarks(build: Build) -> Iterable[str]:
    manifest = build.dataset.manifest
    yield from manifest.notes
    for reason, count in manifest.left_out.items():
        ids = build.report.left_out[reason] if build.report else ()
        listed = bullets(ids if reason == BROKEN else list(map(repr, ids)))
        path = build.dataset.folder / REPORT_NAME
        yield f"left out, {reason}: {count:,}, all of them listed in {path}{listed}"
    if build.report is None:
        return
    for split, captions in build.report.captions.items():
        if captions.empty:
            yield f"captions of zero words, kept as published: {len(captions.empty)} in {split}"
    if build.report.clips and build.report.clips.identical_files:
        yield _same_files(build.dataset, build.report.clips.identical_files)
    yield from _look_alike(build)


def _same_files(dataset: BuiltDataset, groups: Sequence[Sequence[str]]) -> str:
    split_of = {video_id: name for name in dataset for video_id in dataset.split(name).video_ids}
    crossing = [ids for ids in groups if len({split_of[video_id] for video_id in ids}) > 1]
    where = "none of them in more than one split"
    if crossing:
        first = " = ".join(f"{video_id!r} ({split_of[video_id]})" for video_id in crossing[0][:5])
        where = f"{len(crossing):,} of them in more than one split, such as {first}"
    return (
        f"{count_of(sum(map(len, groups)), 'clip')} are {count_of(len(groups), 'file')} under "
        f"several ids, {where}; all listed in {REPORT_NAME}"
    )


def _look_alike(build: Build) -> Iterable[str]:
    found = build.report.near_duplicates if build.report else None
    if found is None:
        return
    folder = build.dataset.folder
    for overlap in found.splits:
        both = {overlap.first_split, overlap.second_split}
        pairs = (one for one in found.pairs if {one.first_split, one.second_split} == both)
        pair = next(pairs, None)
        example = f", such as {pair.first_id!r} and {pair.second_id!r}" if pair else ""
        yield (
            f"{count_of(overlap.pairs, 'pair')} of clips of {overlap.first_split} and "
            f"{overlap.second_split} {by_number(overlap.pairs, 'looks', 'look')} alike{example}; "
            f"listed in {folder / REPORT_NAME}. "
            f"`dvtr-bench audit {_typed(build.dataset.manifest, folder)}` draws them"
        )


def _next_step(manifest: Manifest, folder: Path) -> str:
    name = _typed(manifest, folder)
    if manifest.frames is None:
        return "next:     build again with --clips DIR to train and evaluate on it"
    if "train" not in manifest.splits:
        return f"next:     dvtr-bench evaluate --model MODEL --dataset {name}"
    return f"next:     dvtr-bench train --model msam --dataset {name}"


def _typed(manifest: Manifest, folder: Path) -> str:
    """Return how a dataset is named on the command line."""
    by_name = folder.parent == ROOT and folder.name.partition(MARK)[0] == manifest.name
    return folder.name if by_name else shlex.quote(str(folder))


def _expected(info: DatasetInfo) -> str:
    return "/".join(f"{videos:,}" for videos, _ in info.expected.values()) or "as you choose"


def _counts(manifest: Manifest) -> str:
    splits = manifest.splits
    return "/".join(
        f"{splits[split].num_videos:,}" if split in splits else "-"
        for split in ("train", "validation", "test")
    )
