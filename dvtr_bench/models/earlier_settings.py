"""What settings of models meant before they existed, for checkpoints and results of that time."""

from collections.abc import Collection, Mapping
from typing import Any, Final

EARLIER_BEHAVIOUR: Final[Mapping[str, Any]] = {
    "frame_fit": "center_crop",
    "frame_choice": "uniform",
    "frame_order": "forward",
    "linear_patch": "2d",
    "temporal": "transformer",
    "interaction": "wti",
    "weight_layers": 2,
    "cdcr": "off",
    "cdcr_on_diagonal": 1.0,
    "cdcr_off_diagonal": 0.06,
    "cdcr_weight": 0.001,
}
"""How models behaved before a setting existed, by the setting's name."""

_CHANGED_DEFAULTS: Final[Mapping[str, Collection[str]]] = {"drl_wti": ("cdcr",)}
"""Settings whose default is not what was done before they existed, by model."""


def whole_config(config: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return a model's configuration with the settings that are newer than it.

    Args:
        config: A configuration of any version, as JSON values.
        known: Names of the settings that the model has today.

    Returns:
        The configuration; what it lacks of `EARLIER_BEHAVIOUR` is as it was at the time.

    Example:
        >>> whole_config({"max_frames": 8}, {"max_frames", "frame_fit"})
        {'frame_fit': 'center_crop', 'max_frames': 8}
    """
    earlier = {name: value for name, value in EARLIER_BEHAVIOUR.items() if name in known}
    return {**earlier, **config}


def stated_config(model: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration that gives the same model today.

    Args:
        model: The model's key.
        config: Its configuration of any version, as JSON values.

    Returns:
        The configuration; what it lacks is today's default.

    Example:
        >>> stated_config("drl_wti", {"max_frames": 8})
        {'cdcr': 'off', 'max_frames': 8}
    """
    return whole_config(config, _CHANGED_DEFAULTS.get(model, ()))


def without_earlier(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the settings that are as they were before they existed.

    Two configurations mean the same if what is left is equal, whichever version wrote them.

    Args:
        config: A configuration of any version, as JSON values.

    Returns:
        The other settings.

    Example:
        >>> without_earlier({"max_frames": 8, "frame_fit": "center_crop"})
        {'max_frames': 8}
    """
    return {
        name: value
        for name, value in config.items()
        if name not in EARLIER_BEHAVIOUR or EARLIER_BEHAVIOUR[name] != value
    }
