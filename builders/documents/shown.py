"""How sizes, fingerprints and licences are shown to people."""

import re
from typing import Final

from dvtr_bench.dataset.manifest import Manifest

FINGERPRINT_SHOWN: Final = 12
"""Digits of a fingerprint that are shown."""


def size_text(count: float) -> str:
    """Return a number of bytes in readable form.

    Example:
        >>> size_text(1_562_587)
        '1.6 MB'
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.2f} GB"


def licence_fields(manifest: Manifest) -> dict[str, str]:
    """Return the licence fields for the Hub: an unknown licence needs a name and a link.

    The name is a lower-case identifier; the statement is in the prose. Source:
    huggingface/hub-docs, datasetcard.md.

    Args:
        manifest: The dataset.

    Returns:
        Fields of a card's YAML.
    """
    licence = manifest.licence
    fields = {"license": licence.id}
    if licence.id == "other":
        fields["license_name"] = re.sub(r"[^a-z0-9.]+", "-", f"{manifest.name}-licence".lower())
    if licence.link:
        fields["license_link"] = licence.link
    return fields
