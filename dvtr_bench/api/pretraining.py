"""Pretrain the packaged backbone again, on frames that are rendered during training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.settings import parse_settings

if TYPE_CHECKING:
    from baselines.encoder.frame_encoder import FrameEncoder
    from baselines.encoder.pretraining import Shard


def pretrain_tiny(
    out: Path,
    *,
    steps: int | None = None,
    recipe: Sequence[str] = (),
    workers: int = 1,
    device: str = "auto",
    validate_every: int = 1000,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train the tiny CLIP from random weights.

    No frame comes from a clip of aerosynth's sizes small and full. Called again after an
    interruption, it continues.

    Args:
        out: Folder for the state, the log (``log.jsonl``) and the weights.
        steps: Steps of the whole training; None for the recipe's value.
        recipe: Other settings, ``name=value``.
        workers: Processes that render frames.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        validate_every: Steps between two validations.
        tell: Called with a line of figures, as often as the recipe says.

    Returns:
        The weights, ``tiny.safetensors``.

    Raises:
        ConfigError: A setting that does not fit.
    """
    import torch

    from baselines.encoder.frame_encoder import FrameEncoder
    from baselines.encoder.pretraining import Pretraining, pretrain, write_weights
    from dvtr_bench.runtime.processes import choose_device

    changes = parse_settings(Pretraining, recipe)
    whole = replace(Pretraining(), **changes, **({"steps": steps} if steps else {}))
    torch.manual_seed(whole.seed)
    encoder = FrameEncoder("tiny", quick_gelu=False).to(choose_device(device))
    validate = _validation(encoder)

    def measure(step: int) -> dict[str, float]:
        if step % validate_every and step != whole.steps:
            return {}
        t2v, v2t = validate()
        return {"validation_t2v_r1": t2v, "validation_v2t_r1": v2t}

    def report(figures: Mapping[str, float]) -> None:
        tell("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))

    fetch = partial(fetch_shard, image_size=encoder.image_size, seed=whole.seed)
    pretrain(encoder, fetch, whole, out, workers=workers, measure=measure, report=report)
    return write_weights(encoder, whole, out / "tiny.safetensors")


def fetch_shard(number: int, *, image_size: int, seed: int) -> "Shard":
    """Render and preprocess one shard of the stream; runs in a worker process."""
    import cv2
    import numpy as np
    import torch

    from baselines.encoder.preprocessing import clip_pixels
    from baselines.encoder.pretraining import MAX_WORDS, Shard
    from baselines.weights.backbone_spec import tiny_tokenizer
    from builders.aerosynth.stream import stream_shard

    cv2.setNumThreads(1)
    frames = list(stream_shard(number, seed))
    captions = [caption for item in frames for caption in item.captions]
    tokens = tiny_tokenizer()(captions, context_length=MAX_WORDS).to(torch.int16)
    return Shard(
        torch.from_numpy(np.stack([clip_pixels(item.frame, image_size) for item in frames])),
        tokens.view(len(frames), -1, MAX_WORDS),
        torch.from_numpy(np.stack([item.facts for item in frames])),
        torch.from_numpy(np.stack([item.mentioned for item in frames])),
    )


def _validation(encoder: "FrameEncoder") -> "Callable[[], tuple[float, float]]":
    """Return a function that measures mean pooling on the validation split of aerosynth-full.

    It returns R@1 of T2V and of V2T.
    """
    import numpy as np
    import torch
    from torch.nn import functional

    from baselines.encoder.preprocessing import stack_videos
    from builders.aerosynth import NUM_FRAMES, plan_clips, render_frames

    plans = [plan for plan in plan_clips("full") if plan.split == "validation"]
    numbers = np.linspace(0, NUM_FRAMES - 1, 12, dtype=int).tolist()
    videos = [
        stack_videos([list(render_frames(plan, numbers=numbers))], encoder.image_size, 12)[0][0]
        for plan in plans
    ]
    tokens = encoder.tokenize([text for plan in plans for text in plan.captions], 77)
    owner = torch.arange(len(plans)).repeat_interleave(len(plans[0].captions))

    @torch.no_grad()
    def measure() -> tuple[float, float]:
        encoder.eval()
        device = encoder.logit_scale.device
        frames = [functional.normalize(encoder.encode_frames(v.to(device)), dim=-1) for v in videos]
        video_embeds = functional.normalize(torch.stack(frames).mean(dim=1), dim=-1)
        parts = [encoder.encode_text(part.to(device))[0] for part in torch.split(tokens, 500)]
        scores = (functional.normalize(torch.cat(parts), dim=-1) @ video_embeds.T).cpu()
        own_scores = scores.gather(1, owner[:, None])
        others = scores.scatter(1, owner[:, None], -torch.inf)
        first = owner[scores.argmax(dim=0)] == torch.arange(len(plans))
        return (
            100 * float((others < own_scores).all(dim=1).float().mean()),
            100 * float(first.float().mean()),
        )

    return measure
