"""Random initialisation of new layers, as in CLIP4Clip and the code built on it."""

from typing import Final

from torch import nn

WEIGHT_STD: Final = 0.02


def draw_weights(module: nn.Module) -> None:
    """Initialise a new module and all its submodules.

    Weights of linear layers and embeddings are drawn from N(0, 0.02), with biases 0; layer norms
    have weight 1 and bias 0. Everything else keeps the values of its constructor: packed attention
    projections (xavier uniform; ``out_proj`` is a linear layer), LSTMs and bare parameters.

    Args:
        module: A new module; not part of the backbone, whose weights are loaded.

    Source: CLIP4Clip ``PreTrainedModel.init_weights``. The code of CLIP4Clip, X-CLIP, DRL and
        MSAM's release applies it to the whole model before it loads CLIP's weights.

    Example:
        >>> layer = nn.Linear(8, 8)
        >>> draw_weights(layer)
        >>> layer.bias.any().item()
        False
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=WEIGHT_STD)
        elif isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
