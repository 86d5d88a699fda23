"""The towers of open_clip's models that are not built like CLIP, and what they make of tokens.

Text towers that are models of Hugging Face's transformers get their configurations here.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from baselines.weights.open_clip_config import require_model_config
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.runtime.packages import import_extra

_PROBE_TIMEOUT_SECONDS: Final = 5.0


def read_text_config(name: str, folder: Path | None, *, may_fetch: bool) -> Mapping[str, Any]:
    """Read the configuration of a text tower; its weights are those of the whole model.

    Args:
        name: ``hf_model_name`` of the model: a name on the Hub, a folder, or one in ``folder``.
        folder: The folder of the model; None for one without.
        may_fetch: Whether it may be downloaded where the Hub's local cache lacks it.

    Returns:
        JSON values.

    Raises:
        NotFoundError: It is not here; the message says what to fetch.
    """
    transformers = import_extra("transformers", "hf", f"the text tower {name}")
    inside = None if folder is None else folder / name
    place = str(inside) if inside is not None and inside.is_dir() else name
    try:
        config = transformers.AutoConfig.from_pretrained(place, local_files_only=True)
    except Exception as failure:  # its types depend on what is there
        config = _fetched(name) if may_fetch else None
        if config is None:
            said = str(failure).splitlines()[0][:160] if str(failure) else type(failure).__name__
            raise NotFoundError(
                f"config.json of the text tower {name} is not on this machine and cannot be "
                f"downloaded ({said}). On a machine with a network: `hf download {name} "
                "config.json`, then copy the folder of the Hub's cache here; or put it into the "
                f"folder of the model, as {Path(name).name}/config.json, and write that name as "
                "hf_model_name"
            ) from failure
    values: Mapping[str, Any] = config.to_dict()
    readable_json(values)  # raises for what no description can hold
    return values


def _fetched(name: str) -> Any:
    """Download a configuration; None without a network, which is told within seconds."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from transformers import AutoConfig

    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=_PROBE_TIMEOUT_SECONDS)
        return AutoConfig.from_pretrained(name)
    # The Hub's client raises errors of the HTTP library that it uses.
    except Exception:
        return None


_ARGUMENTS: Final = frozenset(
    {
        *("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg", "init_logit_scale"),
        *("init_logit_bias", "nonscalar_logit_scale", "quick_gelu", "custom_text"),
    }
)
_PLACE_OF_A_TOWER: Final = {
    "context_length": 1,
    "vocab_size": 1,
    "width": 1,
    "heads": 1,
    "layers": 1,
}
"""A text tower that is replaced at once."""

_POOLS_OF_PATCHES: Final = ("tok", "avg")


def build_towers(
    config: Mapping[str, Any],
    *,
    quick_gelu: bool,
    text_config: Mapping[str, Any] | None,
    architecture: str,
    tanh_gelu: bool = False,
) -> nn.Module:
    """Build a model of open_clip with random weights; nothing is fetched.

    What only other uses need is left out: the bias on logits, since scores are cosines, and a
    CoCa's decoder of texts.

    Args:
        config: open_clip's configuration.
        quick_gelu: Whether its towers use QuickGELU.
        text_config: Configuration of a text tower of transformers, as JSON values; None for
            open_clip's own tower.
        architecture: What to call it in messages.
        tanh_gelu: Whether GELU is computed by tanh everywhere.

    Returns:
        A ``CLIP``, ``CustomTextCLIP`` or ``CoCa`` of open_clip.

    Raises:
        ConfigError: open_clip cannot build it.
        WeightsError: A part of the configuration is missing or of another type.
    """
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    require_model_config(config, architecture)
    if unknown := sorted(set(config) - _ARGUMENTS):
        raise ConfigError(
            f"{architecture}: open_clip's models have no {', '.join(unknown)[:80]}: expected "
            f"{', '.join(sorted(_ARGUMENTS))}"
        )
    arguments = deepcopy(dict(config))
    arguments["quick_gelu"] = quick_gelu
    arguments["vision_cfg"]["timm_model_pretrained"] = False
    text = arguments["text_cfg"]
    text["hf_model_pretrained"] = False
    is_custom = bool(arguments.pop("custom_text", False)) or text_config is not None
    kind: Any = CLIP
    if is_custom:
        kind = CoCa if "multimodal_cfg" in arguments else CustomTextCLIP
    with reading(architecture, "a model of open_clip", ConfigError):
        if text_config is not None:
            # open_clip would look for the tower's configuration on the Hub: it is put in below.
            arguments["text_cfg"] = dict(_PLACE_OF_A_TOWER)
        clip: Any = kind(**arguments)
        if text_config is not None:
            clip.text = _tower_of_transformers(
                text, text_config, arguments["embed_dim"], architecture
            )
    clip.logit_bias = None
    if isinstance(clip, CoCa):
        del clip.text_decoder
    if tanh_gelu:
        for part in clip.modules():
            if isinstance(part, nn.GELU):
                part.approximate = "tanh"
    built: nn.Module = clip
    return built


def _tower_of_transformers(
    text: Mapping[str, Any], text_config: Mapping[str, Any], embed_dim: int, architecture: str
) -> nn.Module:
    """Build a text tower from the configuration of a model of transformers.

    Source: open_clip ``HFTextEncoder``, which does the same with a name.
    """
    transformers = import_extra("transformers", "hf", f"the backbone {architecture}")
    from open_clip.hf_configs import arch_dict
    from open_clip.hf_model import HFTextEncoder

    values = {key: value for key, value in text_config.items() if not _names_code(key)}
    if (kind := values.pop("model_type", None)) not in arch_dict:
        raise ConfigError(
            f"{architecture}: a text tower of the type {str(kind)[:80]!r} is not supported: "
            f"expected one of {', '.join(arch_dict)}"
        )
    config = transformers.AutoConfig.for_model(kind, **values)
    pooler = text.get("hf_pooler_type", "mean_pooler")
    tower: Any = HFTextEncoder(
        "",
        output_dim=embed_dim,
        config=config,
        pooler_type=pooler,
        proj_type=text.get("hf_proj_type", "mlp"),
    )
    if getattr(config, "is_encoder_decoder", False):
        tower.transformer = tower.transformer.encoder
    else:
        tower.transformer = transformers.AutoModel.from_config(
            config, add_pooling_layer=pooler == "cls_pooler"
        )
    built: nn.Module = tower
    return built


def _names_code(key: str) -> bool:
    """Tell whether a field of a configuration says which code computes, which may be fetched."""
    return key in ("auto_map", "quantization_config") or "implementation" in key


def text_and_words(clip: Any, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode token ids with a text tower.

    Args:
        clip: A model of `build_towers`.
        tokens: int64, T x L.

    Returns:
        The texts (T x C) as open_clip's ``encode_text`` gives them, not normalised, and their words
        after the last norm, projected as a text is (T x L x C).
    """
    from open_clip.hf_model import HFTextEncoder

    tower = getattr(clip, "text", clip)
    if isinstance(tower, HFTextEncoder):
        mask = (tokens != tower.config.pad_token_id).long()
        found = tower.transformer(input_ids=tokens, attention_mask=mask)
        return tower.proj(tower.pooler(found, mask)), tower.proj(found.last_hidden_state)
    if tower is clip:
        found = clip.forward_intermediates(
            text=tokens, text_indices=1, normalize=False, normalize_intermediates=True
        )
    else:
        found = tower.forward_intermediates(
            tokens, indices=1, normalize_intermediates=True, output_fmt="NLC"
        )
    words = found["text_intermediates"][-1]
    projection = tower.text_projection
    if isinstance(projection, nn.Linear):
        words = projection(words)
    elif projection is not None:
        words = words @ projection
    return found["text_features"], words


def switch_checkpointing(tower: Any, on: bool) -> None:
    """Switch activation checkpointing of a model of transformers on or off."""
    # transformers 5 has had both names; the former one warns that it will go.
    kind = "activation" if hasattr(tower, "activation_checkpointing_enable") else "gradient"
    getattr(tower, f"{kind}_checkpointing_{'enable' if on else 'disable'}")()


def patch_grid(visual: Any) -> tuple[int, int] | None:
    """Return rows and columns of the patches that `frames_and_patches` gives; None without any."""
    if hasattr(visual, "grid_size"):
        has_patches = visual.attn_pool is None and visual.pool_type in _POOLS_OF_PATCHES
        return visual.grid_size if has_patches else None
    trunk = getattr(visual, "trunk", None)
    grid = getattr(getattr(trunk, "patch_embed", None), "grid_size", None)
    if grid is None or not all(
        hasattr(trunk, name) for name in ("num_prefix_tokens", "forward_features", "pool")
    ):
        return None
    return int(grid[0]), int(grid[1])


def frames_and_patches(visual: Any, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode images and their patches.

    A patch is what the tower's pooling and projection make of it alone. Of a class token's
    projection that is the projection; of attention pooling it is the value that the patch gives.

    Args:
        visual: An image tower whose `patch_grid` is not None.
        images: N x 3 x height x width, normalised.

    Returns:
        N x C and N x P x C, rows of patches from the top; not normalised.
    """
    if hasattr(visual, "grid_size"):
        hidden = visual.transformer(visual._embeds(images))
        pooled, _ = visual._pool(hidden)
        return pooled @ visual.proj, visual.ln_post(hidden[:, 1:]) @ visual.proj
    trunk = visual.trunk
    hidden = trunk.forward_features(images)
    pooled = visual.head(trunk.forward_head(hidden))
    prefix = trunk.num_prefix_tokens
    patches = hidden[:, prefix:]
    if _leaves_out_first(trunk):
        # Of the first tokens there must be as many as are left out.
        alone = torch.cat(
            (
                hidden[:, None, :prefix].expand(-1, patches.shape[1], -1, -1),
                patches[:, :, None],
            ),
            dim=2,
        )
    else:
        alone = patches[:, :, None]
    projected = visual.head(trunk.forward_head(alone.flatten(0, 1)))
    return pooled, projected.view(*patches.shape[:2], -1)


def _leaves_out_first(trunk: Any) -> bool:
    """Tell whether a trunk of timm pools its patches alone, without class tokens."""
    includes = getattr(trunk, "pool_include_prefix", None)
    if trunk.attn_pool is not None:
        return includes is False
    return trunk.global_pool != "token" and not includes
