"""Adam in BERT's manner: no bias correction, weight decay beside the update. Or torch's AdamW."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.optim import AdamW, Optimizer

if TYPE_CHECKING:
    from dvtr_bench.training.recipe import Recipe

_LEAST_NORMAL: Final = torch.finfo(torch.float32).tiny


def new_optimiser(groups: Iterable[dict[str, Any]], recipe: "Recipe") -> Optimizer:
    """Return the optimiser that a recipe names.

    Args:
        groups: Parameter groups, each with its ``lr`` and ``weight_decay``.
        recipe: Says which, and its other settings.

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
        groups: Parameter groups; each may have its own ``lr`` and ``weight_decay``.
        lr: Learning rate of groups without their own.
        beta1: Decay of the running mean.
        beta2: Decay of the running square.
        epsilon: Added to the root of the running square.
        weight_decay: Of groups without their own.

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
            closure: Not supported; here because torch's interface has it.
        """
        if closure is not None:
            raise NotImplementedError("BertAdam evaluates no closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        gradient = parameter.grad
        state = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        mean, square = state["mean"], state["square"]
        mean.lerp_(gradient, 1 - group["beta1"])
        square.mul_(group["beta2"]).addcmul_(gradient, gradient, value=1 - group["beta2"])
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        # Square roots of 0 take ten times as long on some CPUs, and most words are in no batch; the
        # least normal number in their place is lost in epsilon.
        denominator = square.clamp_min(_LEAST_NORMAL).sqrt_().add_(group["epsilon"])
        parameter.addcdiv_(mean, denominator, value=-group["lr"])
