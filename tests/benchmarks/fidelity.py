"""How large the differences are that docs/reference/fidelity.md lists with a measured size.

    python tests/benchmarks/fidelity.py

Weights are random, as no weights come with this repository; features are made at CLIP's widths,
with cosines as CLIP has them: about 0.1 between any text and any frame, 0.3 where they belong
together. Everything has a seed; the figures are the same at every run on one machine.
"""

import copy

import torch
from torch import Tensor
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.heads.multi_grained import MultiGrainedSimilarity
from dvtr_bench.training.recipe import Recipe
from msam.pooling import FusionGate, fusion_similarity
from tests.oracles.direct_fusion_pooling import direct_fusion_similarity
from tests.oracles.direct_xclip import direct_xclip_similarity

TEXTS, VIDEOS, FRAMES, WORDS, WIDTH = 320, 64, 12, 32, 512
PEAK_RATE, WEIGHT_DECAY, STEPS = 1e-7, 0.2, 200
USRD_STEPS = 5 * (9975 // 64)
"""Five epochs of USRD's training captions in batches of 64."""

CAPTIONS = [
    "a boat",
    "two red boats near a pier",
    "three cars wait at a crossing while people walk past the houses on the left",
]


def made_features() -> dict[str, Tensor]:
    """Texts, their words, and frames of videos; text t belongs to video t % VIDEOS."""
    common = functional.normalize(torch.randn(WIDTH), dim=0)
    about = functional.normalize(torch.randn(VIDEOS, WIDTH), dim=-1)
    videos = torch.arange(TEXTS) % VIDEOS

    def near(centre: Tensor, *shape: int) -> Tensor:
        noise = functional.normalize(torch.randn(*shape, WIDTH), dim=-1)
        return functional.normalize(0.32 * common + 0.45 * centre + 0.83 * noise, dim=-1)

    return {
        "texts": near(about[videos], TEXTS),
        "words": near(about[videos][:, None], TEXTS, WORDS),
        "frames": near(about[:, None], VIDEOS, FRAMES),
        "blank": functional.normalize(
            0.32 * common + 0.95 * torch.randn(WIDTH) / WIDTH**0.5, dim=0
        ),
    }


def told(what: str, value: str) -> None:
    print(f"{what:<80}{value}")


def rewritten_pooling(features: dict[str, Tensor]) -> None:
    gate = FusionGate(WIDTH)
    texts, frames = features["texts"], features["frames"]
    mask = torch.ones(VIDEOS, FRAMES, dtype=torch.bool)
    ours = fusion_similarity(texts, frames, mask, gate, text_block=32)

    def mlp(pooled: Tensor) -> Tensor:
        return gate.fc2(gate.fc1(pooled).relu())

    direct = direct_fusion_similarity(texts, frames, mask, mlp, 32)
    told("fusion pooling rewritten, largest difference", f"{(ours - direct).abs().max():.1e}")


def blank_frames(features: dict[str, Tensor]) -> None:
    """A clip of 5 frames of 12, its blank frames masked and not."""
    gate, texts = FusionGate(WIDTH), features["texts"]
    frames = features["frames"].clone()
    frames[:, 5:] = features["blank"]
    there = torch.arange(FRAMES).expand(VIDEOS, -1) < 5
    masked, release = (
        fusion_similarity(texts, frames, mask, gate, text_block=32)
        for mask in (there, torch.ones_like(there))
    )
    own = torch.arange(TEXTS) % VIDEOS
    right = (release - masked).abs()[torch.arange(TEXTS), own]
    told(
        "7 blank frames of 12 in the pooling, largest difference",
        f"{(release - masked).abs().max():.3f}",
    )
    told("  of a text with its own video, largest", f"{right.max():.3f}")


def cut_texts() -> None:
    encoder = FrameEncoder("ViT-B-32", quick_gelu=True)
    tokens = encoder.tokenize(CAPTIONS, WORDS)
    cut, whole = (
        functional.normalize(encoder.encode_text(tokens, whole=all_of_it)[0], dim=-1)
        for all_of_it in (False, True)
    )
    told(
        "texts cut before the tower (ViT-B-32), largest difference",
        f"{(cut - whole).abs().max():.1e}",
    )


def half_precision_towers() -> None:
    """CLIP4Clip's ``convert_weights``: linear layers, convolution and attention in half."""
    encoder = FrameEncoder("ViT-B-32", quick_gelu=True).eval()
    halved = copy.deepcopy(encoder)
    for parameter in halved.parameters():
        parameter.copy_(parameter.half().float())
    tokens = encoder.tokenize(CAPTIONS, WORDS)
    pixels = torch.randint(0, 256, (len(CAPTIONS), 3, 224, 224), dtype=torch.uint8)
    found = []
    for one in (encoder, halved):
        with torch.autocast("cpu", dtype=torch.float16, enabled=one is halved):
            both = one.encode_text(tokens)[0], one.encode_frames(pixels)
        found.append([functional.normalize(each.float(), dim=-1) for each in both])
    (texts, frames), (half_texts, half_frames) = found
    difference = (texts @ frames.T - half_texts @ half_frames.T).abs().max()
    told("towers in half precision (ViT-B-32), largest difference of a cosine", f"{difference:.1e}")


def half_precision_steps() -> None:
    """One weight matrix, a gradient of norm 1 spread over CLIP's 124 million trained weights.

    The steps are BertAdam's as CLIP4Clip writes them: running means in the weights' precision.
    """
    size = 1 / 124e6**0.5
    start = 0.02 * torch.randn(WIDTH, WIDTH)
    for dtype in (torch.float32, torch.float16):
        generator = torch.Generator().manual_seed(0)
        weight = start.clone().to(dtype)
        mean, square = torch.zeros_like(weight), torch.zeros_like(weight)
        slope = 0.3 * size * torch.randn(WIDTH, WIDTH, generator=generator)
        for _ in range(STEPS):
            gradient = slope + size * torch.randn(WIDTH, WIDTH, generator=generator)
            gradient = gradient.to(dtype)
            mean.mul_(0.9).add_(gradient, alpha=0.1)
            square.mul_(0.98).addcmul_(gradient, gradient, value=0.02)
            update = mean / (square.sqrt() + 1e-6)
            update += WEIGHT_DECAY * weight
            weight.add_(-(PEAK_RATE * update))
        moved = weight.double() - start.to(dtype).double()
        distance, share = moved.square().mean().sqrt().item(), (moved != 0).double().mean().item()
        told(
            f"{STEPS} steps of CLIP's weights in {dtype}: distance, share that moved",
            f"{distance:.1e} {share:.0%}",
        )


def decayed_norms() -> None:
    """What weight decay takes from a norm's weight of 1 over a training on USRD."""
    recipe = Recipe()
    for what, rate in (("new", recipe.learning_rate), ("CLIP's", recipe.backbone_learning_rate)):
        kept = 1.0
        for step in range(USRD_STEPS):
            kept *= 1 - rate * recipe.learning_rate_factor(step, USRD_STEPS) * recipe.weight_decay
        told(f"weight decay on {what} norms, {USRD_STEPS} steps on USRD", f"{1 - kept:.1e}")


def xclip_padding(features: dict[str, Tensor]) -> None:
    """Captions of 10 tokens of 32; to the authors' attention padding is one more word each."""
    grains = MultiGrainedSimilarity(WIDTH, WORDS, FRAMES)
    video = functional.normalize(features["frames"].mean(dim=1), dim=-1)
    words = features["words"].clone()
    words[:, 10:] = words[:, 10:11]
    found = []
    for word_mask in (torch.arange(WORDS).expand(TEXTS, -1) < 10, torch.ones(TEXTS, WORDS) > 0):
        found.append(
            direct_xclip_similarity(
                dict(grains.state_dict()),
                features["texts"][:64],
                words[:64],
                word_mask[:64],
                video,
                features["frames"],
                torch.ones(VIDEOS, FRAMES, dtype=torch.bool),
            )
        )
    told(
        "X-CLIP, 22 padded words of 32, largest difference",
        f"{(found[0] - found[1]).abs().max():.3f}",
    )


def wti_padding(features: dict[str, Tensor]) -> None:
    """How often a maximum is below 0, where the authors' padding would win with 0."""
    pairs = torch.einsum("tlc,vfc->tlvf", features["words"][:64], features["frames"])
    below = (pairs.amax(dim=3) < 0).double().mean(), (pairs.amax(dim=1) < 0).double().mean()
    told("WTI, maxima below 0, over frames and over words", f"{below[0]:.1%} {below[1]:.1%}")


@torch.no_grad()
def main() -> None:
    torch.manual_seed(0)
    features = made_features()
    cosines = torch.einsum("tc,vfc->tvf", features["texts"], features["frames"])
    own = cosines[torch.arange(TEXTS), torch.arange(TEXTS) % VIDEOS]
    told(
        "made features: mean cosine, and where they belong together",
        f"{cosines.mean():.2f} {own.mean():.2f}",
    )
    rewritten_pooling(features)
    blank_frames(features)
    xclip_padding(features)
    wti_padding(features)
    cut_texts()
    half_precision_towers()
    half_precision_steps()
    decayed_norms()


if __name__ == "__main__":
    main()
