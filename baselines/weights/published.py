"""CLIPs for remote sensing and long texts, by name: where their weights are, and what they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PublishedWeights:
    """One file of weights that others published.

    What is said here was read in their repositories and code; no file was loaded. What could not be
    read there is None or said in ``note``.

    Attributes:
        name: What it is called here.
        architecture: open_clip's name of its architecture; the activation is part of it.
        repository: On the Hub, such as ``chendelong/RemoteCLIP``; empty where it is elsewhere.
        file: The file in the repository; of a zip file, the file in it.
        url: Where the file is, where that is no repository of the Hub.
        licence: As stated by its publishers; None where that was not verified.
        activation: ``QuickGELU`` or ``GELU``.
        source_of_activation: Where that was read.
        context_length: Most tokens of a text.
        note: What else to know.
    """

    name: str
    architecture: str
    repository: str
    file: str
    activation: str
    source_of_activation: str
    licence: str | None = None
    url: str = ""
    context_length: int = 77
    note: str = ""

    @property
    def quick_gelu(self) -> bool:
        """Whether it was trained with QuickGELU."""
        return self.activation == "QuickGELU"

    @property
    def link(self) -> str:
        """Where a browser finds it."""
        return self.url or f"https://huggingface.co/{self.repository}"


_SKYSCRIPT: Final = "https://opendatasharing.s3.us-west-2.amazonaws.com/SkyScript/ckpt/"


def _remoteclip(architecture: str) -> PublishedWeights:
    return PublishedWeights(
        name=f"remoteclip-{architecture.lower()}",
        architecture=architecture,
        repository="chendelong/RemoteCLIP",
        file=f"RemoteCLIP-{architecture}.pt",
        activation="GELU",
        source_of_activation="its README loads it into this architecture of open_clip",
    )


def _georsclip(architecture: str, activation: str, source: str) -> PublishedWeights:
    return PublishedWeights(
        name=f"georsclip-{architecture.lower()}",
        architecture=architecture,
        repository="Zilun/GeoRSCLIP",
        file=f"ckpt/RS5M_{architecture}.pt",
        activation=activation,
        source_of_activation=source,
    )


def _skyclip(architecture: str, zip_name: str, activation: str, source: str) -> PublishedWeights:
    return PublishedWeights(
        name=f"skyclip-{architecture.lower()}",
        architecture=architecture,
        repository="",
        file="epoch_20.pt",
        url=f"{_SKYSCRIPT}{zip_name}.zip",
        licence="MIT, that of its code",
        activation=activation,
        source_of_activation=source,
        note="a zip file: unpack it and name the file in it",
    )


def _long(name: str, architecture: str, repository: str, file: str) -> PublishedWeights:
    return PublishedWeights(
        name=name,
        architecture=architecture,
        repository=repository,
        file=file,
        activation="QuickGELU",
        source_of_activation="the code beside it, model_longclip.py",
        context_length=248,
        note="reads 248 tokens: --max-words 248",
    )


def _git_rsclip(
    name: str, architecture: str, repository: str, licence: str | None
) -> PublishedWeights:
    return PublishedWeights(
        name=name,
        architecture=architecture,
        repository=repository,
        file="model.safetensors",
        licence=licence,
        activation="GELU",
        source_of_activation="SigLIP of transformers, its default (by tanh)",
        context_length=64,
        note="SigLIP; needs the tokenizer of its architecture; name and sizes of the file were not "
        "verified",
    )


PUBLISHED: Final[Mapping[str, PublishedWeights]] = {
    one.name: one
    for one in (
        _remoteclip("ViT-B-32"),
        _remoteclip("ViT-L-14"),
        _remoteclip("RN50"),
        _georsclip("ViT-B-32", "QuickGELU", "its code puts it into OpenAI's weights of open_clip"),
        _georsclip("ViT-L-14", "QuickGELU", "not verified: as for ViT-B-32"),
        _georsclip("ViT-H-14", "GELU", "its code puts it into laion2b_s32b_b79k of open_clip"),
        _skyclip(
            "ViT-B-32", "SkyCLIP_ViT_B32_top50pct", "GELU", "trained from laion2b_e16 (its README)"
        ),
        _skyclip(
            "ViT-L-14",
            "SkyCLIP_ViT_L14_top30pct_filtered_by_CLIP_laion_RS",
            "QuickGELU",
            "trained from OpenAI's weights (its README), which open_clip builds with QuickGELU",
        ),
        _long("longclip-vit-b-16", "ViT-B-16", "BeichenZhang/LongCLIP-B", "longclip-B.pt"),
        _long("longclip-vit-l-14", "ViT-L-14", "BeichenZhang/LongCLIP-L", "longclip-L.pt"),
        _long(
            "dgtrs-clip-vit-b-16",
            "ViT-B-16",
            "MitsuiChen14/DGTRS-CLIP-ViT-B-16",
            "DGTRS-CLIP-ViT-B-16.pt",
        ),
        _long(
            "dgtrs-clip-vit-l-14",
            "ViT-L-14",
            "MitsuiChen14/DGTRS-CLIP-ViT-L-14",
            "DGTRS-CLIP-ViT-L-14.pt",
        ),
        _git_rsclip("git-rsclip-base", "ViT-B-16-SigLIP", "lcybuaa/Git-RSCLIP-base", "Apache-2.0"),
        _git_rsclip("git-rsclip-large", "ViT-L-16-SigLIP-256", "lcybuaa/Git-RSCLIP", None),
    )
}
"""By name, those of one publisher together."""
