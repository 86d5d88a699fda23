"""Which parameters a recipe trains, at which learning rate, and which of them decay."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from dvtr_bench.errors import ConfigError

if TYPE_CHECKING:
    from dvtr_bench.training.contract import Trainable
    from dvtr_bench.training.recipe import Recipe

_BATCH_NORM: Final = nn.modules.batchnorm._BatchNorm
_NORMS: Final = (nn.LayerNorm, nn.GroupNorm, _BATCH_NORM)


def trained_parameters(model: "Trainable", recipe: "Recipe") -> dict[nn.Parameter, str]:
    """Switch gradients off for what a recipe freezes.

    What has no gradient is given to no optimiser, so that it does not decay either.

    Args:
        model: The model.
        recipe: Says which towers are frozen, and how much of their lowest part.

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
    """Sort parameters by learning rate and weight decay, as an optimiser takes them.

    Args:
        model: The model.
        names: Its trained parameters.
        recipe: Says both.

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


def require_rows_alone(
    model: "Trainable", names: Mapping[nn.Parameter, str], recipe: "Recipe", num_processes: int
) -> None:
    """Refuse to cut batches, or to compute twice, where a trained tower has batch norms.

    Args:
        model: The model.
        names: Its trained parameters.
        recipe: Says whether batches are cut or activations computed twice.
        num_processes: Those that share a batch.

    Raises:
        ConfigError: What a batch norm gives would depend on the cut, or it would count rows twice.
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
