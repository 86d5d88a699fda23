"""Which activation a backbone's layers have: most files of weights cannot tell, and nothing fails.

CLIP with GELU in place of QuickGELU, or the other way round, gives embeddings that are a little
wrong, without any error: what can be known is known here, and what cannot is told.
"""

import logging
from collections.abc import Mapping
from typing import Any

from baselines.backbone_spec import (
    QUICK_GELU_SUFFIX,
    TINY,
    BackboneSpec,
    architecture_config,
    has_architecture,
)
from dvtr_bench.errors import ConfigError

_LOGGER = logging.getLogger(__name__)


def choose_quick_gelu(
    spec: BackboneSpec, record: Mapping[str, Any], file_says: bool | None
) -> bool:
    """Choose between QuickGELU and GELU.

    Weights by tag have what open_clip records for the tag, a file that can tell has what it tells,
    and for any other file the architecture's name decides, which is then said in one line.

    Args:
        spec: The backbone as the user named it, with weights.
        record: open_clip's record of the tag; empty without one.
        file_says: Whether the weights were trained with QuickGELU; None where they cannot tell.

    Returns:
        True for QuickGELU.

    Raises:
        ConfigError: The name says QuickGELU and the file says GELU.
    """
    name = spec.architecture
    named = name != TINY and bool(architecture_config(name).get("quick_gelu"))
    if spec.tag is not None:
        return named or bool(record.get("quick_gelu")) or bool(file_says)
    if file_says is None:
        if not named and has_architecture(f"{name}{QUICK_GELU_SUFFIX}"):
            _LOGGER.warning(
                "note: %s does not say which activation its weights were trained with; %s has "
                "GELU. OpenAI's weights, and most that were fine-tuned from them, have QuickGELU: "
                "for those write --backbone %s%s/%s. The wrong one costs recall without an error; "
                "validation tells them apart",
                spec.path,
                name,
                name,
                QUICK_GELU_SUFFIX,
                spec.path,
            )
        return named
    if named and not file_says:
        raise ConfigError(
            f"{spec.path} was trained with GELU, and {name} has QuickGELU: write "
            f"{name.removesuffix(QUICK_GELU_SUFFIX)}/{spec.path}"
        )
    return file_says
