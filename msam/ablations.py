"""MSAM's ablations: what its paper leaves open, each one field of `msam.models.msam.Config`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dvtr_bench.ablation.variant import Ablations, Question, Variant, Verdict
from dvtr_bench.errors import WeightsError

if TYPE_CHECKING:
    from msam.models.msam import Model

VARIANTS: Final = (
    Variant("full", "as published: fusion pooling, text block 32, K 7, whole frames"),
    Variant("semantics=off", "no adaptive semantics: L_sim alone", {"semantics": False}),
    Variant("kl_loss=off", "no L_kl", {"kl_loss": False}),
    Variant("diversity_loss=off", "no L_div", {"diversity_loss": False}),
    *(
        Variant(f"K={number}", f"{number} semantics in place of 7", {"num_semantics": number})
        for number in (1, 3, 5, 9)
    ),
    Variant("pooling=mean", "mean over frames, sees no text", {"pooling": "mean"}),
    Variant("pooling=max", "maximum over frames, sees no text", {"pooling": "max"}),
    Variant(
        "pooling=attention",
        "pooled for each text by itself, nothing from other texts",
        {"pooling": "attention"},
    ),
    Variant("regions=grid", "region means over a grid of each frame", {"regions": "grid"}),
    Variant("regions=learned", "learned slots over each frame's patches", {"regions": "learned"}),
    Variant(
        "text_block=1",
        "the full model's weights, each query alone",
        {"text_block": 1},
        with_full=True,
    ),
    Variant(
        "text_block=all",
        "the full model's weights, all queries in one block",
        {"text_block": "all"},
    ),
    Variant(
        "text_block=text_bank",
        "the full model's weights, training captions in the block's place",
        {"text_block": "text_bank"},
    ),
)
"""The rows, the full model first. K 7, fusion pooling, whole frames and block 32 are its own."""

SCORING_ONLY: Final = frozenset({"text_block", "bank_size"})
"""Training always takes its batch as the block, so these share the full model's checkpoint, which
validation at the full model's own block has chosen."""

QUESTIONS: Final = (
    Question(
        "pooling=attention",
        "text_block=1",
        "Fusion pooling where each query stands alone (block 1), against attention pooling",
    ),
    Question(
        "text_block=1",
        "full",
        "The text block: the same fusion weights at block 32 in place of block 1",
    ),
    Question(
        "pooling=attention",
        "full",
        "Fusion pooling as published (block 32), against attention pooling",
    ),
)
"""Whether fusion pooling gains by itself or only through its block of other queries."""


_SUBJECT: Final = "By T2V R@1, fusion pooling"


def conclude(verdicts: Sequence[Verdict]) -> str:
    """Say what the answers to `QUESTIONS` come to.

    Args:
        verdicts: One for each question, in order.

    Returns:
        One sentence.
    """
    alone, block, published = (verdict == "gain" for verdict in verdicts)
    if alone and published:
        return f"{_SUBJECT} gains on attention pooling, also where each query stands alone."
    if alone:
        return (
            f"{_SUBJECT} gains on attention pooling where each query stands alone; with the "
            "published text block no gain is seen."
        )
    if published and block:
        return (
            f"{_SUBJECT} gains on attention pooling only through its text block: where each query "
            "stands alone, no gain is seen."
        )
    if published:
        return (
            f"{_SUBJECT} as published gains on attention pooling, but neither fusion without other "
            "queries nor the text block alone is seen to."
        )
    return (
        f"{_SUBJECT} is not seen to gain on attention pooling, with its text block or without"
        f"{'; it loses' if 'loss' in verdicts else ''}."
    )


def with_scoring(
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


MSAM: Final = Ablations("msam", VARIANTS, SCORING_ONLY, QUESTIONS, with_scoring, conclude)
"""All of it, as `dvtr-bench ablate` takes it."""
