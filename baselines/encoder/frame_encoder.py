"""The CLIP of all models here: encodes frames and captions as embeddings."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from baselines.encoder.patches_over_time import PatchesOverTime, with_neighbours
from baselines.encoder.residual_blocks import encode_images, run_blocks
from baselines.weights.backbone_spec import (
    TINY,
    TINY_CONFIG,
    VOCABULARY_SIZE,
    architecture_config,
    tiny_tokenizer,
)
from baselines.weights.open_clip_config import is_plain
from dvtr_bench.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Side
    from dvtr_bench.video.model_view import FrameFit, Interpolation

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)


class FrameEncoder(nn.Module):
    """CLIP's two towers, which compute the embeddings for heads.

    Args:
        architecture: ``tiny`` or open_clip's name of a CLIP architecture.
        quick_gelu: Whether its towers use QuickGELU, as OpenAI's weights need.
        mean: Mean of the training pixels in 0..1, by channel.
        std: Their standard deviation.
        context_length: Most tokens of a text; None for as many as the architecture has (77).

    Attributes:
        embed_dim: C, the width of every embedding.
        image_size: Side of the input pixels.
        context_length: Most tokens of a text, with those that mark start and end.
        frame_fit: How its weights were trained to see a frame, see `FrameFit`.
        interpolation: How frames were resized for them.
        origin: What is recorded about the weights: ``source`` and ``weights_sha256``.

    Raises:
        ConfigError: The architecture's text side is not CLIP's own.

    Source: open_clip 3. differs: texts are cut before the text tower and not padded to 77 (the
        attention is causal, so the embeddings are the same); fewer passes over memory compute the
        same numbers (`run_blocks`); padded frames are encoded only if a model needs them
        (`encode_blank`).
    """

    pixel_mean: torch.Tensor
    pixel_std: torch.Tensor

    def __init__(
        self,
        architecture: str,
        *,
        quick_gelu: bool,
        mean: Sequence[float] = CLIP_MEAN,
        std: Sequence[float] = CLIP_STD,
        context_length: int | None = None,
    ) -> None:
        """Build the towers with random weights."""
        super().__init__()
        from open_clip.model import CLIP

        config = TINY_CONFIG if architecture == TINY else architecture_config(architecture)
        if not is_plain(config):
            raise ConfigError(f"the text tower of {architecture} is not built like CLIP's")
        text = dict(config["text_cfg"])
        self._usual_context = int(text.get("context_length", 77))
        if context_length is not None:
            text["context_length"] = context_length
        clip = CLIP(
            config["embed_dim"],
            vision_cfg=dict(config["vision_cfg"]),
            text_cfg=text,
            quick_gelu=quick_gelu,
        )
        self._vocabulary_size = int(text.get("vocab_size", 49408))
        self._take(
            clip,
            config,
            architecture=architecture,
            quick_gelu=quick_gelu,
            context_length=int(text.get("context_length", 77)),
            mean=mean,
            std=std,
        )

    def _take(
        self,
        clip: nn.Module,
        config: Mapping[str, Any],
        *,
        architecture: str,
        quick_gelu: bool,
        context_length: int,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        """Store what every encoder has."""
        self.architecture = architecture
        self.quick_gelu = quick_gelu
        self.clip: Any = clip
        self.embed_dim = int(config["embed_dim"])
        self.image_size = int(config["vision_cfg"].get("image_size", 224))
        self.context_length = context_length
        self.frame_fit: FrameFit = "center_crop"
        self.interpolation: Interpolation = "bicubic"
        self.origin: dict[str, Any] = {
            "source": f"{architecture}, from scratch",
            "weights_sha256": None,
        }
        self._mean = tuple(mean)
        self._std = tuple(std)
        self.register_buffer("pixel_mean", _channels(mean), persistent=False)
        self.register_buffer("pixel_std", _channels(std), persistent=False)

    @property
    def logit_scale(self) -> torch.Tensor:
        """The learned logarithm of the factor on similarities in training, a scalar."""
        scale: torch.Tensor = self.clip.logit_scale
        return scale

    def row_length(self, max_words: int) -> int:
        """Return how long a row of token ids is that `tokenize` gives: ``max_words``."""
        return max_words

    def tokenize(self, captions: Sequence[str], max_words: int) -> torch.Tensor:
        """Turn captions into token ids, cut at ``max_words``, with the end-of-text token last.

        Args:
            captions: T captions.
            max_words: L, including start and end tokens.

        Returns:
            int64, T x L, zeros behind the end-of-text token.
        """
        small = self._vocabulary_size == VOCABULARY_SIZE
        tokenizer = tiny_tokenizer() if small else _tokenizer()
        tokens: torch.Tensor = tokenizer(list(captions), context_length=max_words)
        return tokens

    def longer_than(self, captions: Sequence[str], max_words: int) -> NDArray[np.bool_]:
        """Tell which captions have more tokens than are read.

        Args:
            captions: T captions.
            max_words: L, including start and end tokens.

        Returns:
            bool, T.
        """
        # One token more than is read: of a caption that is cut, it is the end of the text.
        longer: NDArray[np.bool_] = self.tokenize(captions, max_words + 1)[:, -1].numpy() != 0
        return longer

    def require_words(self, max_words: int) -> None:
        """Raise if a text may have more tokens than the text tower has positions.

        Args:
            max_words: L, including start and end tokens.

        Raises:
            ConfigError: It may.
        """
        if max_words > self.context_length:
            raise ConfigError(
                f"max_words is {max_words}, but the text tower of {self.architecture} reads at "
                f"most {self.context_length} tokens: set it to {self.context_length} or lower"
            )

    def require_tokens(self, tokens: torch.Tensor) -> None:
        """Raise if token ids out of a file are not of the vocabulary.

        Args:
            tokens: int64, T x L.

        Raises:
            WeightsError: A token is not.
        """
        vocabulary = self._vocabulary_size
        if tokens.min() < 0 or tokens.max() >= vocabulary:
            raise WeightsError(
                f"its text bank holds tokens that are not among the {vocabulary:,} of the "
                "backbone: name another checkpoint"
            )

    def encode_text(
        self, tokens: torch.Tensor, *, whole: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Encode token ids.

        Args:
            tokens: int64, T x L.
            whole: Whether the zeros after the end of text are encoded too.

        Returns:
            The end-of-text embeddings (T x C), the projected word tokens (T x L' x C, L' the
            longest text of the batch, or L) and their mask (bool, T x L'; False after the end of
            text, where the embeddings are those of padding). Not normalised.
        """
        clip = self.clip
        end = tokens.argmax(dim=-1)
        length = tokens.shape[1] if whole else int(end.max()) + 1
        tokens = tokens[:, :length]
        hidden = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        hidden = run_blocks(clip.transformer, hidden, clip.attn_mask[:length, :length])
        word_embeds = clip.ln_final(hidden) @ clip.text_projection
        text_embeds = word_embeds[torch.arange(len(tokens), device=tokens.device), end]
        word_mask = torch.arange(length, device=tokens.device) <= end[:, None]
        return text_embeds, word_embeds, word_mask

    def encode_frames(
        self, pixels: torch.Tensor, video_index: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Encode frames.

        Args:
            pixels: uint8, N x 3 x image_size x image_size.
            video_index: int64, N: which video each frame is of, those of a video in a row; only
                used by patches that span frames. None encodes each frame by itself.

        Returns:
            N x C, not normalised.
        """
        return self.encode_images(self._images(pixels, video_index))

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        """Encode images that are normalised: N x 3 x height x width to N x C, not normalised."""
        return encode_images(self.clip.visual, images)

    def encode_blank(self) -> torch.Tensor:
        """Encode the frame with which CLIP4Clip pads videos: 0 after normalisation.

        Returns:
            1 x C, not normalised. In pixels it would be the mean colour, not black.

        Source: CLIP4Clip ``_get_rawvideo``: the array that frames are put into begins as zeros.
        """
        side = self.image_size
        return self.encode_images(self.pixel_mean.new_zeros(1, 3, side, side))

    def encode_patches(
        self, pixels: torch.Tensor, video_index: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode frames and their patches.

        Args:
            pixels: uint8, N x 3 x image_size x image_size.
            video_index: As for `encode_frames`.

        Returns:
            The frames' embeddings (N x C) and their patch tokens after the last norm, projected
            as the class token is (N x P x C, rows of patches from the top).

        Raises:
            ConfigError: The backbone is not a vision transformer.
        """
        visual = self.clip.visual
        if not hasattr(visual, "output_tokens"):
            raise ConfigError(
                f"the backbone {self.architecture} has no patch tokens: use a ViT backbone"
            )
        visual.output_tokens = True
        try:
            frame_embeds, patches = visual(self._images(pixels, video_index))
        finally:
            visual.output_tokens = False
        return frame_embeds, patches @ visual.proj

    @property
    def tokenizer_facts(self) -> Mapping[str, Any]:
        """What tells its tokenizer from others."""
        is_small = self._vocabulary_size == VOCABULARY_SIZE
        return {"name": "CLIP, a sixth of its vocabulary" if is_small else "CLIP"}

    @property
    def patch_grid(self) -> tuple[int, int] | None:
        """Rows and columns of patches; None for a backbone without."""
        grid: tuple[int, int] | None = getattr(self.clip.visual, "grid_size", None)
        return grid

    @property
    def text_tower(self) -> Any:
        """The module with the text tower's ``transformer`` and ``positional_embedding``.

        Raises:
            ConfigError: The text tower has none of open_clip's.
        """
        return self.clip

    def set_checkpointing(self, on: bool) -> None:
        """Switch activation checkpointing of both towers on or off: less memory, more time."""
        self.clip.set_grad_checkpointing(on)

    def key_parts(self, side: "Side") -> Mapping[str, Any]:
        """Return what the features of a side depend on beside weights and normalisation.

        Args:
            side: ``texts`` or ``videos``.

        Returns:
            JSON values; nothing for a CLIP whose frames are resized as OpenAI's.
        """
        is_usual = side == "texts" or self.interpolation == "bicubic"
        return {} if is_usual else {"interpolation": self.interpolation}

    def describe(self) -> Mapping[str, Any]:
        """Describe the backbone for records: enough to rebuild it, without its weights."""
        unusual: dict[str, Any] = {}
        if self.context_length != self._usual_context:
            unusual["context_length"] = self.context_length
        if self.frame_fit != "center_crop":
            unusual["frame_fit"] = self.frame_fit
        if self.interpolation != "bicubic":
            unusual["interpolation"] = self.interpolation
        return {
            "architecture": self.architecture,
            "quick_gelu": self.quick_gelu,
            "mean": list(self._mean),
            "std": list(self._std),
            **unusual,
            **self.origin,
        }

    def _images(self, pixels: torch.Tensor, video_index: torch.Tensor | None) -> torch.Tensor:
        """Normalise frames, and put their neighbours beside them if patches span frames."""
        images = self._normalise(pixels)
        if not isinstance(getattr(self.clip.visual, "conv1", None), PatchesOverTime):
            return images
        if video_index is None:
            video_index = torch.arange(len(images), device=images.device)
        return with_neighbours(images, video_index)

    def _normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.float() / 255 - self.pixel_mean) / self.pixel_std


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    # Reading its merges takes longer than building a small model.
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()


def _channels(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(tuple(values), dtype=torch.float32).view(3, 1, 1)
