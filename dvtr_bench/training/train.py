"""The training loop: one model, one dataset, one recipe, one run folder."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from dvtr_bench.errors import ConfigError, NotANumberError
from dvtr_bench.progress import progress_bar
from dvtr_bench.runtime.checkpoint import load_tensors_into
from dvtr_bench.training.batches import (
    Batch,
    draw_frames,
    epoch_batches,
    epoch_generator,
    steps_in_epoch,
)
from dvtr_bench.training.clips import (
    DEFAULT_CACHE_BYTES,
    Clips,
    prefetched,
    prepare_clips,
)
from dvtr_bench.training.optimiser import BertAdam
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.run import (
    RunState,
    TrainingLog,
    load_optimiser_tensors,
    open_run,
    optimiser_tensors,
    restore_optimiser,
    save_epoch,
)
from dvtr_bench.training.run_choice import describe_setup
from dvtr_bench.training.splits import require_trainable
from dvtr_bench.training.validation import t2v_recall_at_1

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.training.contract import Trainable

_AUTOCAST_DTYPES: Final = {"bf16": torch.bfloat16, "fp16": torch.float16}
_NORMS: Final = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)


def train(
    model: "Trainable",
    split_train: "RetrievalSplit",
    split_validation: "RetrievalSplit",
    recipe: Recipe,
    out_folder: Path,
    *,
    device: str = "cpu",
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    workers: int = 2,
    prepare: Callable[[], tuple[Clips, Clips]] | None = None,
    show_progress: bool = True,
) -> Path:
    """Train a model and keep the checkpoint with the best validation T2V R@1.

    After every epoch the run folder holds a whole checkpoint. Called again with the same arguments
    after a stop, training goes on from the last whole epoch and ends with the same weights as
    without the stop; called again on a finished run it returns at once.

    Args:
        model: As `dvtr_bench.runtime.checkpoint.new_model` returns it; trained in place, but the
            best weights are those on disk.
        split_train: The ``train`` split, with frames.
        split_validation: The ``validation`` split, with frames.
        recipe: How to train.
        out_folder: The run folder, see `dvtr_bench.runtime.checkpoint.new_run_folder`.
        device: Such as ``cpu`` or ``cuda:0``.
        cache_bytes: Memory for preprocessed frames of the training split.
        workers: Threads that decode and preprocess frames.
        prepare: Gives the clips of both splits, where several models share them; by default they
            are prepared here (`dvtr_bench.training.clips.prepare_clips`).
        show_progress: Whether to show progress bars.

    Returns:
        The folder of the best checkpoint.

    Raises:
        ProtocolError: A split that is not what it must be for training.
        InputError: Frames or captions missing.
        ConfigError: The folder holds a run of another setup; fp16 without a GPU; a model that is
            not trained.
        NotANumberError: The loss is no longer a number.
    """
    require_trainable(split_train, split_validation)
    place = _checked_device(device, recipe)
    setup = describe_setup(model, split_train, recipe)
    state = open_run(out_folder, setup)
    if state.finished:
        return out_folder / str(state.best)
    loop = _Loop(model.to(place), split_train, recipe, place)
    if state.last is None:
        model.see_training_captions(split_train.captions)
    else:
        loop.resume(out_folder / state.last, state)
    if prepare is None:
        prepare = partial(
            prepare_clips,
            model,
            (split_train, split_validation),
            encoded=recipe.freeze == "frames",
            cache_bytes=cache_bytes,
            show_progress=show_progress,
        )
    train_clips, validation_clips = prepare()
    log = TrainingLog(out_folder, state.epochs_done)
    for epoch in range(state.epochs_done, recipe.epochs):
        loop.run_epoch(epoch, train_clips, log, workers=workers, show_progress=show_progress)
        recall = t2v_recall_at_1(model, split_validation, validation_clips)
        log.write({"epoch": epoch + 1, "validation_t2v_r1": recall})
        state = save_epoch(
            out_folder,
            state,
            model,
            loop.optimiser_tensors(),
            recall,
            loss_scale=loop.loss_scale(),
            total_epochs=recipe.epochs,
        )
    return out_folder / str(state.best)


@dataclass
class _Loop:
    """The moving parts of one training."""

    model: "Trainable"
    split: "RetrievalSplit"
    recipe: Recipe
    device: torch.device

    def __post_init__(self) -> None:
        recipe = self.recipe
        self._names = _trained_parameters(self.model, recipe)
        self._optimiser = BertAdam(
            _parameter_groups(self.model, self._names, recipe),
            lr=recipe.learning_rate,
            beta1=recipe.beta1,
            beta2=recipe.beta2,
            epsilon=recipe.epsilon,
            weight_decay=recipe.weight_decay,
        )
        self._peaks = [group["lr"] for group in self._optimiser.param_groups]
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.autocast == "fp16")
        self._tokens = self.model.tokenize(self.split.captions)
        self._steps = steps_in_epoch(self.split, recipe)

    def resume(self, checkpoint: Path, state: RunState) -> None:
        load_tensors_into(self.model, checkpoint)
        restore_optimiser(self._optimiser, self._names, load_optimiser_tensors(checkpoint))
        if state.loss_scale is not None:
            self._scaler.load_state_dict({**self._scaler.state_dict(), "scale": state.loss_scale})

    def optimiser_tensors(self) -> dict[str, torch.Tensor]:
        return optimiser_tensors(self._optimiser, self._names)

    def loss_scale(self) -> float | None:
        return self._scaler.get_scale() if self._scaler.is_enabled() else None

    def run_epoch(
        self, epoch: int, clips: Clips, log: TrainingLog, *, workers: int, show_progress: bool
    ) -> None:
        generator = epoch_generator(self.recipe, epoch)
        batches = epoch_batches(self.split, self.recipe, generator)
        label = f"epoch {epoch + 1} of {self.recipe.epochs}"
        devices = [self.device] if self.device.type == "cuda" else []
        self.model.train()
        with (
            torch.random.fork_rng(devices=devices),
            progress_bar(label, total=len(batches), enabled=show_progress) as advance,
            prefetched(clips, [batch.clips for batch in batches], workers=workers) as prepared,
        ):
            torch.manual_seed(generator.initial_seed())
            for number, (batch, features) in enumerate(zip(batches, prepared, strict=True)):
                step = epoch * self._steps + number
                began = time.perf_counter()
                rate = self._set_learning_rate(step)
                losses = self._step(batch, features, generator)
                _require_finite(losses, epoch, number)
                seconds = time.perf_counter() - began
                log.write(
                    {"epoch": epoch + 1, "step": step + 1, "learning_rate": rate, **losses}
                    | {"seconds": round(seconds, 4)}
                )
                advance(note=f"loss {losses['loss']:.3f}  lr {rate:.1e}")

    def _step(
        self, batch: Batch, features: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> dict[str, float]:
        self._optimiser.zero_grad(set_to_none=True)
        if self.recipe.frames_a_step is not None:
            chosen = draw_frames(features["frame_mask"], self.recipe.frames_a_step, generator)
            rows = torch.arange(len(chosen))[:, None]
            features = {name: value[rows, chosen] for name, value in features.items()}
        features = {name: value.to(self.device) for name, value in features.items()}
        with torch.autocast(
            self.device.type,
            dtype=_AUTOCAST_DTYPES.get(self.recipe.autocast),
            enabled=self.recipe.autocast != "off",
        ):
            if "pixels" in features:
                features = dict(self.model.encode_frames(features))
            places = torch.tensor(batch.clip_of_caption, device=self.device)
            frames = {name: value[places] for name, value in features.items()}
            losses = self.model.training_loss(self._tokens[batch.captions].to(self.device), frames)
        torch.autograd.backward(self._scaler.scale(losses["loss"]))
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self._names, self.recipe.max_grad_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.model.clamp_logit_scale(self.recipe.max_logit_scale)
        return {name: value.item() for name, value in losses.items()}

    def _set_learning_rate(self, step: int) -> float:
        factor = self.recipe.learning_rate_factor(step, self._steps * self.recipe.epochs)
        for group, peak in zip(self._optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        return self.recipe.learning_rate * factor


def _checked_device(device: str, recipe: Recipe) -> torch.device:
    place = torch.device(device)
    if recipe.autocast == "fp16" and place.type == "cpu":
        raise ConfigError("autocast=fp16 needs a GPU: use bf16 or off on the CPU")
    return place


def _trained_parameters(model: "Trainable", recipe: Recipe) -> dict[nn.Parameter, str]:
    frozen = model.frame_parameter_names() if recipe.freeze == "frames" else set()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return {parameter: name for name, parameter in model.named_parameters() if name not in frozen}


def _parameter_groups(
    model: "Trainable", names: Mapping[nn.Parameter, str], recipe: Recipe
) -> list[dict[str, Any]]:
    backbone = model.backbone_parameter_names()
    norms = {
        f"{prefix}.{name}"
        for prefix, module in model.named_modules()
        if isinstance(module, _NORMS)
        for name, _ in module.named_parameters(recurse=False)
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, name in names.items():
        rate = recipe.backbone_learning_rate if name in backbone else recipe.learning_rate
        exempt = name.endswith("bias") or name in norms or parameter.ndim == 0
        decay = 0.0 if exempt else recipe.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _require_finite(losses: Mapping[str, float], epoch: int, number: int) -> None:
    bad = [name for name, value in losses.items() if not abs(value) < float("inf")]
    if bad:
        raise NotANumberError(
            f"the training loss ({', '.join(bad)}) is no longer a number at epoch {epoch + 1}, "
            f"step {number + 1}: the checkpoints of earlier epochs are whole; lower the learning "
            "rate or switch autocast off"
        )
