"""A model of the catalog: its class, settings and capabilities, and settings of former versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, Final

from dvtr_bench.catalog import ADAPTERS, MODELS
from dvtr_bench.dataset.manifest import Manifest
from dvtr_bench.errors import ConfigError, ExtensionError
from dvtr_bench.models.retriever import Retriever
from dvtr_bench.runtime.packages import Entry
from dvtr_bench.settings import NoSettings
from dvtr_bench.video.sampling import Sampling


@dataclass(frozen=True)
class ModelEntry:
    """A model's file, imported.

    Attributes:
        entry: Its entry in the catalog.
        module: The module itself.
        reference: What comes after the colon of a name such as ``open_clip:ViT-B-16/openai``: the
            module is then an adapter, whose ``Model`` takes the reference first. Empty for a model
            with a file of its own.
    """

    entry: Entry
    module: ModuleType
    reference: str = ""

    @property
    def key(self) -> str:
        """The model's canonical name."""
        return f"{self.entry.name}:{self.reference}" if self.reference else self.entry.name

    @property
    def config_class(self) -> type[Any]:
        """``Config`` of the file, a frozen dataclass; if it has none, one without fields."""
        config_class: type[Any] = getattr(self.module, "Config", NoSettings)
        return config_class

    @property
    def trainable(self) -> bool:
        """``TRAINABLE`` of the file: whether `dvtr-bench train` takes the model. Default False."""
        return bool(getattr(self.module, "TRAINABLE", False))

    @property
    def scoring_only(self) -> frozenset[str]:
        """``SCORING_ONLY`` of the file: settings that never change how the model is trained."""
        return frozenset(getattr(self.module, "SCORING_ONLY", ()))

    def takes(self, setting: str) -> bool:
        """Tell whether the model has a setting of that name."""
        return setting in {field.name for field in fields(self.config_class)}

    def settings_for(self, settings: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
        """Return settings for a dataset: a model looks at as many frames as the dataset stores.

        Args:
            settings: Values by field; ``max_frames`` among them stays as it is.
            manifest: The dataset that the model is trained on, or evaluated without training.

        Returns:
            The settings, with ``max_frames`` if the model takes it and its default is another
            number.
        """
        if manifest.frames is None or "max_frames" in settings or not self.takes("max_frames"):
            return dict(settings)
        stored = Sampling.parse(manifest.frames.sampling).num_frames
        default = getattr(self.config_class, "max_frames", None)
        return {**settings, "max_frames": stored} if stored != default else dict(settings)

    def config(self, settings: Mapping[str, Any]) -> Any:
        """Make the model's configuration.

        Args:
            settings: Values by field; the others keep their defaults.

        Returns:
            An instance of `config_class`.

        Raises:
            ConfigError: A setting is unknown or out of range.
        """
        known = sorted(field.name for field in fields(self.config_class))
        if unknown := sorted(set(settings) - set(known)):
            raise ConfigError(
                f"no such setting: {', '.join(unknown)}; there are {', '.join(known)}"
                if known
                else f"no such setting: {', '.join(unknown)}; {self.key} has none"
            )
        return self.config_class(**settings)

    def build(self, settings: Mapping[str, Any], *, seed: int = 0) -> Retriever:
        """Build the model.

        Args:
            settings: Fields of its ``Config``; the rest keep their defaults.
            seed: Seed of randomly initialised weights.

        Returns:
            The model, on the CPU.

        Raises:
            ConfigError: A setting is unknown or out of range.
            ExtensionError: The model lacks a member of `Retriever`.
            NotFoundError: The weights of its backbone cannot be found or downloaded.
            WeightsError: The backbone's weights do not fit.
        """
        config = self.config(settings)
        arguments = () if isinstance(config, NoSettings) else (config,)
        if self.reference:
            arguments = (self.reference, *arguments)
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model: Retriever = self.module.Model(*arguments)
        self.require_members(model, Retriever)
        if self.reference:
            if not model.name.startswith(f"{self.entry.name}:"):
                raise ExtensionError(
                    f"{self.entry.place}: Model.name is {model.name!r}: write a name that begins "
                    f"with {self.entry.name}:, since tables tell models apart by it"
                )
        elif model.name != self.key:
            raise ExtensionError(
                f"{self.entry.place}: Model.name is {model.name!r}: its results are found by its "
                f"key, so write name = {self.key!r}"
            )
        return model

    def require_members(self, model: object, protocol: type[Any]) -> None:
        """Raise if a model lacks members of a protocol.

        Args:
            model: An instance of the file's ``Model``, or the class.
            protocol: `Retriever` or `dvtr_bench.models.trainable.Trainable`.

        Raises:
            ExtensionError: A member is missing; the message names it and where it is described.
        """
        missing = [name for name in _members(protocol) if not hasattr(model, name)]
        if missing:
            raise ExtensionError(
                f"{self.entry.place}: Model lacks {', '.join(missing)}: "
                f"{protocol.__module__}.{protocol.__name__} says what each of them does"
            )


def on_device(model: Retriever, device: str) -> Retriever:
    """Move a model to a device and set evaluation mode, if it has ``to`` and ``eval``."""
    import torch

    moved: Any = model
    if hasattr(moved, "to"):
        moved = moved.to(torch.device(device))
    if hasattr(moved, "eval"):
        moved = moved.eval()
    evaluated: Retriever = moved
    return evaluated


def _members(protocol: type[Any]) -> list[str]:
    """Return the members of a protocol, in the order of its definition."""
    bases = [base for base in reversed(protocol.__mro__) if getattr(base, "_is_protocol", False)]
    return [name for base in bases for name in vars(base) if not name.startswith("_")]


def model_entry(name: str) -> ModelEntry:
    """Look a model up and import its file.

    Args:
        name: Its key; case and ``-`` for ``_`` do not matter. Or a model from elsewhere: the name
            of an adapter, a colon, and what the adapter takes, such as ``hf:ORG/NAME``.

    Returns:
        The model.

    Raises:
        NotFoundError: No such model; the message lists similar names.
        ConfigError: There is nothing after the colon.
        ExtensionError: Its file lacks a required name.
    """
    adapter, colon, reference = name.partition(":")
    if colon or is_source(name):
        source = source_entry(adapter, reference)
        if not reference.strip():
            raise ConfigError(
                f"{name!r} names no model: write what comes after the colon, such as "
                f"{' or '.join(source.module.EXAMPLES)}"
            )
        return source
    return own_entry(name)


def own_entry(name: str) -> ModelEntry:
    """Look a model with a file of its own up and import it.

    What a file of others names, such as a checkpoint, is one of these: a source would fetch.

    Args:
        name: Its key; case and ``-`` for ``_`` do not matter.

    Raises:
        NotFoundError: No such model; the message lists similar names.
        ExtensionError: Its file lacks a required name.
    """
    return ModelEntry(MODELS.entry(name), MODELS.load(name))


def is_source(name: str) -> bool:
    """Tell whether a name is that of a source of models, such as ``hf``, and of no model."""
    key = name.lower().replace("-", "_")
    return key in ADAPTERS.names() and key not in MODELS.names()


def source_entry(name: str, reference: str) -> ModelEntry:
    """Look a source of models up and import its file.

    Args:
        name: What stands before the colon, such as ``hf``.
        reference: What stands behind it.

    Raises:
        NotFoundError: No such source; the message lists similar names.
        ExtensionError: Its file lacks a required name.
    """
    return ModelEntry(ADAPTERS.entry(name), ADAPTERS.load(name), reference)


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
