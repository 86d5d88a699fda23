"""Check that the card, the build report and Croissant's file agree with ``dataset.json``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from builders.checks.verify.files import records
from builders.checks.verify.row_stream import Finding, shown
from builders.documents.card import CARD_NAME
from builders.documents.croissant import CROISSANT_NAME
from dvtr_bench.dataset.manifest import REPORT_NAME, Manifest
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import brief, reading, require_size
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes
from dvtr_bench.reports.others_text import safe_prose
from dvtr_bench.runtime.terminal import printable_lines

_LARGEST_CARD_BYTES: Final = 1 << 24


def check_card(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Compare ``README.md`` with the manifest: both its YAML and its prose.

    Args:
        folder: The dataset's folder.
        manifest: The manifest.

    Yields:
        Findings: what differs in the card, or is missing.
    """
    try:
        with reading(CARD_NAME, "a card"):
            size = (folder / CARD_NAME).stat().st_size
            require_size(CARD_NAME, size, _LARGEST_CARD_BYTES)
            text = (folder / CARD_NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except InputError as failure:
        yield Finding(CARD_NAME, str(failure).removeprefix(f"{CARD_NAME}: "))
        return
    if not text.startswith("---"):
        yield Finding(CARD_NAME, "it does not begin with YAML")
        return
    from huggingface_hub import DatasetCard

    try:
        card = DatasetCard(text, ignore_metadata_errors=True)
    except Exception as failure:  # foreign YAML can make the parser fail in many ways
        yield Finding(CARD_NAME, f"its YAML cannot be read ({brief(failure)})")
        return
    metadata, prose = vars(card.data), card.text
    expected = _expected_metadata(manifest)
    card_values = {name: metadata.get(name) for name in expected} | {"splits": _sizes(metadata)}
    for name, value in (expected | {"splits": _expected_sizes(manifest)}).items():
        if card_values[name] != value:
            yield Finding(
                CARD_NAME,
                f"its YAML says {name} {shown(card_values[name])}, dataset.json {shown(value)}",
            )
    yield from (
        Finding(CARD_NAME, f"its prose lacks the {name} of dataset.json, {shown(value)}")
        for name, value in _required_prose(manifest)
        # Cards of before have notes as they are.
        if safe_prose(value) not in prose and printable_lines(value) not in prose
    )


def check_report(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Compare ``build-report.json`` with the manifest.

    Args:
        folder: The dataset's folder.
        manifest: The manifest.

    Yields:
        Findings: what differs in the report.
    """
    try:
        report = parse_json(read_json_bytes(folder / REPORT_NAME), REPORT_NAME)
        report_values = {
            "left_out": {reason: len(ids) for reason, ids in report["left_out"].items()},
            "notes": list(report["notes"]),
            "captions": {
                split: (entry["num_captions"], entry["identical_caption_ceiling"])
                for split, entry in report["captions"].items()
            },
            "clips": report["clips"] is not None,
        }
    except FileNotFoundError:
        return
    except Exception as failure:  # another form fails in as many ways as there are look-ups
        yield Finding(REPORT_NAME, f"not a build report ({brief(failure)})")
        return
    expected = {
        "left_out": dict(manifest.left_out),
        "notes": list(manifest.notes),
        "captions": {
            name: (split.num_captions, split.identical_caption_ceiling)
            for name, split in manifest.splits.items()
        },
        "clips": manifest.frames is not None,
    }
    for name, value in expected.items():
        if report_values[name] != value:
            yield Finding(
                REPORT_NAME,
                f"it says {name} {shown(report_values[name])}, dataset.json {shown(value)}",
            )


def check_croissant(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    """Compare ``croissant.json``, if there is one, with the manifest.

    Args:
        folder: The dataset's folder.
        manifest: The manifest.

    Yields:
        Findings: what differs.
    """
    try:
        value = parse_json(read_json_bytes(folder / CROISSANT_NAME), CROISSANT_NAME)
        croissant_values = {"name": value["alternateName"], "version": value["version"]} | {
            entry["@id"]: (entry["sha256"], entry["contentSize"])
            for entry in value["distribution"]
            if entry["@type"] == "cr:FileObject"
        }
    except FileNotFoundError:
        return
    except Exception as failure:  # another form fails in as many ways as there are look-ups
        yield Finding(CROISSANT_NAME, f"not Croissant ({brief(failure)})")
        return
    expected = {"name": manifest.name, "version": manifest.version} | {
        file.path: (file.sha256, f"{file.size_bytes} B") for _, file in records(manifest)
    }
    for name in dict.fromkeys([*expected, *croissant_values]):
        croissant_value, expected_value = croissant_values.get(name), expected.get(name)
        if croissant_value != expected_value:
            message = (
                f"it says {name} {shown(croissant_value)}, dataset.json {shown(expected_value)}"
            )
            yield Finding(CROISSANT_NAME, message)


def _expected_metadata(manifest: Manifest) -> dict[str, Any]:
    return {
        "pretty_name": manifest.pretty_name,
        "language": [manifest.language],
        "license": manifest.licence.id,
        "configs": [
            {
                "config_name": config,
                **({"default": True} if config == "default" else {}),
                "data_files": [
                    {"split": name, "path": list(split.paths(config))}
                    for name, split in manifest.splits.items()
                ],
            }
            for config in manifest.configs
        ],
    }


def _expected_sizes(manifest: Manifest) -> dict[str, dict[str, int]]:
    return {
        config: {
            name: sum(file.num_rows for file in split.files if file.config == config)
            for name, split in manifest.splits.items()
        }
        for config in manifest.configs
    }


def _sizes(metadata: Mapping[str, Any]) -> dict[str, dict[str, int]] | None:
    """Return the rows of each split of each config, as the card counts them."""
    try:
        return {
            entry["config_name"]: {
                split["name"]: split["num_examples"] for split in entry["splits"]
            }
            for entry in metadata["dataset_info"]
        }
    except (KeyError, TypeError):
        return None


def _required_prose(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield what the prose of a card must contain verbatim."""
    yield "version", manifest.version
    yield "fingerprint", manifest.fingerprint
    yield "licence", manifest.licence.statement
    yield "citation", manifest.citation
    yield "homepage", manifest.homepage or ""
    yield from (("note", note) for note in manifest.notes)
    for source in manifest.sources:
        yield "source", source.sha256
        yield "source", source.url or ""
    for reason, count in manifest.left_out.items():
        yield "items left out", f"{reason}: {count:,}"
