"""Score a trained MSAM with other settings: the same weights, another block of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import WeightsError

if TYPE_CHECKING:
    from msam.models.msam import Model

SCORING_ONLY: Final = frozenset({"text_block", "bank_size"})
"""Configuration fields that never change training, in which the batch is always the block.

So models that differ only in them share a checkpoint, chosen on validation with the default block.
"""


def score_otherwise(
    model: "Model", settings: Mapping[str, Any], training_captions: Sequence[str]
) -> "Model":
    """Return a trained MSAM with other scoring settings and the same weights.

    Args:
        model: The trained model.
        settings: Fields in `SCORING_ONLY`.
        training_captions: All training captions in file order, for choosing a text bank.

    Returns:
        Another model with the same encoder, in evaluation mode.

    Raises:
        ConfigError: A setting is out of range, or the bank is larger than the number of captions.
        WeightsError: The settings need weights that the model does not have.
    """
    other = type(model)(replace(model.config, **settings), model.encoder)
    fit = other.load_state_dict(model.state_dict(), strict=False)
    if unfit := [*fit.unexpected_keys, *(key for key in fit.missing_keys if key != "bank_tokens")]:
        raise WeightsError(f"{settings} needs weights that were not trained: {', '.join(unfit)}")
    other.see_training_captions(training_captions)
    return other.to(model.device).eval()
