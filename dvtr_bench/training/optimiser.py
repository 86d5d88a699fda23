"""BertAdam (no bias correction, decoupled weight decay), or torch's AdamW."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import AdamW, Optimizer

from dvtr_bench.errors import ConfigError
from dvtr_bench.runtime.cpu import compiled, in_threads

if TYPE_CHECKING:
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.training.recipe import Recipe

Floats = NDArray[np.float32]

_LEAST_NORMAL: Final = torch.finfo(torch.float32).tiny

_PIECE: Final = 2**12

_LEAST_SHARED: Final = 2**20
"""Size above which several threads update a parameter together."""


def new_optimiser(groups: Iterable[dict[str, Any]], recipe: "Recipe") -> Optimizer:
    """Return the optimiser that a recipe names.

    Args:
        groups: Parameter groups, each with its ``lr`` and ``weight_decay``.
        recipe: Names the optimiser and its settings.

    Returns:
        A `BertAdam`, or torch's AdamW, which differs in correcting the bias of both running means.
    """
    if recipe.optimiser == "adamw":
        return AdamW(
            groups,
            lr=recipe.learning_rate,
            betas=(recipe.beta1, recipe.beta2),
            eps=recipe.epsilon,
            weight_decay=recipe.weight_decay,
        )
    return BertAdam(
        groups,
        lr=recipe.learning_rate,
        beta1=recipe.beta1,
        beta2=recipe.beta2,
        epsilon=recipe.epsilon,
        weight_decay=recipe.weight_decay,
    )


class BertAdam(Optimizer):
    """Adam without bias correction.

    With gradient g, running mean m and running square v (both 0 at the start):

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        p = p - lr (m / (sqrt(v) + epsilon) + weight_decay p)

    Args:
        groups: Parameter groups; each can have its own ``lr`` and ``weight_decay``.
        lr: Learning rate of groups without their own.
        beta1: Decay of the running mean.
        beta2: Decay of the running square.
        epsilon: Added to the root of the running square.
        weight_decay: Weight decay of groups without their own.

    Source: ``BertAdam`` of CLIP4Clip, from pytorch-pretrained-BERT. differs: gradients are clipped
        by the training loop, over all parameters at once.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        beta1: float,
        beta2: float,
        epsilon: float,
        weight_decay: float,
    ) -> None:
        """Keep the groups; running means start at the first step."""
        super().__init__(
            groups,
            {
                "lr": lr,
                "beta1": beta1,
                "beta2": beta2,
                "epsilon": epsilon,
                "weight_decay": weight_decay,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient.

        Args:
            closure: Not supported; part of torch's interface.
        """
        if closure is not None:
            raise NotImplementedError("BertAdam evaluates no closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(
        self, parameter: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]
    ) -> None:
        state = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        mean, square = state["mean"], state["square"]
        tensors = parameter, gradient, mean, square
        if all(_fits_compiled_loop(tensor) for tensor in tensors):
            in_threads(
                _update_in_one_pass,
                torch.get_num_threads() if parameter.numel() > _LEAST_SHARED else 1,
                parameter.numel(),
                tuple(tensor.detach().view(-1).numpy() for tensor in tensors),
                np.float32(1 - group["beta1"]),
                np.float32(group["beta2"]),
                np.float32(1 - group["beta2"]),
                np.float32(1 - group["lr"] * group["weight_decay"]),
                np.float32(group["lr"]),
                np.float32(group["epsilon"]),
            )
            return
        mean.lerp_(gradient, 1 - group["beta1"])
        square.mul_(group["beta2"]).addcmul_(gradient, gradient, value=1 - group["beta2"])
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        # Square roots of 0 take ten times as long on some CPUs, and most words are in no batch. The
        # least normal number used instead is lost in epsilon.
        denominator = square.clamp_min(_LEAST_NORMAL).sqrt_().add_(group["epsilon"])
        parameter.addcdiv_(mean, denominator, value=-group["lr"])


def _fits_compiled_loop(tensor: torch.Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.is_contiguous()


@compiled
def _update_in_one_pass(
    first: int,
    last: int,
    tensors: tuple[Floats, Floats, Floats, Floats],
    new_share: np.float32,
    kept_of_square: np.float32,
    new_of_square: np.float32,
    kept: np.float32,
    rate: np.float32,
    epsilon: np.float32,
) -> None:
    """Update like `BertAdam`, reading and writing each number once."""
    parameters, gradients, means, squares = tensors
    least = np.float32(_LEAST_NORMAL)
    # Loops that begin at 0 are vectorised.
    for start in range(first, last, _PIECE):
        end = min(start + _PIECE, last)
        some_parameters, some_gradients = parameters[start:end], gradients[start:end]
        some_means, some_squares = means[start:end], squares[start:end]
        for index in range(end - start):
            gradient, mean = some_gradients[index], some_means[index]
            mean += new_share * (gradient - mean)
            square = some_squares[index] * kept_of_square + new_of_square * gradient * gradient
            step = mean / (np.sqrt(square if square > least else least) + epsilon)
            some_means[index] = mean
            some_squares[index] = square
            some_parameters[index] = some_parameters[index] * kept - rate * step


_BATCH_NORM: Final = nn.modules.batchnorm._BatchNorm
_NORMS: Final = (nn.LayerNorm, nn.GroupNorm, _BATCH_NORM)


def trained_parameters(model: "Trainable", recipe: "Recipe") -> dict[nn.Parameter, str]:
    """Switch off gradients of the parameters that a recipe freezes.

    Frozen parameters are not given to the optimiser, so that they do not decay either.

    Args:
        model: The model.
        recipe: States which towers are frozen, and how many of their first layers.

    Returns:
        The other parameters and their names.

    Raises:
        ConfigError: The towers have no such part, or fewer layers.
    """
    frozen: set[str] = set()
    if recipe.frozen_layers is not None:
        frozen |= model.lowest_parameter_names(recipe.frozen_layers)
    if recipe.freeze != "nothing":
        frozen |= model.frame_parameter_names()
    if recipe.freeze == "backbone":
        frozen |= model.text_parameter_names()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return {parameter: name for name, parameter in model.named_parameters() if name not in frozen}


def parameter_groups(
    model: "Trainable", names: Mapping[nn.Parameter, str], recipe: "Recipe"
) -> list[dict[str, Any]]:
    """Group parameters by learning rate and weight decay, for the optimiser.

    Args:
        model: The model.
        names: Its trained parameters.
        recipe: States both.

    Returns:
        Groups with ``params``, ``lr`` and ``weight_decay``; biases, norms and scalars never decay.
    """
    backbone = model.backbone_parameter_names()
    norms = {
        f"{prefix}.{name}"
        for prefix, module in model.named_modules()
        if isinstance(module, _NORMS)
        for name, _ in module.named_parameters(recurse=False)
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, name in names.items():
        rate = recipe.backbone_learning_rate if name in backbone else recipe.learning_rate
        exempt = name.endswith("bias") or name in norms or parameter.ndim == 0
        decay = 0.0 if exempt else recipe.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def require_no_batch_norm(
    model: "Trainable", names: Mapping[nn.Parameter, str], recipe: "Recipe", num_processes: int
) -> None:
    """Raise if batches are cut or activations computed twice and a trained tower has batch norms.

    Args:
        model: The model.
        names: Its trained parameters.
        recipe: States whether batches are cut or activations computed twice.
        num_processes: Processes that share a batch.

    Raises:
        ConfigError: The output of a batch norm would depend on the cut, or it would count rows
            twice.
    """
    if recipe.micro_batch_size is None and not recipe.checkpointing and num_processes == 1:
        return
    for name, module in model.named_modules():
        trained = any(parameter in names for parameter in module.parameters(recurse=False))
        if isinstance(module, _BATCH_NORM) and trained:
            raise ConfigError(
                f"{name} is a batch norm and trained: it looks at the whole batch at once, so "
                "micro_batch_size, checkpointing and several processes would change what is "
                "trained; use a ViT backbone, or freeze=frames"
            )
