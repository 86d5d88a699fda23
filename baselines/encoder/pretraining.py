"""Pretrain the ``tiny`` CLIP from random weights on a stream of single frames with captions.

The frames come in shards by number. The last shards are kept in memory, and each step draws its
batch from all of them, so that consecutive frames are not in one batch. An interrupted training
fetches those shards again and continues as without the interruption.
"""

import io
import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from safetensors.torch import save
from torch.nn import functional

from baselines.encoder.frame_encoder import FrameEncoder
from baselines.encoder.shards_ahead import shards_ahead
from dvtr_bench.errors import ConfigError, WeightsError
from dvtr_bench.runtime.checkpoint import tensors_sha256
from dvtr_bench.runtime.files import written_beside

MAX_WORDS: Final = 40
"""Largest number of tokens of a caption, including start and end: more than any in the stream."""

STATE_FILE: Final = "state.pt"
LOG_FILE: Final = "log.jsonl"


@dataclass(frozen=True)
class Pretraining:
    """How ``tiny`` is trained.

    The learning rate rises over ``warmup_steps``, stays, and falls in a line to 0 over the last
    ``decay_fraction`` of all steps. So a training can be made longer after a stop, up to the
    moment at which it falls.

    Attributes:
        steps: Steps of the whole training.
        batch_size: Frames per step, each with one caption of its clip.
        learning_rate: The highest learning rate.
        warmup_steps: Steps over which it rises.
        decay_fraction: Part of all steps over which it falls.
        weight_decay: On weights; never on biases, norms and scalars.
        max_grad_norm: The whole gradient is scaled down to this norm.
        stories_a_batch: Number of stories in one batch. With few stories, a batch has more clips
            that are hard to distinguish.
        steps_a_shard: Steps between the arrival of one shard and the next.
        kept_shards: Shards that batches are drawn from.
        first_shards: Shards needed before the first step.
        lenient_steps: Until this step, a caption that is true of a frame is not a negative of it.
        seed: Seed of the weights, the stream and the batches.

    Raises:
        ConfigError: A value out of range.
    """

    steps: int = 8_000
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    warmup_steps: int = 400
    decay_fraction: float = 0.25
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0
    stories_a_batch: int = 4
    steps_a_shard: int = 18
    kept_shards: int = 40
    first_shards: int = 3
    lenient_steps: int = 2800
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        least = {
            **{"steps": 1, "batch_size": 2, "warmup_steps": 0, "stories_a_batch": 1},
            **{"steps_a_shard": 1, "kept_shards": 1, "first_shards": 1},
            **{"lenient_steps": 0, "seed": 0},
        }
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ConfigError(f"{name} must be at least {lowest}, found {getattr(self, name)}")
        if self.first_shards > self.kept_shards:
            raise ConfigError("first_shards must not be more than kept_shards")
        if not 0 < self.decay_fraction <= 1:
            raise ConfigError(f"decay_fraction must be in (0, 1], found {self.decay_fraction}")

    @property
    def decay_start(self) -> int:
        """The step from which the learning rate falls."""
        return self.steps - round(self.steps * self.decay_fraction)

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Example:
            >>> recipe = Pretraining(steps=100, warmup_steps=10, learning_rate=1.0)
            >>> [recipe.learning_rate_at(step) for step in (0, 4, 50, 75, 99)]
            [0.1, 0.5, 1.0, 1.0, 0.04]
        """
        rising = (step + 1) / max(self.warmup_steps, 1)
        falling = (self.steps - step) / max(self.steps - self.decay_start, 1)
        return self.learning_rate * min(rising, 1.0, falling)


class Shard(NamedTuple):
    """Frames of the stream, ready for the towers.

    Attributes:
        pixels: uint8, N x 3 x image_size x image_size.
        tokens: int16, N x 5 x MAX_WORDS: the captions of each frame's clip.
        facts: int32, N x D: a number for the value of each fact of the clip, its story first.
        mentioned: bool, N x 5 x D: which facts each caption gives away.
    """

    pixels: torch.Tensor
    tokens: torch.Tensor
    facts: torch.Tensor
    mentioned: torch.Tensor


class Batch(NamedTuple):
    """The pairs of one step.

    Attributes:
        pixels: uint8, B x 3 x image_size x image_size.
        tokens: int64, B x MAX_WORDS.
        fits: bool, B x B, captions x frames: whether a caption is true of a frame's clip.
    """

    pixels: torch.Tensor
    tokens: torch.Tensor
    fits: torch.Tensor


def draw_batch(shards: list[Shard], recipe: Pretraining, step: int) -> Batch:
    """Draw the batch of a step.

    Args:
        shards: The kept shards.
        recipe: The recipe with size and seed.
        step: Number of the step.

    Returns:
        The batch: the same for equal arguments.
    """
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    story = torch.cat([shard.facts[:, 0] for shard in shards])
    stories = torch.unique(story)
    chosen = stories[torch.randperm(len(stories), generator=generator)[: recipe.stories_a_batch]]
    among = torch.isin(story, chosen).nonzero()[:, 0]
    picked = torch.randperm(len(among), generator=generator)[: recipe.batch_size]
    rows = among[picked].tolist()
    captions = torch.randint(shards[0].tokens.shape[1], (len(rows),), generator=generator).tolist()
    starts = torch.tensor([0, *(len(shard.facts) for shard in shards)]).cumsum(0)
    positions = []
    for row in rows:
        number = int(torch.searchsorted(starts, row, right=True)) - 1
        positions.append((shards[number], row - int(starts[number])))
    facts = torch.stack([shard.facts[row] for shard, row in positions])
    mentioned = torch.stack(
        [shard.mentioned[row, one] for (shard, row), one in zip(positions, captions, strict=True)]
    )
    fits = ((facts[:, None] == facts[None]) | ~mentioned[:, None]).all(dim=-1)
    return Batch(
        torch.stack([shard.pixels[row] for shard, row in positions]),
        torch.stack(
            [shard.tokens[row, one] for (shard, row), one in zip(positions, captions, strict=True)]
        ).long(),
        fits,
    )


def pretraining_loss(encoder: FrameEncoder, batch: Batch, *, lenient: bool = False) -> torch.Tensor:
    """Return CLIP's contrastive loss without false negatives.

    Args:
        encoder: Both towers, on any device.
        batch: The pairs, on any device. A frame whose clip a caption fits too is no negative of
            that caption.
        lenient: Whether such a caption is no negative of that frame either. It is one later on:
            among the captions that are true of a clip, the one that says most of it shall score
            highest.

    Returns:
        A scalar.
    """
    device = encoder.logit_scale.device
    frames = functional.normalize(encoder.encode_frames(batch.pixels.to(device)), dim=-1)
    texts = functional.normalize(encoder.encode_text(batch.tokens.to(device))[0], dim=-1)
    logits = encoder.logit_scale.exp() * texts @ frames.T
    diagonal = torch.arange(len(logits), device=device)
    no_negative = batch.fits.to(device).clone()
    no_negative[diagonal, diagonal] = False
    without = logits.masked_fill(no_negative, -torch.inf)
    t2v = functional.cross_entropy(without, diagonal)
    v2t = functional.cross_entropy(without.T if lenient else logits.T, diagonal)
    return (t2v + v2t) / 2


def pretrain(
    encoder: FrameEncoder,
    fetch: Callable[[int], Shard],
    recipe: Pretraining,
    folder: Path,
    *,
    workers: int = 1,
    save_every: int = 200,
    measure: Callable[[int], Mapping[str, float]] | None = None,
    report: Callable[[Mapping[str, float]], None] | None = None,
) -> None:
    """Train an encoder in place; called again after a stop, go on from the last state.

    Args:
        encoder: The encoder with random weights, on its device.
        fetch: Returns a shard by its number; runs in worker processes.
        recipe: How to train.
        folder: Keeps the state (``state.pt``), and ``log.jsonl`` with a line for each state.
        workers: Processes that fetch shards; 0 fetches them in this one.
        save_every: Steps between two states.
        measure: Returns what else belongs into the line of a step.
        report: Takes that line once it is kept: ``step``, ``loss``, ``learning_rate`` and what was
            measured.

    Raises:
        ConfigError: The folder holds a training of another recipe.
        WeightsError: Its state is damaged.
    """
    optimiser = _optimiser(encoder, recipe)
    steps_done, log = _resume(folder, encoder, optimiser, recipe)
    # The state holds the log too: a stop between the two files costs no line.
    if log:
        _write_log(folder, log)
    kept_shards: deque[Shard] = deque(maxlen=recipe.kept_shards)
    arrived = _shards_before(steps_done, recipe)
    first = max(0, arrived - recipe.kept_shards)
    shards = shards_ahead(fetch, first, workers)
    kept_shards.extend(next(shards) for _ in range(first, arrived))
    total, count = 0.0, 0
    for step in range(steps_done, recipe.steps):
        while arrived < _shards_before(step, recipe):
            kept_shards.append(next(shards))
            arrived += 1
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(step)
        encoder.train()
        batch = draw_batch(list(kept_shards), recipe, step)
        loss = pretraining_loss(encoder, batch, lenient=step < recipe.lenient_steps)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), recipe.max_grad_norm)
        optimiser.step()
        with torch.no_grad():
            encoder.logit_scale.clamp_(max=math.log(100))
        total, count = total + loss.item(), count + 1
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            known = {
                "step": step + 1,
                "loss": total / count,
                "learning_rate": recipe.learning_rate_at(step),
                **(measure(step + 1) if measure else {}),
            }
            log.append(known)
            _save(folder, encoder, optimiser, recipe, log)
            _write_log(folder, log)
            if report:
                report(known)
            total, count = 0.0, 0


def write_weights(encoder: FrameEncoder, recipe: Pretraining, path: Path) -> Path:
    """Write weights as the package ships them: float16, their recipe in the head of the file.

    Args:
        encoder: Trained.
        recipe: How.
        path: The file.

    Returns:
        The file.
    """
    tensors = {
        name: value.detach().cpu().half().contiguous()
        for name, value in encoder.clip.state_dict().items()
    }
    metadata = {
        "recipe": json.dumps(asdict(recipe)),
        "command": f"dvtr-bench pretrain-tiny --steps {recipe.steps}",
        "tensors_sha256": tensors_sha256(tensors),
    }
    with written_beside(path) as beside:
        beside.write_bytes(_in_order(save(tensors, metadata)))
    return path


def _in_order(content: bytes) -> bytes:
    """Sort the words in the head of a safetensors file: the library writes them in any order."""
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    head["__metadata__"] = dict(sorted(head["__metadata__"].items()))
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def _shards_before(step: int, recipe: Pretraining) -> int:
    """How many shards have arrived before a step."""
    return recipe.first_shards + step // recipe.steps_a_shard


def _optimiser(encoder: FrameEncoder, recipe: Pretraining) -> torch.optim.AdamW:
    weights = [value for value in encoder.parameters() if value.ndim > 1]
    others = [value for value in encoder.parameters() if value.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": weights, "weight_decay": recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )


def _save(
    folder: Path,
    encoder: FrameEncoder,
    optimiser: torch.optim.AdamW,
    recipe: Pretraining,
    log: Sequence[Mapping[str, float]],
) -> None:
    state = {
        "encoder": encoder.clip.state_dict(),
        "optimiser": optimiser.state_dict(),
        "recipe": json.dumps(asdict(recipe)),
        "log": json.dumps(log),
    }
    # Not straight into a file: torch hides what the system says of a full disk.
    content = io.BytesIO()
    torch.save(state, content)
    with written_beside(folder / STATE_FILE) as beside:
        beside.write_bytes(content.getbuffer())


def _write_log(folder: Path, log: Sequence[Mapping[str, float]]) -> None:
    with written_beside(folder / LOG_FILE) as beside:
        beside.write_text("".join(f"{json.dumps(known)}\n" for known in log), encoding="utf-8")


def _resume(
    folder: Path, encoder: FrameEncoder, optimiser: torch.optim.AdamW, recipe: Pretraining
) -> tuple[int, list[dict[str, float]]]:
    """Load the state of a folder, if there is one; return how many steps are done, and the log."""
    path = folder / STATE_FILE
    if not path.is_file():
        return 0, []
    try:
        state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved_recipe = Pretraining(**json.loads(state["recipe"]))
        log = json.loads(state["log"])
        step = int(log[-1]["step"])
    except Exception as failure:
        raise WeightsError(
            f"{path} cannot be read ({failure}): remove {folder} to train from the start"
        ) from failure
    if replace(recipe, steps=saved_recipe.steps) != saved_recipe:
        raise ConfigError(
            f"{folder} holds a training with other settings ({saved_recipe}): name another folder"
        )
    if recipe.steps != saved_recipe.steps and step > min(
        saved_recipe.decay_start, recipe.decay_start
    ):
        raise ConfigError(
            f"{folder} is at step {step}, where the learning rate of its {saved_recipe.steps} "
            "steps "
            f"falls already: it cannot be made one of {recipe.steps} steps any more"
        )
    encoder.clip.load_state_dict(state["encoder"])
    optimiser.load_state_dict(state["optimiser"])
    return step, log
