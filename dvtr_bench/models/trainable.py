"""What the training loop needs of a model, beyond what a `Retriever` offers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from dvtr_bench.models.retriever import Features, Frames, StagedRetriever

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Trainable(StagedRetriever, Protocol):
    """A retriever that is a torch module and says how it is trained.

    It has two parts: the towers (`encode_tokens`, `encode_frames`) and the head (`head_loss`).
    Towers return named tensors whose first axis is the item and whose other axes do not depend on
    the batch. So the loop may keep them, cut them, join them and gather them from other processes.
    The loop encodes each clip of a batch once, then gives captions and frames in matching order to
    `head_loss`.
    """

    def tokenize(self, captions: Sequence[str]) -> "torch.Tensor":
        """Turn captions into token ids: int64, T x L."""
        ...

    def preprocess(self, videos: Sequence[Frames]) -> Features:
        """Turn stored frames into small CPU tensors; called from worker threads."""
        ...

    def encode_frames(self, prepared: Features) -> Features:
        """Encode preprocessed frames, with gradients: ``frame_embeds`` and ``frame_mask``."""
        ...

    def encode_frames_eval(self, prepared: Features) -> Features:
        """Do what `encode_frames` does, without gradients and as in evaluation."""
        ...

    def encode_prepared(self, frames: Features) -> Features:
        """Turn encoded frames into what `score` takes, without gradients and as in evaluation."""
        ...

    def encode_tokens(self, tokens: "torch.Tensor") -> Features:
        """Encode token ids, with gradients; names what `head_texts` takes, and maybe more."""
        ...

    def encode_tokens_eval(self, tokens: "torch.Tensor") -> Features:
        """Do what `encode_tokens` does, without gradients and as in evaluation."""
        ...

    def head_loss(self, texts: Features, frames: Features) -> "dict[str, torch.Tensor]":
        """Return ``loss`` and its parts for matching encoded captions and clips; scalars."""
        ...

    def see_training_captions(self, captions: Sequence[str]) -> None:
        """Keep what the model needs of the training captions; called once, at the start."""
        ...

    def backbone_parameter_names(self) -> set[str]:
        """Return the names of parameters that came with the backbone."""
        ...

    def frame_parameter_names(self) -> set[str]:
        """Return the names of parameters that `encode_frames` uses."""
        ...

    def text_parameter_names(self) -> set[str]:
        """Return the names of parameters that `encode_tokens` uses."""
        ...

    def lowest_parameter_names(self, num_layers: int) -> set[str]:
        """Return the names of what both towers begin with, their first layers included.

        Args:
            num_layers: Layers of each tower, counted from the input, 0 or more; with 0 only what
                comes before the first layer.

        Raises:
            ConfigError: A tower has fewer layers, or none that are counted so.
        """
        ...

    def set_checkpointing(self, on: bool) -> None:
        """Let the towers keep fewer activations and compute them twice, where they can."""
        ...

    def clamp_logit_scale(self, greatest: float) -> None:
        """Keep the logarithm of the logit scale at or below ``greatest``."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what a checkpoint states of the model; JSON values."""
        ...

    def to(self, device: "torch.device") -> Self:
        """Move to a device."""
        ...

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode."""
        ...

    def eval(self) -> Self:
        """Set evaluation mode."""
        ...

    def named_parameters(self) -> "Iterator[tuple[str, torch.nn.Parameter]]":
        """Return parameters by name."""
        ...

    def named_modules(self) -> "Iterator[tuple[str, torch.nn.Module]]":
        """Return modules by name."""
        ...

    def state_dict(self) -> "dict[str, torch.Tensor]":
        """Return all tensors by name."""
        ...

    def load_state_dict(self, state_dict: "Mapping[str, torch.Tensor]") -> Any:
        """Load all tensors by name."""
        ...
