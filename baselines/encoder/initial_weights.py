"""How CLIP4Clip, and the code built on it, draws the weights of what is new on top of CLIP."""

from typing import Final

from torch import nn

WEIGHT_STD: Final = 0.02


def draw_weights(module: nn.Module) -> None:
    """Draw the weights of a new module and of all in it, over whatever stood there.

    Linear layers and embeddings are drawn from N(0, 0.02), their biases are 0, layer norms are 1
    and 0. Nothing else is touched: the packed projections of an attention (xavier uniform, as torch
    makes them; its ``out_proj`` is a linear layer), an LSTM, and parameters that stand alone keep
    what their constructors gave them.

    Args:
        module: New; never part of the backbone, whose weights are loaded.

    Source: CLIP4Clip ``PreTrainedModel.init_weights``, which its models, those of X-CLIP, DRL and
        MSAM's release apply to all of themselves before CLIP's weights are loaded.

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
