"""Names of backbones, such as ``tiny``, ``ViT-B-32/openai``, ``ViT-B-32/path``; their shapes.

``tiny``, small enough for two CPU cores, is described here whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from open_clip import SimpleTokenizer

from baselines.weights.open_clip_config import (
    FOLDER_CONFIG,
    is_open_clip_folder,
    read_folder_config,
)
from baselines.weights.published import PUBLISHED, PublishedWeights
from dvtr_bench.errors import ConfigError, NotFoundError

_MERGES: Final = 8192
"""Number of CLIP's byte pair merges that are kept, the most frequent ones."""

_MORE_WORDS: Final = (
    *("arrives", "boats", "burns", "buses", "climbs", "cloudy", "combine", "crossroads"),
    *(
        "descends",
        "drives",
        "drone",
        "dusk",
        "follows",
        "grain",
        "harvested",
        "opponents",
        "pans",
        "parked",
    ),
    *("pulls", "ripe", "rises", "roofs", "rotates", "sandy", "shoots", "stays", "stops"),
    *("sunlight", "tractor", "tractors", "trucks", "vans"),
)
"""Words in aerosynth's captions that need rarer merges, which are also kept."""


class TinyTokenizer(SimpleTokenizer):  # type: ignore[misc]
    """CLIP's tokenizer with a sixth of its vocabulary.

    It keeps the most frequent merges and those of the words of aerosynth; other words are split
    into more tokens. Token ids have CLIP's order: the end of text has the highest.
    """

    encoder: dict[str, int]
    decoder: dict[int, str]
    bpe_ranks: dict[tuple[str, str], int]
    all_special_ids: list[int]

    def __init__(self) -> None:
        """Reduce the vocabulary of CLIP's tokenizer."""
        super().__init__()
        kept = set(list(self.bpe_ranks)[:_MERGES])
        for word in _MORE_WORDS:
            kept |= self._merges_of(word)
        merges = [merge for merge in self.bpe_ranks if merge in kept]
        letters = list(self.encoder)[: 2 * len(self.byte_encoder)]
        special = [self.decoder[number] for number in self.all_special_ids]
        vocabulary = [*letters, *("".join(merge) for merge in merges), *special]
        self.encoder = {token: number for number, token in enumerate(vocabulary)}
        self.decoder = dict(enumerate(vocabulary))
        self.bpe_ranks = {merge: rank for rank, merge in enumerate(merges)}
        self.cache = {token: token for token in special}
        self.vocab_size = len(vocabulary)
        self.all_special_ids = [self.encoder[token] for token in special]
        self.sot_token_id, self.eot_token_id = self.all_special_ids

    def _merges_of(self, word: str) -> set[tuple[str, str]]:
        """Return the set of merges with which CLIP builds a word."""
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        merges = set()
        while len(pieces) > 1:
            pairs = list(zip(pieces, pieces[1:], strict=False))
            best = min(pairs, key=lambda pair: self.bpe_ranks.get(pair, len(self.bpe_ranks)))
            if best not in self.bpe_ranks:
                break
            merges.add(best)
            index = pairs.index(best)
            pieces[index : index + 2] = ["".join(best)]
        return merges


@lru_cache(maxsize=1)
def tiny_tokenizer() -> TinyTokenizer:
    """Return the tokenizer of ``tiny``, created once."""
    return TinyTokenizer()


VOCABULARY_SIZE: Final = 8740
"""Vocabulary size of `TinyTokenizer`, stated here because reading CLIP's merges takes a while."""

TINY_CONFIG: Final[dict[str, Any]] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": 112,
        "patch_size": 16,
        "layers": 3,
        "width": 128,
        "head_width": 64,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": VOCABULARY_SIZE,
        "width": 128,
        "heads": 2,
        "layers": 2,
    },
}
"""Configuration of ``tiny`` in the form of open_clip's."""


TINY: Final = "tiny"

TINY_SCRATCH: Final = "tiny-scratch"
"""The architecture of ``tiny`` with random weights."""

TINY_WEIGHTS: Final = Path(__file__).with_name("tiny.safetensors")
"""The weights of ``tiny``, part of the package (made by `baselines.encoder.pretraining`)."""

QUICK_GELU_SUFFIX: Final = "-quickgelu"

_OF_SIGLIP: Final = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "resize_mode": "squash"}

_LETTERS_SHOWN: Final = 80


@dataclass(frozen=True)
class BackboneSpec:
    """The parts of a backbone's name.

    Attributes:
        architecture: ``tiny`` or open_clip's name of an architecture, such as ``ViT-B-32``; for a
            folder of open_clip, the folder's last name.
        tag: open_clip's name of pretrained weights, such as ``openai``; or None.
        path: A file of weights or a folder with one (a checkpoint of dvtr-bench, or of
            transformers); or None. ``tiny`` with neither tag nor path has random weights.
        folder: A folder in open_clip's local-dir form, which says its architecture itself; or None.
        published: Weights that are named here; or None.

    Raises:
        ConfigError: An architecture other than ``tiny`` has no weights.
    """

    architecture: str
    tag: str | None = None
    path: Path | None = None
    folder: Path | None = None
    published: PublishedWeights | None = None

    def __post_init__(self) -> None:
        """Check that there are weights to load."""
        weights = (self.tag, self.path, self.folder, self.published)
        if self.architecture != TINY and all(one is None for one in weights):
            raise ConfigError(
                f"the backbone {self.architecture!r} names no weights: write "
                f"{self.architecture}/openai for OpenAI's, or {self.architecture}/PATH for a file"
                f"{_tags_of(self.architecture)}"
            )


def parse_backbone(text: str) -> BackboneSpec:
    """Parse a backbone's name.

    The part after the first slash is a tag if open_clip knows it, otherwise a path. The path may be
    absolute: ``ViT-B-32//data/ViT-B-32.pt``. A name that is none, but a folder in open_clip's
    local-dir form, is that folder.

    Args:
        text: The name.

    Returns:
        Its parts.

    Raises:
        NotFoundError: open_clip has no such architecture.
        ConfigError: The name lacks the weights.

    Example:
        >>> parse_backbone("ViT-B-32/openai").tag
        'openai'
        >>> parse_backbone("remoteclip-vit-b-32").architecture
        'ViT-B-32'
        >>> parse_backbone("tiny").path.name
        'tiny.safetensors'
        >>> parse_backbone("tiny-scratch")
        BackboneSpec(architecture='tiny', tag=None, path=None, folder=None, published=None)
    """
    name, _, weights = text.partition("/")
    if text == TINY:
        return BackboneSpec(TINY, path=TINY_WEIGHTS)
    if name == TINY_SCRATCH:
        # With weights, it is a model that a study trained from tiny-scratch.
        return BackboneSpec(TINY, path=Path(weights).expanduser() if weights else None)
    if (published := PUBLISHED.get(name.lower())) is not None:
        path = Path(weights).expanduser() if weights else None
        return BackboneSpec(published.architecture, path=path, published=published)
    if name != TINY and not has_architecture(name):
        folder = Path(text).expanduser()
        if is_open_clip_folder(folder):
            return BackboneSpec(folder.resolve().name, folder=folder)
        architecture_config(name)  # raises
    if not weights:
        return BackboneSpec(name)
    if name != TINY and pretrained_config(name, weights):
        return BackboneSpec(name, tag=weights)
    return BackboneSpec(name, path=Path(weights).expanduser())


def architecture_config(name: str) -> dict[str, Any]:
    """Return open_clip's configuration of an architecture.

    Args:
        name: Name such as ``ViT-B-32``; the suffix ``-quickgelu`` selects this activation. Names
            in which open_clip sees a place to fetch from (``hf-hub:``, ``local-dir:``) are none.

    Returns:
        A copy of open_clip's dict.

    Raises:
        NotFoundError: There is no such architecture.
    """
    import open_clip

    if not has_architecture(name):
        shown = name[:_LETTERS_SHOWN]
        near = get_close_matches(shown, [*open_clip.list_models(), *PUBLISHED], n=3)
        hint = f"; similar names: {', '.join(near)}" if near else ""
        raise NotFoundError(
            f"open_clip has no architecture called {shown!r}{hint}. "
            f"Write it as in ViT-B-32/openai, use tiny, or name a folder that has {FOLDER_CONFIG} "
            "(`dvtr-bench backbones` lists all names)"
        )
    config: dict[str, Any] = open_clip.get_model_config(name)
    return config


def has_architecture(name: str) -> bool:
    """Return whether open_clip has an architecture of that name."""
    import open_clip

    return name in open_clip.list_models()


def pretrained_config(name: str, tag: str) -> dict[str, Any]:
    """Return open_clip's record of pretrained weights (url, Hub name, activation), or {}."""
    from open_clip.pretrained import get_pretrained_cfg

    return dict(get_pretrained_cfg(name, tag) or get_pretrained_cfg(_plain(name), tag))


def preprocess_record(spec: BackboneSpec) -> Mapping[str, Any]:
    """Return how the pixels were prepared that a backbone's weights were trained on.

    Args:
        spec: The backbone.

    Returns:
        What open_clip records for its tag or its folder says. A file says nothing: then it is {}
        for CLIP's own way, and for a SigLIP that of all SigLIPs of open_clip.

    Raises:
        WeightsError: The folder's configuration cannot be read.
    """
    if spec.tag is not None:
        return pretrained_config(spec.architecture, spec.tag)
    for folder in (spec.folder, spec.path):
        if folder is not None and is_open_clip_folder(folder):
            return read_folder_config(folder)[1]
    if "SigLIP" not in spec.architecture or spec.folder is not None:
        return {}
    return pretrained_config(spec.architecture, "webli") or _OF_SIGLIP


def _tags_of(architecture: str) -> str:
    from open_clip import list_pretrained_tags_by_model

    tags = list_pretrained_tags_by_model(architecture)
    return f"; open_clip has {', '.join(tags)}" if tags and "openai" not in tags else ""


def _plain(name: str) -> str:
    return name.removesuffix(QUICK_GELU_SUFFIX)


_NAMED: Final = ("ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336")
"""The vision transformers published by OpenAI; other architectures must be named by the user."""


@dataclass(frozen=True)
class ClipShapes:
    """Sizes of a CLIP with a vision transformer.

    Attributes:
        embed_dim: C.
        image_size: Side of the input image, in pixels.
        patch_size: Side of a patch, in pixels.
        vision_width: Width of the image tower.
        vision_layers: Number of layers of the image tower.
        text_width: Width of the text tower.
        text_layers: Number of layers of the text tower.
    """

    embed_dim: int
    image_size: int
    patch_size: int
    vision_width: int
    vision_layers: int
    text_width: int
    text_layers: int

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor]) -> "ClipShapes | None":
        """Infer sizes from tensors with OpenAI's names; None without a vision transformer."""
        try:
            width, _, patch, _ = tensors["visual.conv1.weight"].shape
            num_positions = len(tensors["visual.positional_embedding"])
            text_width, embed_dim = tensors["text_projection"].shape
        except (KeyError, ValueError):
            return None
        return cls(
            embed_dim=embed_dim,
            image_size=round((num_positions - 1) ** 0.5) * patch,
            patch_size=patch,
            vision_width=width,
            vision_layers=count_layers(tensors, "visual.transformer.resblocks."),
            text_width=text_width,
            text_layers=count_layers(tensors, "transformer.resblocks."),
        )

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> "ClipShapes":
        """Read sizes from open_clip's configuration of a vision transformer."""
        vision, text = config["vision_cfg"], config["text_cfg"]
        return cls(
            embed_dim=config["embed_dim"],
            image_size=vision["image_size"],
            patch_size=vision["patch_size"],
            vision_width=vision["width"],
            vision_layers=vision["layers"],
            text_width=text["width"],
            text_layers=text["layers"],
        )


def find_architecture(shapes: ClipShapes) -> str | None:
    """Return the architecture with these sizes, of OpenAI's and ``tiny``; None without a match.

    Example:
        >>> find_architecture(ClipShapes(512, 224, 16, 768, 12, 512, 12))
        'ViT-B-16'
    """
    for name in _NAMED:
        if ClipShapes.of_config(architecture_config(name)) == shapes:
            return name
    return TINY if ClipShapes.of_config(TINY_CONFIG) == shapes else None


def count_layers(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    """Count the different layer numbers after ``prefix`` in the names of tensors."""
    return len(
        {name.removeprefix(prefix).split(".")[0] for name in tensors if name.startswith(prefix)}
    )
