"""`dvtr-bench info`: everything known about a dataset, built or not."""

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.text import Text

from builders.documents.card import CARD_NAME, read_info
from builders.documents.report import BuildReport
from builders.sources.locate import LocatedDataset, locate_dataset
from builders.sources.published import AUTO
from builders.sources.source import DatasetInfo, SourceRecord, flag
from dvtr_bench.catalog import DATASETS
from dvtr_bench.dataset.manifest import REPORT_NAME, LicenceRecord, Manifest, size_text
from dvtr_bench.dataset.parquet_split import DatasetSplit, stored_sizes
from dvtr_bench.dataset.reader import find_datasets
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.reports.others_text import make_console, plain_table
from dvtr_bench.runtime.terminal import say as hint
from dvtr_bench.settings import settings_of
from dvtr_bench.video.model_view import seen_part, seen_share, seen_text

_WIDTH = 100


def print_info(name: str, root: Path) -> None:
    """Print what is known about a dataset: built, published, or not built yet.

    Args:
        name: Name or folder of a built dataset, a published one (``ORG/NAME@v1.0.0``), or a dataset
            that can be built.
        root: Folder in which names are looked up.

    Raises:
        NotFoundError: There is no such dataset.
        InputError: Its manifest cannot be read.
        PublishError: The Hub cannot be reached.
    """
    say, found = _Speaker(), _find(name, root)
    if isinstance(found, LocatedDataset):
        _print_built(say, found)
    else:
        _print_known(say, found, root)


def info_as_json(name: str, root: Path) -> dict[str, Any]:
    """Return what is known of a dataset as JSON values.

    Args:
        name: As `print_info` takes it.
        root: Where names are looked for.

    Returns:
        Of a built or published dataset its place, its manifest and its known flaws; of another one
        what its file says, and its options. ``built`` tells which.

    Raises:
        DvtrError: As `print_info`.
    """
    found = _find(name, root)
    if isinstance(found, LocatedDataset):
        about = {"built": True, "place": found.label, "known_flaws": list(_flaws(found))}
        return {"name": found.manifest.name, **about, "manifest": to_json(found.manifest)}
    options = [
        {
            "name": flag(setting.name),
            "meaning": setting.meaning,
            "required": setting.required,
            "default": None if setting.required else setting.default_text,
        }
        for setting in settings_of(found.Options)
    ]
    about = {"built": False, "command": _build_command(found), "options": options}
    return {"name": found.INFO.name, **about, "info": to_json(found.INFO)}


def _find(name: str, root: Path) -> LocatedDataset | ModuleType:
    """Return a dataset that is built or published, or else the file of one that can be built."""
    try:
        return locate_dataset(name, root)
    except NotFoundError:
        if name.lower().replace("-", "_") not in DATASETS.names():
            raise
        return DATASETS.load(name)


class _Speaker:
    """Prints titles, lines, paragraphs and lists in a common format."""

    def __init__(self) -> None:
        self.console = make_console()

    def line(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style), soft_wrap=True)

    def field(self, name: str, text: str | None) -> None:
        """Print a named line, unless it is empty."""
        if text:
            self.line(f"{name:<12} {text}")

    def paragraph(self, text: str) -> None:
        self.line(f"\n{_wrapped(text)}")

    def bullets(self, title: str, lines: Iterable[str]) -> None:
        """Print a list under a title, unless it is empty."""
        items = list(lines)
        if items:
            self.line(f"\n{title}", "bold")
        for text in items:
            self.line(_wrapped(text, "- ", "  "))

    def citation(self, text: str) -> None:
        if text:
            self.line("\ncitation", "bold")
            self.line(text)


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    """Wrap text, but not inside addresses."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print_built(say: _Speaker, dataset: LocatedDataset) -> None:
    manifest = dataset.manifest
    say.line(f"{manifest.name} {manifest.version}: {manifest.pretty_name}", "bold")
    say.line(manifest.summary)
    say.line("")
    say.field("folder" if dataset.folder else "on the Hub", dataset.label)
    say.field("fingerprint", manifest.fingerprint)
    say.field("frames", _frames(manifest))
    say.field("center crop", _seen(dataset))
    say.field("on disk", _sizes(manifest))
    say.field("columns", ", ".join(manifest.extra_columns) and _columns(manifest))
    say.field("language", manifest.language)
    say.field("licence", _licence(manifest.licence))
    say.field("homepage", manifest.homepage)
    say.field("built with", manifest.built_with)
    say.console.print(_splits(manifest))
    say.line(
        "ceiling: highest T2V R@1 in percent that identical captions leave to a model which sees "
        "the text alone"
    )
    say.bullets("annotation files", map(_source, manifest.sources))
    say.bullets(
        "left out (listed in build-report.json)",
        (f"{reason}: {count:,}" for reason, count in manifest.left_out.items()),
    )
    say.bullets("notes on this build", manifest.notes)
    say.bullets("known flaws", _flaws(dataset))
    say.citation(manifest.citation)
    if dataset.folder:
        hint(f"check it: dvtr-bench verify {dataset.folder}")


def _print_known(say: _Speaker, module: ModuleType, root: Path) -> None:
    info: DatasetInfo = module.INFO
    say.line(f"{info.name} {info.version}: {info.pretty_name}, not built under {root}", "bold")
    say.line(info.summary)
    say.paragraph(info.description)
    say.line("")
    say.field("licence", _licence(info.licence))
    say.field("homepage", info.homepage)
    say.field("clips", info.clips_from)
    say.field("expected", _expected(info.expected))
    say.bullets("annotation files", _published(info))
    say.bullets("known flaws", info.flaws)
    say.citation(info.citation)
    variants = [d.name for d in find_datasets(root) if d.name.startswith(f"{info.name}-")]
    say.bullets("built variants", (f"{name}: dvtr-bench info {name}" for name in variants))
    say.bullets("options", _options(module))
    say.line(f"\nbuild it: {_build_command(module)}")


def _frames(manifest: Manifest) -> str:
    frames = manifest.frames
    if frames is None:
        return "none (annotations only)"
    return (
        f"{frames.num_frames:,}, {frames.sampling}, short side {frames.short_side_px} px, "
        f"{frames.image_format}, {size_text(frames.mean_frame_bytes)} each, extractor "
        f"{frames.extractor}"
    )


def _seen(dataset: LocatedDataset) -> str | None:
    """Say what a model sees that cuts out the middle; None where no frames stand on this disk."""
    if dataset.folder is None or dataset.manifest.frames is None:
        return None
    frames = dataset.manifest.frames
    shares = [
        seen_share(seen_part(height, width, frames.short_side_px))
        for name in dataset.manifest.splits
        for height, width in stored_sizes(DatasetSplit(dataset.folder, dataset.manifest, name))
    ]
    return f"a model that has it sees {seen_text(shares, 'center_crop')}" if shares else None


def _sizes(manifest: Manifest) -> str:
    files = [file for split in manifest.splits.values() for file in split.files]
    parts = [
        f"{config} {size_text(sum(f.size_bytes for f in files if f.config == config))}"
        for config in manifest.configs
    ]
    return f"{size_text(manifest.size_bytes)} in {len(files)} Parquet files ({', '.join(parts)})"


def _columns(manifest: Manifest) -> str:
    return f"{', '.join(manifest.extra_columns)} (beside those that every dataset has)"


def _licence(licence: LicenceRecord) -> str:
    link = f" {licence.link}" if licence.link else ""
    return f"{licence.id}. {licence.statement}{link}"


def _splits(manifest: Manifest) -> object:
    table = plain_table("split", "videos", "captions", "ceiling", "files", "size", figures=True)
    for name, split in manifest.splits.items():
        ceiling = split.identical_caption_ceiling
        table.add_row(
            name,
            f"{split.num_videos:,}",
            f"{split.num_captions:,}",
            "" if ceiling is None else f"{ceiling:.2f}",
            str(len(split.files)),
            size_text(sum(file.size_bytes for file in split.files)),
        )
    return table


def _source(source: SourceRecord) -> str:
    origins = {
        True: "the published file, byte for byte",
        False: "NOT the published file",
        None: "no published checksum is known" if source.url else "of the user's own",
    }[source.is_published_file]
    return f"{source.name}: {origins}; SHA-256 {source.sha256[:16]}..." + (
        f"; {source.url}" if source.url else ""
    )


def _flaws(dataset: LocatedDataset) -> Sequence[str]:
    """Return the card's sentences beyond this build; an edited card is not parsed."""
    try:
        report = from_json(BuildReport, dataset.read_text(REPORT_NAME), REPORT_NAME)
        with reading(CARD_NAME, "a card of this build"):
            return read_info(dataset.read_text(CARD_NAME), dataset.manifest, report).flaws
    except (OSError, ValueError):
        card = dataset.folder / CARD_NAME if dataset.folder else f"the card of {dataset.label}"
        return (f"see {card}",)


def _expected(expected: Mapping[str, tuple[int, int | None]]) -> str:
    return ", ".join(
        f"{split} {videos:,} videos" + ("" if captions is None else f"/{captions:,} captions")
        for split, (videos, captions) in expected.items()
    )


def _published(info: DatasetInfo) -> Iterable[str]:
    for name, file in info.files.items():
        checked = f"SHA-256 {file.sha256[:16]}..." if file.sha256 else "no published checksum"
        inside = " (in this zip)" if file.in_zip else ""
        yield f"{name}: {checked}; {file.url}{inside}"


def _options(module: ModuleType) -> Iterable[str]:
    for setting in settings_of(module.Options):
        default = "required" if setting.required else f"default {setting.default}"
        default_note = "" if setting.default is None else f" ({default})"
        yield f"{flag(setting.name)}: {setting.meaning}{default_note}"


def _is_fetched(module: ModuleType) -> bool:
    """Return whether a dataset's annotation files can be downloaded without more options."""
    try:
        module.Options(annotations=AUTO)
    except ConfigError:
        return False
    return True


def _build_command(module: ModuleType) -> str:
    info: DatasetInfo = module.INFO
    fields = {field.name for field in dataclasses.fields(module.Options)}
    command = f"dvtr-bench build {info.name}"
    if "annotations" in fields:
        command += f" --annotations {'auto' if _is_fetched(module) else 'FOLDER'}"
    if "name" in fields:
        command += " --name NAME --captions FILE"
    if "clips" in fields:
        command += " --clips DIR (or --annotations-only, without frames)"
    return command
