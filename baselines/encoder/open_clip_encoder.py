"""A backbone of open_clip that is not built like CLIP: SigLIP, SigLIP 2, PE, CoCa, EVA and others.

Texts go through the model's own tokenizer and are padded to its own length, since most of these
towers see their padding. Sigmoid-trained ones have a bias on their logits; scores are cosines, in
which it has no place, so that training goes on with the scale alone.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.encoder.caption_tokenizer import (
    CLIP_TOKENIZER,
    CaptionTokenizer,
    ClipTokenizer,
    HubTokenizer,
)
from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.open_clip_towers import (
    build_towers,
    frames_and_patches,
    patch_grid,
    switch_checkpointing,
    text_and_words,
)
from baselines.encoder.preprocessing import FITS
from baselines.weights.open_clip_config import Preprocess
from dvtr_bench.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Side

_MOST_TOKENIZER_BYTES: Final = 1 << 28


class OpenClipEncoder(FrameEncoder):
    """The towers of any model of open_clip, with its own tokenizer.

    Args:
        architecture: Its name, for records and messages.
        config: open_clip's configuration of it, without any path.
        tokenizer: Its tokenizer; for one of the Hub whose bytes are loaded afterwards, what it
            describes itself as.
        quick_gelu: Whether its towers use QuickGELU.
        preprocess: How its images are prepared.
        text_config: Configuration of a text tower of transformers; None for open_clip's own.
        tanh_gelu: Whether GELU is computed by tanh, as in SigLIP of transformers.

    Attributes:
        has_logit_bias: Whether it was trained with a bias on its logits, which is left out.
        preprocess: How its images are prepared.

    Source: open_clip 3 ``create_model`` and ``get_tokenizer``. differs: a caption that is cut at
        fewer tokens than the tower's own length is padded to that length.
    """

    tokenizer_bytes: torch.Tensor | None

    def __init__(
        self,
        architecture: str,
        config: Mapping[str, Any],
        tokenizer: CaptionTokenizer | Mapping[str, Any],
        *,
        quick_gelu: bool,
        preprocess: Preprocess,
        text_config: Mapping[str, Any] | None = None,
        tanh_gelu: bool = False,
    ) -> None:
        """Build the towers with random weights."""
        nn.Module.__init__(self)
        clip = build_towers(
            config,
            quick_gelu=quick_gelu,
            text_config=text_config,
            architecture=architecture,
            tanh_gelu=tanh_gelu,
        )
        context = int(config["text_cfg"].get("context_length", 77))
        self._usual_context = context
        self._take(
            clip,
            config,
            architecture=architecture,
            quick_gelu=quick_gelu,
            context_length=context,
            mean=preprocess.mean,
            std=preprocess.std,
        )
        tower: Any = getattr(clip, "text", clip)
        self._vocabulary_size = int(tower.vocab_size)
        self._config = dict(config)
        self._text_config = None if text_config is None else dict(text_config)
        self.preprocess = preprocess
        self.frame_fit = FITS[preprocess.resize_mode]
        self.interpolation = preprocess.interpolation
        self._tanh_gelu = tanh_gelu
        self.has_logit_bias = "init_logit_bias" in config
        self._tokenizer: CaptionTokenizer | None = None
        content = None
        if isinstance(tokenizer, Mapping):
            content = torch.zeros(tokenizer["bytes"], dtype=torch.uint8)
            self._facts = dict(tokenizer)
        else:
            self._tokenizer = tokenizer
            self._facts = dict(tokenizer.describe())
            if isinstance(tokenizer, HubTokenizer):
                content = torch.frombuffer(bytearray(tokenizer.content), dtype=torch.uint8)
        self.register_buffer("tokenizer_bytes", content)

    @classmethod
    def rebuild(cls, description: Mapping[str, Any]) -> "OpenClipEncoder":
        """Build what `describe` described; weights and the Hub's tokenizers are loaded afterwards.

        Args:
            description: What ``describe`` returned, perhaps read from a file of others.

        Returns:
            The encoder with random weights.

        Raises:
            ConfigError: A part is missing, of another type, or cannot be built.
            WeightsError: The configuration lacks a part.
        """
        parts = description["open_clip"]
        if not isinstance(parts, Mapping):
            raise ConfigError("backbone.open_clip: expected an object")
        for name in ("config", "preprocess", "tokenizer"):
            if not isinstance(parts.get(name), Mapping):
                raise ConfigError(f"backbone.open_clip.{name}: expected an object")
        text_config = parts.get("text_config")
        if text_config is not None and not isinstance(text_config, Mapping):
            raise ConfigError("backbone.open_clip.text_config: expected an object or null")
        stated = dict(parts["tokenizer"])
        tokenizer: CaptionTokenizer | Mapping[str, Any] = stated
        if stated.get("name") == CLIP_TOKENIZER:
            tokenizer = ClipTokenizer({key: stated[key] for key in stated if key != "name"})
        else:
            size = stated.get("bytes")
            if type(size) is not int or not 0 < size <= _MOST_TOKENIZER_BYTES:
                raise ConfigError("backbone.open_clip.tokenizer.bytes: expected a number of bytes")
        return cls(
            description["architecture"],
            parts["config"],
            tokenizer,
            quick_gelu=description["quick_gelu"],
            preprocess=Preprocess.of(parts["preprocess"]),
            text_config=text_config,
            tanh_gelu=parts.get("tanh_gelu") is True,
        )

    @property
    def tokenizer(self) -> CaptionTokenizer:
        """The model's own tokenizer.

        Raises:
            WeightsError: A checkpoint's bytes of it are damaged.
        """
        if self._tokenizer is None:
            if self.tokenizer_bytes is None:
                raise WeightsError(f"the backbone {self.architecture} has no tokenizer")
            loaded = HubTokenizer(bytes(self.tokenizer_bytes.cpu().numpy()))
            if loaded.describe() != self._facts:
                raise WeightsError(
                    f"the tokenizer of the backbone {self.architecture} is not the one that its "
                    "checkpoint describes: get the checkpoint again"
                )
            self._tokenizer = loaded
        return self._tokenizer

    @property
    def tokenizer_facts(self) -> Mapping[str, Any]:
        """What tells its tokenizer from others."""
        return self._facts

    @property
    def patch_grid(self) -> tuple[int, int] | None:
        """Rows and columns of patches; None for a backbone without."""
        return patch_grid(self.clip.visual)

    @property
    def text_tower(self) -> Any:
        """The module with the text tower's ``transformer`` and ``positional_embedding``.

        Raises:
            ConfigError: The text tower is one of transformers.
        """
        if self._text_config is not None:
            raise ConfigError(
                f"the text tower of {self.architecture} is one of transformers, from which no "
                "temporal encoder can start: use a head without one, such as clip4clip_meanp, "
                "clip4clip_seqlstm, drl_wti or xpool"
            )
        return getattr(self.clip, "text", self.clip)

    def row_length(self, max_words: int) -> int:
        """Return how long a row of token ids is: the tower's own length."""
        return self.context_length

    def tokenize(self, captions: Sequence[str], max_words: int) -> torch.Tensor:
        """Turn captions into token ids, cut at ``max_words`` and padded to the tower's length."""
        most = min(max_words, self.context_length)
        return self.tokenizer.tokens(captions, most, self.context_length)

    def longer_than(self, captions: Sequence[str], max_words: int) -> NDArray[np.bool_]:
        """Tell which captions have more tokens than are read: bool, T."""
        return np.array(self.tokenizer.count(captions)) > max_words

    def encode_text(
        self, tokens: torch.Tensor, *, whole: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Encode token ids.

        Args:
            tokens: int64, T x L.
            whole: Must be False.

        Returns:
            The texts' embeddings (T x C), the projected words (T x L' x C, L' the longest text of
            the batch) and their mask (bool, T x L'; False for padding). Not normalised.

        Raises:
            ConfigError: ``whole`` is True: padding has a meaning in CLIP's own text tower alone.
        """
        if whole:
            raise ConfigError(
                f"the text tower of {self.architecture} is not CLIP's own, whose padding the "
                "authors' code counts as words: set padding=masked"
            )
        embeds, words = text_and_words(self.clip, tokens)
        mask = self.tokenizer.mask(tokens)
        length = int(mask.sum(dim=1).max())
        return embeds, words[:, :length], mask[:, :length]

    def encode_patches(
        self, pixels: torch.Tensor, video_index: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode frames and their patches.

        Args:
            pixels: uint8, N x 3 x image_size x image_size.
            video_index: As for `encode_frames`.

        Returns:
            The frames' embeddings (N x C) and their patches (N x P x C), see `frames_and_patches`.

        Raises:
            ConfigError: The image tower has no patches.
        """
        if self.patch_grid is None:
            raise ConfigError(
                f"the backbone {self.architecture} has no patch tokens: use a head without "
                "regions, or a ViT backbone"
            )
        return frames_and_patches(self.clip.visual, self._images(pixels, video_index))

    def set_checkpointing(self, on: bool) -> None:
        """Switch activation checkpointing of both towers on or off: less memory, more time."""
        self.clip.visual.set_grad_checkpointing(on)
        if self._text_config is not None:
            switch_checkpointing(self.clip.text.transformer, on)
        else:
            self.text_tower.transformer.grad_checkpointing = on

    def key_parts(self, side: "Side") -> Mapping[str, Any]:
        """Return what the features of a side depend on beside weights and normalisation."""
        parts = self._parts()
        if side == "texts":
            return {name: value for name, value in parts.items() if name != "preprocess"}
        own = {name: parts[name] for name in ("config", "tanh_gelu")}
        return {**own, **super().key_parts(side)}

    def describe(self) -> Mapping[str, Any]:
        """Describe the backbone for records: enough to rebuild it, without its weights."""
        return {**super().describe(), "open_clip": self._parts()}

    def _parts(self) -> dict[str, Any]:
        preprocess = {
            "mean": list(self.preprocess.mean),
            "std": list(self.preprocess.std),
            "interpolation": self.preprocess.interpolation,
            "resize_mode": self.preprocess.resize_mode,
            "fill_color": self.preprocess.fill_color,
        }
        return {
            "config": self._config,
            "text_config": self._text_config,
            "preprocess": preprocess,
            "tokenizer": self._facts,
            "tanh_gelu": self._tanh_gelu,
        }
