"""Train the backbone that comes with the package again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dvtr_bench.cli._options import Device

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.encoder.frame_encoder import FrameEncoder
    from baselines.encoder.pretraining import Shard


def pretrain_tiny(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the state, the log and the weights.")
    ] = Path("pretrained-tiny"),
    steps: Annotated[int | None, typer.Option(help="Steps of the whole training.")] = None,
    recipe_settings: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="Another setting, name=value; repeat for more."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that render frames.")] = 1,
    device: Device = "auto",
    validate_every: Annotated[int, typer.Option(help="Steps between two validations.")] = 1000,
) -> None:
    """Train the tiny CLIP from nothing on frames that are rendered meanwhile.

    None of them is of a clip of aerosynth's sizes small and full. Run again after a stop, it goes
    on. Writes tiny.safetensors, which is what the package ships, and log.jsonl.
    """
    import json
    from dataclasses import replace
    from functools import partial

    import torch

    from baselines.encoder.frame_encoder import FrameEncoder
    from baselines.encoder.pretraining import LOG_FILE, Pretraining, pretrain, write_weights
    from dvtr_bench.runtime.device import choose_device
    from dvtr_bench.training.options import parse_settings

    changes = parse_settings(Pretraining, recipe_settings or [])
    recipe = replace(Pretraining(), **changes, **({"steps": steps} if steps else {}))
    torch.manual_seed(recipe.seed)
    encoder = FrameEncoder("tiny", quick_gelu=False).to(choose_device(device))
    validate = _validation(encoder)

    def report(known: dict[str, float]) -> None:
        step = int(known["step"])
        if step % validate_every == 0 or step == recipe.steps:
            known["validation_t2v_r1"], known["validation_v2t_r1"] = validate()
        with (out / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(known) + "\n")
        told = "  ".join(f"{name} {value:.4g}" for name, value in known.items())
        typer.echo(told, err=True)

    fetch = partial(fetch_shard, image_size=encoder.image_size, seed=recipe.seed)
    pretrain(encoder, fetch, recipe, out, workers=workers, report=report)
    path = write_weights(encoder, recipe, out / "tiny.safetensors")
    typer.echo(
        f"weights  {path}\nnext: dvtr-bench evaluate --model clip_zeroshot "
        f"--backbone tiny/{path} --dataset aerosynth-small"
    )


def fetch_shard(number: int, *, image_size: int, seed: int) -> "Shard":
    """Render one shard of the stream and make it ready for the towers; runs in a worker process."""
    import cv2
    import numpy as np
    import torch

    from baselines.encoder.preprocessing import clip_pixels
    from baselines.encoder.pretraining import MAX_WORDS, Shard
    from baselines.weights.tiny import tiny_tokenizer
    from builders.aerosynth.stream import stream_shard

    cv2.setNumThreads(1)
    frames = list(stream_shard(number, seed))
    captions = [caption for one in frames for caption in one.captions]
    tokens = tiny_tokenizer()(captions, context_length=MAX_WORDS).to(torch.int16)
    return Shard(
        torch.from_numpy(np.stack([clip_pixels(one.frame, image_size) for one in frames])),
        tokens.view(len(frames), -1, MAX_WORDS),
        torch.from_numpy(np.stack([one.facts for one in frames])),
        torch.from_numpy(np.stack([one.mentioned for one in frames])),
    )


def _validation(encoder: "FrameEncoder") -> "Callable[[], tuple[float, float]]":
    """Return what measures R@1 of mean pooling on the validation split of aerosynth-full.

    Both ways, T2V first.
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
        place = encoder.logit_scale.device
        frames = [functional.normalize(encoder.encode_frames(v.to(place)), dim=-1) for v in videos]
        video_embeds = functional.normalize(torch.stack(frames).mean(dim=1), dim=-1)
        parts = [encoder.encode_text(part.to(place))[0] for part in torch.split(tokens, 500)]
        scores = (functional.normalize(torch.cat(parts), dim=-1) @ video_embeds.T).cpu()
        own = scores.gather(1, owner[:, None])
        others = scores.scatter(1, owner[:, None], -torch.inf)
        first = owner[scores.argmax(dim=0)] == torch.arange(len(plans))
        return (
            100 * float((others < own).all(dim=1).float().mean()),
            100 * float(first.float().mean()),
        )

    return measure
