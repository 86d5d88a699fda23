"""The dataset card, `README.md`: YAML that Hugging Face reads, prose that people read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from unicodedata import category

from builders.documents.report import BuildReport, CaptionReport, center_crop_note
from builders.engine.assemble import Assembled
from builders.engine.parquet import Rows, hf_features
from builders.sources.source import DatasetInfo
from dvtr_bench.dataset.fingerprint import version_tag
from dvtr_bench.dataset.manifest import (
    TREATMENT_FIELD,
    Manifest,
    licence_fields,
)
from dvtr_bench.errors import InputError
from dvtr_bench.reports.others_text import safe_block, safe_code, safe_prose
from dvtr_bench.runtime.terminal import count_of, printable_lines

WHAT_TO_KNOW: Final = "What to know"
CLIPS: Final = "Clips"
CLIPS_FROM: Final = "Where the clips come from: "

_HOW_FRAMES_ARE_PICKED = {
    "uniform": "the frame shown at the middle of each of {count} equal segments of time",
    "fps": "the frames shown at each step of {rate} from the start, at most {count}",
}


def prose(info: DatasetInfo, manifest: Manifest, report: BuildReport) -> str:
    """Write the prose of a card.

    Args:
        info: Description of the dataset.
        manifest: The manifest.
        report: The build report.

    Returns:
        Markdown, from the title on.
    """
    # Notes and findings quote tables of others.
    sentences = [*info.flaws, *map(safe_prose, (*manifest.notes, *findings(report)))]
    parts = [
        f"# {manifest.pretty_name}",
        f"{info.description}\n\n{identity(manifest)}",
        f"## Use\n\n{_use(manifest)}",
        f"## Splits\n\n{_splits(manifest, report)}",
        f"## {CLIPS}\n\n{CLIPS_FROM}{info.clips_from}." if info.clips_from else "",
        f"## Frames\n\n{_frames(manifest, report)}",
        f"## {WHAT_TO_KNOW}\n\n" + "\n".join(f"- {sentence}" for sentence in sentences)
        if sentences
        else "",
        f"## Columns\n\n{_columns(manifest)}",
        f"## For retrieval tools\n\n{_tools(manifest)}",
        f"## Sources and licence\n\n{_sources(manifest)}",
        f"## Citation\n\n{safe_block(manifest.citation, 'bibtex')}" if manifest.citation else "",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def identity(manifest: Manifest) -> str:
    """Return sentences that identify the build of a card."""
    return (
        f"Version {manifest.version}, fingerprint `{manifest.fingerprint}`, made by "
        f"{manifest.built_with}. The fingerprint is a SHA-256 over all rows and settings: equal "
        "fingerprints mean equal ids, captions, splits, clips and frame settings."
    )


def _use(manifest: Manifest) -> str:
    repository = f'"dvtr/{manifest.name}"'
    clips = (
        f'clips = load_dataset({repository}, "clips")  # the file of each clip\n'
        'clips = clips.cast_column("video", Video(decode=False))  # its bytes, without torchcodec\n'
    )
    imported = "Video, load_dataset" if manifest.keeps_clips else "load_dataset"
    return (
        "```python\n"
        f"from datasets import {imported}\n\n"
        f"videos = load_dataset({repository})  # one row per video\n"
        f'captions = load_dataset({repository}, "captions")  # one row per caption\n'
        f'qrels = load_dataset({repository}, "qrels")  # which video is relevant\n'
        f"{clips if manifest.keeps_clips else ''}"
        "```\n\n"
        f"That reads the folder where it was built. From the Hub, put the repository's name in "
        f'its place and say the version: `revision="{version_tag(manifest.version)}"`. '
        "`streaming=True` works."
    )


def _tools(manifest: Manifest) -> str:
    split = "test" if "test" in manifest.splits else next(iter(manifest.splits))
    repository = f'"dvtr/{manifest.name}"'
    return (
        "In the form of BEIR (`corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`), and with the "
        "column names that mteb reads; the pixels of a video are in the column `frames`:\n\n"
        "```python\n"
        "from pathlib import Path\n\n"
        "from datasets import Dataset, load_dataset\n\n"
        f'captions = load_dataset({repository}, "captions", split="{split}")\n'
        f'qrels = load_dataset({repository}, "qrels", split="{split}")\n'
        'videos = captions.unique("video_id")\n'
        'corpus = Dataset.from_dict({"_id": videos, "title": [""] * len(videos), '
        '"text": [""] * len(videos)})\n'
        'queries = captions.rename_columns({"caption_id": "_id", "caption": "text"})\n\n'
        'Path("qrels").mkdir()\n'
        'corpus.to_json("corpus.jsonl")\n'
        'queries.to_json("queries.jsonl")\n'
        f'qrels.to_csv("qrels/{split}.tsv", sep="\\t", index=False)\n'
        "```\n\n"
        f"For trec_eval, `trec/{split}.qrels` is there already. Its ids are percent-encoded, "
        "because TREC files end an id at the first space; `urllib.parse.unquote` gives them back."
    )


def _splits(manifest: Manifest, report: BuildReport) -> str:
    lines = [
        "| split | videos | captions | captions another video shares | t2v R@1 ceiling | "
        "captions also in train |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, split in manifest.splits.items():
        captions = report.captions[name]
        in_train = captions.in_train_percent
        lines.append(
            f"| {name} | {split.num_videos:,} | {split.num_captions:,} | "
            f"{captions.shared_percent:.1f}% | {captions.identical_caption_ceiling:.2f} | "
            f"{'' if in_train is None else f'{in_train:.1f}%'} |"
        )
    lines += [
        "",
        "The ceiling is the highest text-to-video R@1 (percent) that a model which sees the text "
        "alone can expect: captions that several videos of a split share cannot tell them apart. "
        "Captions are compared as `caption.strip().lower()` within a split.",
    ]
    return "\n".join(lines)


def _frames(manifest: Manifest, report: BuildReport) -> str:
    frames, clips = manifest.frames, report.clips
    if frames is None or clips is None:
        return (
            "None: this is an annotations-only build. The column `frames` and all columns after "
            "it that come from clips are null."
        )
    sampled, _, count = frames.sampling.partition(":")
    form = _HOW_FRAMES_ARE_PICKED["fps" if sampled.endswith("fps") else "uniform"]
    stored = (
        "PNG, bit-exact"
        if frames.image_format == "png"
        else "JPEG, quality {}, chroma {}".format(*frames.image_format.split(":", 2)[1:])
    )
    return (
        f"Every clip was decoded once, in order. Stored is {form.format(count=count, rate=sampled)}"
        f" (`{frames.sampling}`), with its time in `frame_pts_seconds`, resized to a short side of "
        f"{frames.short_side_px} pixels (bicubic with antialiasing, as CLIP's own preprocessing "
        f"does) and stored as {stored}: {count_of(frames.num_frames, 'frame')} of "
        f"{frames.mean_frame_bytes:,.0f} bytes on average.\n\n"
        f"The clips: {_listed(clips.codecs)}; {_listed(clips.sizes_px)} pixels; "
        f"{_range(*clips.fps)} frames a second; {_range(*clips.duration_seconds)} "
        f"seconds. Colour was read as {_listed(clips.colour)}. {center_crop_note(clips, frames)}"
    )


def _columns(manifest: Manifest) -> str:
    extra_columns = ", ".join(map(safe_code, manifest.extra_columns))
    text = (
        "`video_id`, `category`, `captions` (verbatim, in source order), `frames`, "
        "`frame_pts_seconds`, and what decoding found: `duration_seconds`, `source_fps`, "
        "`source_width_px`, `source_height_px`, `source_num_frames`, `source_codec`, "
        "`source_colour`, `rotation_degrees`, `clip_sha256`, `perceptual_hash` (for near-duplicate "
        "search)."
    )
    if extra_columns:
        text += f" This dataset adds {extra_columns}."
    if TREATMENT_FIELD.name in manifest.extra_columns:
        text += (
            f" `{TREATMENT_FIELD.name}` says what was applied to a clip so that its frames look as "
            "a player shows it; it is null where nothing was."
        )
    if manifest.keeps_clips:
        text += (
            "\n\nConfig `clips`: `video_id` and `video`, the file of the clip, byte for byte: its "
            "SHA-256 is `clip_sha256`."
        )
    return text


def _sources(manifest: Manifest) -> str:
    lines = [manifest.licence.statement]
    if manifest.licence.link:
        lines[0] += f" See {manifest.licence.link}."
    if manifest.homepage:
        lines.append(f"Homepage: {manifest.homepage}")
    if manifest.sources:
        lines.append("Read from:")
        lines.append(
            "\n".join(
                f"- {safe_code(source.name)}, SHA-256 `{source.sha256}`"
                + (f", published at {source.url}" if source.url else "")
                for source in manifest.sources
            )
        )
    return "\n\n".join(lines)


def findings(report: BuildReport) -> Iterator[str]:
    """Yield findings about captions and clips, one sentence each."""
    for reason, ids in report.left_out.items():
        yield f"Left out, {reason}: {len(ids):,}; listed in build-report.json."
    for split, captions in report.captions.items():
        yield from _caption_findings(split, captions)
    if report.clips and report.clips.identical_files:
        yield (
            "Groups of ids whose clips are the same file, byte for byte: "
            f"{len(report.clips.identical_files):,}; listed in build-report.json."
        )
    for overlap in report.near_duplicates.splits if report.near_duplicates else ():
        yield (
            f"Clips that look alike across splits, {overlap.first_split} and "
            f"{overlap.second_split}: {count_of(overlap.pairs, 'pair')}, of "
            f"{overlap.first_clips:,} and "
            f"{count_of(overlap.second_clips, 'clip')}; listed in build-report.json. They were "
            "found by perceptual hashes of frames: look at them before trusting them."
        )


def _caption_findings(split: str, captions: CaptionReport) -> Iterator[str]:
    if captions.empty:
        ids = ", ".join(map(safe_code, captions.empty[:5]))
        yield f"{split}: captions of zero words, kept: {len(captions.empty)} ({ids})."
    if captions.over_30_words:
        yield f"{split}: captions of over 30 words: {captions.over_30_words:,}."
    if captions.videos_repeating_a_caption:
        count = captions.videos_repeating_a_caption
        yield f"{split}: videos that repeat a caption of their own: {count:,}."


def _listed(counts: Mapping[str, int]) -> str:
    items = list(counts.items())
    shown = [f"{name} ({count:,})" for name, count in items[:4]]
    if len(items) > 4:
        shown.append(f"{len(items) - 4} others")
    return ", ".join(shown)


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


CARD_NAME: Final = "README.md"
OWN_TAGS: Final = ("video", "dvtr-bench")
"""Tags of every dataset, before its own."""

_SIZE_STEPS: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def make_card(rows: Rows, assembled: Assembled, report: BuildReport) -> str:
    """Write the card of a dataset.

    Args:
        rows: The rows, for their columns.
        assembled: The files.
        report: The build report.

    Returns:
        The text of ``README.md``.
    """
    from huggingface_hub import DatasetCardData

    info = rows.source.info
    manifest = assembled.manifest
    metadata: dict[str, Any] = {
        "pretty_name": manifest.pretty_name,
        "language": [manifest.language],
        **licence_fields(manifest),
        "task_categories": ["text-retrieval", "text-to-video"],
        "tags": [*OWN_TAGS, *info.tags],
        "size_categories": [_size_category(manifest)],
        "configs": _configs(manifest),
        "dataset_info": _dataset_info(rows, assembled),
    }
    # Names of others lose their control characters; blanks of other kinds stay in names of columns.
    yaml = DatasetCardData(**metadata).to_yaml().split("\n")
    about = "\n".join("".join(" " if category(x)[0] == "C" else x for x in line) for line in yaml)
    return f"---\n{about}\n---\n\n{printable_lines(prose(info, manifest, report))}"


def _size_category(manifest: Manifest) -> str:
    videos = sum(split.num_videos for split in manifest.splits.values())
    return next((name for limit, name in _SIZE_STEPS if videos < limit), "n>10M")


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {
            "config_name": config,
            **({"default": True} if config == "default" else {}),
            "data_files": [
                {"split": name, "path": list(split.paths(config))}
                for name, split in manifest.splits.items()
            ],
        }
        for config in manifest.configs
    ]


def _dataset_info(rows: Rows, assembled: Assembled) -> list[dict[str, Any]]:
    entries = []
    for config in assembled.manifest.configs:
        splits, download_size = [], 0
        for name, split in assembled.manifest.splits.items():
            files = [file for file in split.files if file.config == config]
            download_size += sum(file.size_bytes for file in files)
            splits.append(
                {
                    "name": name,
                    "num_bytes": assembled.num_bytes[config, name],
                    "num_examples": sum(file.num_rows for file in files),
                }
            )
        entries.append(
            {
                "config_name": config,
                "features": hf_features(rows.schema_of(config))._to_yaml_list(),
                "splits": splits,
                "download_size": download_size,
                "dataset_size": sum(
                    assembled.num_bytes[config, name] for name in assembled.manifest.splits
                ),
            }
        )
    return entries


def read_info(text: str, manifest: Manifest, report: BuildReport) -> DatasetInfo:
    """Read a dataset's description from a card that `make_card` wrote.

    Args:
        text: The card.
        manifest: Manifest of the same dataset.
        report: Build report of the same dataset.

    Returns:
        The description, without fields that only a build needs.

    Raises:
        InputError: It is not such a card.
    """
    from huggingface_hub import DatasetCard

    card: Any = DatasetCard(text, ignore_metadata_errors=True)
    intro, *sections = card.text.split("\n\n## ")
    head = printable_lines(f"# {manifest.pretty_name}\n\n")
    tail = printable_lines(f"\n\n{identity(manifest)}")
    if head not in intro or tail not in intro:
        raise InputError("not the card that this dataset was built with")
    bodies = {title: body for title, _, body in (part.partition("\n\n") for part in sections)}
    own = (*manifest.notes, *findings(report))
    from_this_build = {*map(safe_prose, own), *map(printable_lines, own)}
    sentences = [
        sentence.removeprefix("- ") for sentence in bodies.get(WHAT_TO_KNOW, "").splitlines()
    ]
    return DatasetInfo(
        name=manifest.name,
        version=manifest.version,
        pretty_name=manifest.pretty_name,
        summary=manifest.summary,
        description=intro.partition(head)[2].partition(tail)[0],
        licence=manifest.licence,
        homepage=manifest.homepage,
        citation=manifest.citation,
        clips_from=bodies.get(CLIPS, "").removeprefix(CLIPS_FROM).strip().removesuffix("."),
        flaws=tuple(
            sentence for sentence in sentences if sentence and sentence not in from_this_build
        ),
        language=manifest.language,
        tags=tuple(tag for tag in card.data.tags or () if tag not in OWN_TAGS),
    )
