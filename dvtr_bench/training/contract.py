"""What the training loop needs of a model, beyond what a `Retriever` offers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from dvtr_bench.retriever import Features, Frames, Retriever

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Trainable(Retriever, Protocol):
    """A retriever that is a torch module and says how it is trained.

    The loop encodes each clip of a batch once, then hands captions and frame embeddings in
    matching order to `training_loss`.
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

    def training_loss(self, tokens: "torch.Tensor", frames: Features) -> "dict[str, torch.Tensor]":
        """Return ``loss`` and its parts for matching captions and clips; scalars."""
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
