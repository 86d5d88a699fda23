"""Other ways to score a trained MSAM: the same weights, another block of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.errors import WeightsError

if TYPE_CHECKING:
    from msam.models.msam import Model

SCORING_ONLY: Final = frozenset({"text_block", "bank_size"})
"""Fields of the configuration that never change how MSAM is trained: training always takes its
batch as the block. So all of them share a checkpoint, which validation at the default block has
chosen."""


def score_otherwise(
    model: "Model", settings: Mapping[str, Any], training_captions: Sequence[str]
) -> "Model":
    """Return a trained MSAM that scores otherwise, with the same weights.

    Args:
        model: Trained.
        settings: Fields among `SCORING_ONLY`.
        training_captions: All of them, in file order; a text bank is chosen from them.

    Returns:
        Another model on the same encoder, set for evaluation.

    Raises:
        ConfigError: A setting out of range, or more captions in the bank than there are.
        WeightsError: The settings ask for weights that the model does not have.
    """
    other = type(model)(replace(model.config, **settings), model.encoder)
    fit = other.load_state_dict(model.state_dict(), strict=False)
    if unfit := [*fit.unexpected_keys, *(key for key in fit.missing_keys if key != "bank_tokens")]:
        raise WeightsError(f"{settings} needs other weights than were trained: {', '.join(unfit)}")
    other.see_training_captions(training_captions)
    return other.to(model.device).eval()
