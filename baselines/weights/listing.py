"""What can be named as a backbone: ours, published weights for remote sensing, open_clip's."""

from collections.abc import Iterator
from dataclasses import dataclass

from baselines.weights.backbone_spec import (
    TINY,
    TINY_CONFIG,
    TINY_SCRATCH,
    architecture_config,
    has_architecture,
)
from baselines.weights.open_clip_config import Preprocess, is_plain
from baselines.weights.published import PUBLISHED, PublishedWeights


@dataclass(frozen=True)
class ListedBackbone:
    """One name that ``--backbone`` or ``--model open_clip:`` takes.

    Attributes:
        name: What to write.
        group: ``here``, ``published`` (remote sensing, long texts) or ``open_clip``.
        architecture: open_clip's name of it.
        weights: open_clip's tag; None for others.
        repository: Of the Hub; None where there is none.
        file: The file in it; None where it has open_clip's usual name.
        url: Where the file is otherwise; None where there is none.
        licence: As its publishers state it; None where that was not verified.
        activation: ``QuickGELU``, ``GELU``, or None where the architecture's own code decides.
        context_length: Most tokens of a text.
        image_size: Side of its pixels.
        resize_mode: ``shortest`` (the middle is seen), ``squash`` or ``longest``.
        interpolation: ``bicubic`` or ``bilinear``.
        trainable: Whether it can be a ``--backbone``; all can be ``--model open_clip:``.
        needs: Extra of dvtr-bench that it needs; None for none.
        note: What else to know; empty for nothing.
    """

    name: str
    group: str
    architecture: str
    weights: str | None
    repository: str | None
    file: str | None
    url: str | None
    licence: str | None
    activation: str | None
    context_length: int
    image_size: int
    resize_mode: str
    interpolation: str
    trainable: bool
    needs: str | None
    note: str = ""


def list_names() -> Iterator[ListedBackbone]:
    """Yield all names: ours, published ones, those of open_clip in its order."""
    for name, note in (
        (TINY, "made for aerosynth; part of the package"),
        (TINY_SCRATCH, "its architecture with random weights"),
    ):
        yield ListedBackbone(
            name=name,
            group="here",
            architecture=TINY,
            weights=None,
            repository=None,
            file=None,
            url=None,
            licence="that of dvtr-bench",
            activation="GELU",
            context_length=TINY_CONFIG["text_cfg"]["context_length"],
            image_size=TINY_CONFIG["vision_cfg"]["image_size"],
            resize_mode="shortest",
            interpolation="bicubic",
            trainable=True,
            needs=None,
            note=note,
        )
    yield from map(_published, PUBLISHED.values())
    from open_clip import list_pretrained
    from open_clip.pretrained import get_pretrained_cfg

    for architecture, tag in list_pretrained():
        if has_architecture(architecture):
            yield _of_open_clip(architecture, tag, get_pretrained_cfg(architecture, tag))


def _published(weights: PublishedWeights) -> ListedBackbone:
    config = architecture_config(weights.architecture)
    is_siglip = not is_plain(config)
    return ListedBackbone(
        name=weights.name,
        group="published",
        architecture=weights.architecture,
        weights=None,
        repository=weights.repository or None,
        file=weights.file,
        url=weights.url or None,
        licence=weights.licence,
        activation=weights.activation,
        context_length=weights.context_length,
        image_size=config["vision_cfg"]["image_size"],
        resize_mode="squash" if is_siglip else "shortest",
        interpolation="bicubic",
        trainable=True,
        needs="hf" if is_siglip else None,
        note="; ".join(
            one for one in (f"activation: {weights.source_of_activation}", weights.note) if one
        ),
    )


def _of_open_clip(architecture: str, tag: str, record: dict[str, object]) -> ListedBackbone:
    config = architecture_config(architecture)
    text = config["text_cfg"]
    preprocess = Preprocess.of(record)
    repository, _, file = str(record.get("hf_hub", "")).rpartition("/")
    quick = bool(config.get("quick_gelu") or record.get("quick_gelu"))
    from_hub = "hf_tokenizer_name" in text or "hf_model_name" in text
    needs_timm = "timm_model_name" in config["vision_cfg"]
    return ListedBackbone(
        name=f"{architecture}/{tag}",
        group="open_clip",
        architecture=architecture,
        weights=tag,
        repository=repository or None,
        file=file or None,
        url=str(record["url"]) if record.get("url") else None,
        licence=None,
        activation=None if needs_timm else "QuickGELU" if quick else "GELU",
        context_length=int(text.get("context_length", 77)),
        image_size=int(config["vision_cfg"].get("image_size", 224)),
        resize_mode=preprocess.resize_mode,
        interpolation=preprocess.interpolation,
        trainable=preprocess.is_made_here,
        needs="hf" if from_hub else None,
    )
