"""The prose of a dataset card: what it is, how it was made, what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Final

from builders.documents.report import BuildReport, CaptionReport
from builders.sources.source import DatasetInfo
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.dataset.versions import version_tag
from dvtr_bench.reports.others_text import safe_code

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
    sentences = [*info.flaws, *manifest.notes, *findings(report)]
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
        f"## Citation\n\n```bibtex\n{manifest.citation}\n```" if manifest.citation else "",
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
    return (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f"videos = load_dataset({repository})  # one row per video\n"
        f'captions = load_dataset({repository}, "captions")  # one row per caption\n'
        f'qrels = load_dataset({repository}, "qrels")  # which video is relevant\n'
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
        f"does) and stored as {stored}: {frames.num_frames:,} frames of "
        f"{frames.mean_frame_bytes:,.0f} bytes on average.\n\n"
        f"The clips: {_listed(clips.codecs)}; {_listed(clips.sizes_px)} pixels; "
        f"{_range(*clips.fps)} frames a second; {_range(*clips.duration_seconds)} seconds. "
        f"Colour was read as {_listed(clips.colour)}."
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
    return f"{text} This dataset adds {extra_columns}." if extra_columns else text


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
