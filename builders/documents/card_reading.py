"""Reads back from a card what stands in no other file of a dataset."""

from typing import Any

from builders.documents.card import OWN_TAGS
from builders.documents.card_prose import CLIPS, CLIPS_FROM, WHAT_TO_KNOW, findings, identity
from builders.documents.report import BuildReport
from builders.sources.source import DatasetInfo
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.errors import InputError


def read_info(text: str, manifest: Manifest, report: BuildReport) -> DatasetInfo:
    """Read what a dataset's file said of it from a card that `make_card` wrote.

    Args:
        text: The card.
        manifest: Of the same dataset.
        report: Of the same dataset.

    Returns:
        The description of the dataset; without what only a build needs.

    Raises:
        InputError: It is no such card.
    """
    from huggingface_hub import DatasetCard

    card: Any = DatasetCard(text, ignore_metadata_errors=True)
    intro, *sections = card.text.split("\n\n## ")
    head, tail = f"# {manifest.pretty_name}\n\n", f"\n\n{identity(manifest)}"
    if head not in intro or tail not in intro:
        raise InputError("not the card that this dataset was built with")
    bodies = {title: body for title, _, body in (part.partition("\n\n") for part in sections)}
    told = {*manifest.notes, *findings(report)}
    known = [line.removeprefix("- ") for line in bodies.get(WHAT_TO_KNOW, "").splitlines()]
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
        flaws=tuple(line for line in known if line and line not in told),
        language=manifest.language,
        tags=tuple(tag for tag in card.data.tags or () if tag not in OWN_TAGS),
    )
