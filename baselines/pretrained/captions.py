"""Captions as a transformers model reads them: its own tokenizer, its own length, its own padding.

Three mistakes cost whole tables, and are decided here. SigLIP's text tower saw captions padded to
its full length and no mask in training, so it must see them so again: padded to the longest caption
of a batch, its recall falls. SigLIP 2 was trained on lower-case captions, which the tokenizer in
many of its folders does not make. And captions are padded on the side, and with the mask, that the
tokenizer's files say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError, WeightsError

FULL_LENGTH: Final = frozenset({"siglip", "siglip2"})
"""Types of models trained on captions padded to the full length, without a mask."""

_LOWER_CASE: Final = frozenset({"siglip", "siglip2"})
"""Types of models trained on lower-case captions. Most SigLIP 2 are of the type ``siglip``."""

_STEP: Final = 8
"""Captions of other models are padded to a multiple of this, which depends on themselves alone."""

_NO_LIMIT: Final = 1 << 20
"""Tokenizers without a limit state one in this order or above."""


class Captions:
    """Turns captions into a text tower's inputs.

    Args:
        tokenizer: The model's tokenizer, of transformers.
        defaults: How the model's processor calls it, such as ``{"padding": "max_length"}``.
        model_type: ``model_type`` of the model's configuration.
        positions: Positions of the text tower; None where its configuration does not say.
        accepted: Names of the tensors that the text tower takes.
        prompt: Text around each caption, with ``{}`` in the caption's place; None for none.
        max_words: Most tokens; None for as many as the text tower takes.
        where: Name of the model, for messages.

    Attributes:
        max_words: Most tokens that are read of a caption.
        full_length: Whether every caption is padded to that length.
        lower_case: Whether captions are made lower case here.

    Raises:
        ConfigError: ``max_words`` is more than the tower takes.
        WeightsError: The tokenizer has no tensor that the text tower takes.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        defaults: Mapping[str, Any],
        model_type: str,
        positions: int | None,
        accepted: frozenset[str],
        prompt: str | None,
        max_words: int | None,
        where: str,
    ) -> None:
        """Decide on length, padding and inputs."""
        own = self._own_length(tokenizer, defaults, positions)
        if max_words is not None and own is not None and max_words > own:
            raise ConfigError(
                f"max_words: the text tower of {where} takes {own}, found {max_words}"
            )
        if max_words is None and own is None:
            raise ConfigError(
                f"neither the tokenizer nor the configuration of {where} says how many tokens its "
                "text tower takes: set max_words"
            )
        self.max_words: int = max_words or own or 0
        trained_without_mask = model_type in FULL_LENGTH
        self.full_length = trained_without_mask or defaults.get("padding") == "max_length"
        self.lower_case = model_type in _LOWER_CASE
        self._tokenizer = tokenizer
        self._pads = tokenizer.pad_token_id is not None
        self._prompt = prompt
        self._names = [
            name
            for name in ("input_ids", "attention_mask", "token_type_ids", "position_ids")
            if name in accepted
            and not (trained_without_mask and name == "attention_mask")
            and not (name == "token_type_ids" and defaults.get("return_token_type_ids") is False)
        ]
        if "input_ids" not in self._names:
            raise WeightsError(f"the text tower of {where} takes no input_ids")

    def inputs(self, captions: Sequence[str]) -> Iterator[dict[str, torch.Tensor]]:
        """Yield the text tower's inputs for each caption: int64, 1 x L.

        L depends on the caption alone.
        """
        for text in self._texts(captions):
            yield self._tokens(text)

    def tokens_read(self, captions: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the tokens that are read, int64, T x L, and which captions have more, bool, T."""
        read = np.zeros((len(captions), self.max_words), dtype=np.int64)
        is_cut = np.zeros(len(captions), dtype=bool)
        for row, text in enumerate(self._texts(captions)):
            ids = self._ids(text)
            read[row, : len(ids)] = ids
            is_cut[row] = len(self._ids(text, cut=False)) > self.max_words
        return read, is_cut

    def _texts(self, captions: Sequence[str]) -> Iterator[str]:
        for caption in captions:
            text = caption if self._prompt is None else self._prompt.replace("{}", caption)
            yield text.lower() if self.lower_case else text

    def _tokens(self, text: str) -> dict[str, torch.Tensor]:
        length = self.max_words
        if not self.full_length:
            count = len(self._ids(text))
            # Padding on the left moves a caption's positions; without a token there is none.
            pads = self._tokenizer.padding_side == "right" and self._pads
            step = _STEP if pads else 1
            length = min(self.max_words, -(-count // step) * step)
        tokens = self._tokenizer(
            [text],
            padding="max_length" if self._pads else False,
            truncation=True,
            max_length=length,
            return_tensors="pt",
        )
        return {name: tokens[name] for name in self._names if name in tokens}

    def _ids(self, text: str, *, cut: bool = True) -> list[int]:
        limit = {"truncation": True, "max_length": self.max_words} if cut else {}
        ids: list[int] = self._tokenizer(text, verbose=False, **limit)["input_ids"]
        return ids

    @staticmethod
    def _own_length(
        tokenizer: Any, defaults: Mapping[str, Any], positions: int | None
    ) -> int | None:
        stated = [tokenizer.model_max_length, defaults.get("max_length"), positions]
        return min((one for one in stated if one is not None and one < _NO_LIMIT), default=None)
