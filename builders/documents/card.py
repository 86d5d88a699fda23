"""The dataset card, `README.md`: YAML that Hugging Face reads, prose that people read."""

import re
from typing import Any, Final

import pyarrow as pa

from builders.documents.card_prose import CLIPS, CLIPS_FROM, WHAT_TO_KNOW, findings, identity, prose
from builders.documents.report import BuildReport
from builders.engine.assemble import Assembled
from builders.engine.parquet import hf_features
from builders.engine.rows import Rows
from builders.sources.source import DatasetInfo
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.dataset.schema import CAPTION_FIELDS, CONFIGS, QREL_FIELDS
from dvtr_bench.errors import InputError
from dvtr_bench.reports.others_text import printable_lines

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
        **_licence(manifest),
        "task_categories": ["text-retrieval", "text-to-video"],
        "tags": [*OWN_TAGS, *info.tags],
        "size_categories": [_size_category(manifest)],
        "configs": _configs(manifest),
        "dataset_info": _dataset_info(rows, assembled),
    }
    # Names of others stand in the card: control characters in them become spaces.
    return printable_lines(
        f"---\n{DatasetCardData(**metadata).to_yaml()}\n---\n\n{prose(info, manifest, report)}"
    )


def _licence(manifest: Manifest) -> dict[str, str]:
    """Return the licence fields for the Hub: an unknown licence needs a name and a link.

    The name is a lower-case identifier; the statement is in the prose. Source:
    huggingface/hub-docs, datasetcard.md.
    """
    licence = manifest.licence
    fields = {"license": licence.id}
    if licence.id == "other":
        fields["license_name"] = re.sub(r"[^a-z0-9.]+", "-", f"{manifest.name}-licence".lower())
    if licence.link:
        fields["license_link"] = licence.link
    return fields


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
        for config in CONFIGS
    ]


def _dataset_info(rows: Rows, assembled: Assembled) -> list[dict[str, Any]]:
    schemas = {
        "default": rows.schema,
        "captions": pa.schema(CAPTION_FIELDS),
        "qrels": pa.schema(QREL_FIELDS),
    }
    entries = []
    for config, schema in schemas.items():
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
                "features": hf_features(schema)._to_yaml_list(),
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
    from_this_build = set(map(printable_lines, (*manifest.notes, *findings(report))))
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
