"""The training loop: an epoch consists of steps; a step runs two towers, a head and an update."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

from dvtr_bench.errors import InputError, NotANumberError
from dvtr_bench.runtime.checkpoint import load_tensors_into
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.training.clips import prefetched
from dvtr_bench.training.grad_cache import TowerOutputs, own_rows, share_gradients
from dvtr_bench.training.optimiser import (
    new_optimiser,
    parameter_groups,
    require_no_batch_norm,
    trained_parameters,
)
from dvtr_bench.training.run import load_optimiser_tensors, optimiser_tensors, restore_optimiser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.inputs import SplitInputs
    from dvtr_bench.training.recipe import Recipe
    from dvtr_bench.training.run import RunState


_EPOCHS_A_SEED = 1_000_003
"""Keeps the streams of neighbouring seeds and epochs apart."""


@dataclass(frozen=True)
class Batch:
    """The pairs of one step.

    Attributes:
        captions: Indices of its captions.
        clips: Indices of its clips, each once.
        clip_of_caption: For each caption, the index of its clip in ``clips``.
    """

    captions: list[int]
    clips: list[int]
    clip_of_caption: list[int]


def epoch_generator(recipe: "Recipe", epoch: int) -> torch.Generator:
    """Return the random generator of an epoch, which depends only on seed and epoch."""
    return torch.Generator().manual_seed(recipe.seed * _EPOCHS_A_SEED + epoch)


def epoch_batches(
    split: "RetrievalSplit", recipe: "Recipe", generator: torch.Generator
) -> list[Batch]:
    """Draw the batches of an epoch.

    The last, short batch is left out, as in the authors' code; if there are fewer pairs than the
    batch size, they form one batch.

    Args:
        split: The training split.
        recipe: Says batch size and pairs.
        generator: Of the epoch.

    Returns:
        The batches.

    Raises:
        InputError: Fewer than two pairs.
    """
    owner = split.caption_video_index.tolist()
    if recipe.pairs == "all":
        pairs = torch.randperm(len(owner), generator=generator).tolist()
    else:
        pairs = _one_caption_per_video(owner, generator)
    if len(pairs) < 2:
        raise InputError(
            f"the {split.name} split of {split.dataset_name} has {len(pairs)} pairs to train on: "
            "a contrastive loss needs at least two"
        )
    size = min(recipe.batch_size, len(pairs))
    return [
        _batch(pairs[start : start + size], owner)
        for start in range(0, len(pairs) - size + 1, size)
    ]


def steps_in_epoch(split: "RetrievalSplit", recipe: "Recipe") -> int:
    """Return how many batches `epoch_batches` draws."""
    return len(epoch_batches(split, recipe, epoch_generator(recipe, 0)))


def validated_steps(num_steps: int, validations: int) -> set[int]:
    """Return after which steps within an epoch it is validated, the last one left out.

    Args:
        num_steps: Steps of the epoch.
        validations: How often it is validated, the end included.

    Returns:
        Numbers of steps, from 0.

    Source: X-Pool ``Trainer._train_epoch``.

    Example:
        >>> sorted(validated_steps(9, 4))
        [2, 4, 6]
    """
    steps = np.linspace(0, num_steps - 1, validations + 1, dtype=int)[1:]
    return set(steps.tolist()) - {num_steps - 1}


def draw_frames(frame_mask: torch.Tensor, count: int, chances: torch.Tensor) -> torch.Tensor:
    """Draw random frames of each clip, without repeats and in order of time.

    Args:
        frame_mask: bool, V x F.
        count: Frames to draw; F if it is larger.
        chances: float, V x F, random numbers from 0..1; the frames with the highest are taken.

    Returns:
        int64, V x count: indices of frames; padding is taken only if a clip has too few frames.
    """
    chosen = chances.masked_fill(~frame_mask, -1.0).topk(min(count, frame_mask.shape[1])).indices
    return chosen.sort(dim=1).values


def draw_from_intervals(
    frame_mask: torch.Tensor, count: int, chances: torch.Tensor
) -> torch.Tensor:
    """Draw one random frame from each of ``count`` equal intervals of each clip.

    Args:
        frame_mask: bool, V x F, padding last.
        count: Intervals; F if it is larger.
        chances: float, V x F, random numbers from 0..1; of an interval, the frame with the highest
            is taken.

    Returns:
        int64, V x count: indices of frames. A clip with fewer frames gives all, then padding.

    Source: Wang et al. 2016, Temporal Segment Networks (arXiv 1608.00859), section 3.1.
    """
    count = min(count, frame_mask.shape[1])
    lengths = frame_mask.sum(dim=1, keepdim=True)
    places = torch.arange(frame_mask.shape[1])
    interval = torch.where(lengths >= count, places * count // lengths, places)
    drawn = [chances.masked_fill(interval != number, -1.0).argmax(dim=1) for number in range(count)]
    return torch.stack(drawn, dim=1)


def _one_caption_per_video(owner: list[int], generator: torch.Generator) -> list[int]:
    shuffled = torch.randperm(len(owner), generator=generator).tolist()
    first: dict[int, int] = {}
    for caption in shuffled:
        first.setdefault(owner[caption], caption)
    return list(first.values())


def _batch(captions: list[int], owner: list[int]) -> Batch:
    clip_indices: dict[int, int] = {}
    for caption in captions:
        clip_indices.setdefault(owner[caption], len(clip_indices))
    return Batch(
        captions, list(clip_indices), [clip_indices[owner[caption]] for caption in captions]
    )


_AUTOCAST_DTYPES: Final = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Loop:
    """The loop of one training.

    Attributes:
        model: The model, on its device.
        split: The training split.
        recipe: How to train.
        device: Device of the model.
        processes: Processes that share each batch; their models stay equal.
    """

    model: "Trainable"
    split: "RetrievalSplit"
    recipe: "Recipe"
    device: torch.device
    processes: "Processes"

    def __post_init__(self) -> None:
        """Choose the trained parameters and create the optimiser."""
        recipe = self.recipe
        self._names = trained_parameters(self.model, recipe)
        require_no_batch_norm(self.model, self._names, recipe, self.processes.count)
        self.model.set_checkpointing(recipe.checkpointing)
        self._optimiser = new_optimiser(parameter_groups(self.model, self._names, recipe), recipe)
        self._peaks = [group["lr"] for group in self._optimiser.param_groups]
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.autocast == "fp16")
        self.steps_per_epoch = steps_in_epoch(self.split, recipe)

    @property
    def trains_scale_alone(self) -> bool:
        """Whether nothing but the logit scale learns: a factor of all scores changes no rank."""
        return all(name.endswith("logit_scale") for name in self._names.values())

    def resume(self, checkpoint: "Path", state: "RunState") -> None:
        """Continue from a checkpoint."""
        load_tensors_into(self.model, checkpoint)
        restore_optimiser(self._optimiser, self._names, load_optimiser_tensors(checkpoint))
        if state.loss_scale is not None:
            self._scaler.load_state_dict({**self._scaler.state_dict(), "scale": state.loss_scale})

    def optimiser_tensors(self) -> dict[str, torch.Tensor]:
        """Return the optimiser state for a checkpoint."""
        return optimiser_tensors(self._optimiser, self._names)

    def loss_scale(self) -> float | None:
        """Return the loss scale of fp16, else None."""
        return self._scaler.get_scale() if self._scaler.is_enabled() else None

    def run_epoch(
        self,
        epoch: int,
        inputs: "SplitInputs",
        write: "Callable[[Mapping[str, float]], None]",
        *,
        workers: int,
        show_progress: bool,
        validate: "Callable[[float], None] | None" = None,
    ) -> tuple[float, float]:
        """Train for one epoch.

        Args:
            epoch: Number of the epoch, from 0.
            inputs: Inputs of the training split.
            write: Called with one record per step.
            workers: Threads that prepare clips.
            show_progress: Whether to show a progress bar.
            validate: Called within the epoch where the recipe validates, with the share of its
                steps that are done. It changes neither the model nor what is drawn afterwards.

        Returns:
            The mean loss of its steps, and its highest learning rate.

        Raises:
            NotANumberError: The loss is no longer a number.
        """
        generator = epoch_generator(self.recipe, epoch)
        batches = epoch_batches(self.split, self.recipe, generator)
        label = f"epoch {epoch + 1} of {self.recipe.epochs}"
        devices = [self.device] if self.device.type == "cuda" else []
        num_frames = self._num_frames(inputs)
        validated = validated_steps(len(batches), self.recipe.validations_per_epoch)
        clips_of_batches = [
            self._own(batch.clips, encoded=inputs.clips.encoded) for batch in batches
        ]
        self.model.train()
        total, highest = 0.0, 0.0
        with (
            torch.random.fork_rng(devices=devices),
            progress_bar(label, total=len(batches), enabled=show_progress) as advance,
            prefetched(inputs.clips, clips_of_batches, workers=workers) as prepared,
        ):
            torch.manual_seed(generator.initial_seed())
            for number, (batch, clips) in enumerate(zip(batches, prepared, strict=True)):
                step = epoch * self.steps_per_epoch + number
                began = time.perf_counter()
                rate = self._set_learning_rate(step)
                if num_frames is not None:
                    # For the whole batch, so that they do not depend on the number of processes.
                    chances = torch.rand(len(batch.clips), num_frames, generator=generator)
                    clips = self._some_frames(clips, chances, encoded=inputs.clips.encoded)
                losses = self._step(batch, inputs, clips, seed=generator.initial_seed() + step)
                _require_finite(losses, epoch, number)
                seconds = time.perf_counter() - began
                write(
                    {"epoch": epoch + 1, "step": step + 1, "learning_rate": rate, **losses}
                    | {"seconds": round(seconds, 4)}
                )
                total, highest = total + losses["loss"], max(highest, rate)
                advance(note=f"loss {losses['loss']:.3f}  lr {rate:.1e}")
                if validate is not None and number in validated:
                    with torch.random.fork_rng(devices=devices):
                        validate((number + 1) / len(batches))
                    self.model.train()
        return total / len(batches), highest

    def _step(
        self, batch: Batch, inputs: "SplitInputs", clips: "Features", *, seed: int
    ) -> dict[str, float]:
        self._optimiser.zero_grad(set_to_none=True)
        captions = self._own(batch.captions, encoded=inputs.captions.encoded)
        texts = inputs.captions.batch(captions)
        outputs = []
        if inputs.captions.encoded:
            texts = self._on_device(texts)
        else:
            outputs.append(self._run_tower(self._encode_tokens, texts, seed))
            texts = outputs[-1].features
        if inputs.clips.encoded:
            clips = self._on_device(clips)
        else:
            outputs.append(self._run_tower(self.model.encode_frames, clips, seed))
            clips = outputs[-1].features
        clip_indices = torch.tensor(batch.clip_of_caption, device=self.device)
        with self._autocast():
            frames = {name: value[clip_indices] for name, value in clips.items()}
            losses = self.model.head_loss(texts, frames)
        torch.autograd.backward(self._scaler.scale(losses["loss"]))
        share_gradients(list(self._names), outputs, self.processes)
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self._names, self.recipe.max_grad_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.model.clamp_logit_scale(self.recipe.max_logit_scale)
        return {name: value.item() for name, value in losses.items()}

    def _run_tower(
        self, encode: "Callable[[Features], Features]", inputs: "Features", seed: int
    ) -> TowerOutputs:
        return TowerOutputs(
            encode,
            inputs,
            piece=self.recipe.micro_batch_size,
            device=self.device,
            seed=seed,
            autocast=self._autocast,
            processes=self.processes,
        )

    def _encode_tokens(self, inputs: "Features") -> "Features":
        return self.model.encode_tokens(inputs["tokens"])

    def _some_frames(
        self, clips: "Features", chances: torch.Tensor, *, encoded: bool
    ) -> "Features":
        if not clips or self.recipe.frames_a_step is None:
            return clips
        if not encoded:
            chances = chances[own_rows(len(chances), self.processes)]
        draw = draw_frames if self.recipe.draw == "anywhere" else draw_from_intervals
        chosen = draw(clips["frame_mask"], self.recipe.frames_a_step, chances)
        rows = torch.arange(len(chosen))[:, None]
        return {name: value[rows, chosen] for name, value in clips.items()}

    def _own(self, items: list[int], *, encoded: bool) -> list[int]:
        """Return this process's items of a batch: all encoded ones, or its rows of others."""
        return items if encoded else items[own_rows(len(items), self.processes)]

    def _num_frames(self, inputs: "SplitInputs") -> int | None:
        """Return the number of frame slots of a clip if frames are to be drawn, else None."""
        if self.recipe.frames_a_step is None:
            return None
        return inputs.clips.batch([0])["frame_mask"].shape[1]

    def _on_device(self, features: "Features") -> "Features":
        return {name: value.to(self.device) for name, value in features.items()}

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(
            self.device.type,
            dtype=_AUTOCAST_DTYPES.get(self.recipe.autocast),
            enabled=self.recipe.autocast != "off",
        )

    def _set_learning_rate(self, step: int) -> float:
        total = self.steps_per_epoch * self.recipe.epochs
        factor = self.recipe.learning_rate_factor(step, total)
        for group, peak in zip(self._optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        return self.recipe.learning_rate * factor


def _require_finite(losses: "Mapping[str, float]", epoch: int, number: int) -> None:
    bad = [name for name, value in losses.items() if not abs(value) < float("inf")]
    if bad:
        raise NotANumberError(
            f"the training loss ({', '.join(bad)}) is no longer a number at epoch {epoch + 1}, "
            f"step {number + 1}: the checkpoints of earlier epochs are intact; lower the learning "
            "rate or switch autocast off"
        )
