"""Train one model on one dataset with one recipe, in one or several processes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

import torch

from dvtr_bench.dataset.seen_clips import SEEN_FILE, SeenClips, write_seen_clips
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.features.encode import join_features
from dvtr_bench.runtime.checkpoint import best_of_run, tensors_sha256
from dvtr_bench.runtime.cpu import freed_memory_kept
from dvtr_bench.runtime.processes import ALONE
from dvtr_bench.runtime.terminal import say
from dvtr_bench.training.inputs import DEFAULT_CACHE_BYTES, SplitInputs, prepare_inputs
from dvtr_bench.training.loop import Loop
from dvtr_bench.training.run import (
    BestWithin,
    RunState,
    TrainingLog,
    locked_run,
    open_run,
    save_epoch,
)
from dvtr_bench.training.run_choice import describe_setup
from dvtr_bench.training.splits import require_trainable

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features
    from dvtr_bench.models.trainable import Trainable
    from dvtr_bench.runtime.processes import Processes
    from dvtr_bench.training.inputs import Items
    from dvtr_bench.training.recipe import Recipe

TENSORBOARD_FOLDER: Final = "tensorboard"

_NOT_FIGURES: Final = frozenset(("epoch", "step", "seconds"))
"""Fields of a record that are not figures."""


class EventLog:
    """Event files in ``tensorboard/`` of the run folder.

    Figures of steps are named ``train/...``; those of epochs are written at its last step.

    Args:
        folder: The run's folder.
        steps_done: Steps that count; later ones, from an interrupted run, are purged.

    Raises:
        NotFoundError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, steps_done: int) -> None:
        """Open a new event file."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as failure:
            raise NotFoundError(
                f"TensorBoard is not installed ({failure}): pip install 'dvtr-bench[tensorboard]', "
                "or leave out --tensorboard; log.jsonl in the run folder has the same figures"
            ) from None
        self._step = steps_done
        self._writer = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=steps_done + 1)

    def write(self, record: Mapping[str, float]) -> None:
        """Add the figures of one step, or of one epoch, which has no ``step``."""
        is_step = "step" in record
        self._step = int(record.get("step", self._step))
        for name, value in record.items():
            if name not in _NOT_FIGURES:
                self._writer.add_scalar(f"train/{name}" if is_step else name, value, self._step)
        if not is_step:
            self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class _Preparing(TypedDict):
    cache_bytes: int
    processes: "Processes"
    show_progress: bool


def train(
    model: "Trainable",
    split_train: "RetrievalSplit",
    split_validation: "RetrievalSplit",
    recipe: "Recipe",
    out_folder: Path,
    *,
    device: str = "cpu",
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    workers: int = 2,
    prepare: Callable[[], tuple[SplitInputs, SplitInputs]] | None = None,
    processes: "Processes" = ALONE,
    tensorboard: bool = False,
    show_progress: bool = True,
) -> Path:
    """Train a model and keep the checkpoint with the best validation T2V R@1.

    After every epoch the run folder has a complete checkpoint. Called again with the same arguments
    after an interruption, training resumes from the last complete epoch and ends with the same
    weights as without it; for a finished run it returns at once.

    Several processes share every batch: each encodes its rows, the outputs of the towers are
    gathered ("gathered negatives"), and loss and gradient are those of the whole batch: see
    `training.grad_cache`. The number of processes can change when a run is resumed.

    Args:
        model: As `dvtr_bench.runtime.checkpoint.new_model` returns it, the same in every process;
            it is trained in place, but the best weights are on disk.
        split_train: The ``train`` split, with frames.
        split_validation: The ``validation`` split, with frames.
        recipe: How to train.
        out_folder: The run folder, see `dvtr_bench.training.run_choice.new_run_folder`.
        device: Such as ``cpu`` or ``cuda:0``; of this process.
        cache_bytes: Memory for preprocessed frames of the training split.
        workers: Threads that decode and preprocess frames.
        prepare: Returns the inputs of both splits, if several models share them; by default
            `dvtr_bench.training.inputs.prepare_inputs`.
        processes: Processes that share the training; only the first one writes.
        tensorboard: Whether to write event files into the run folder too.
        show_progress: Whether to show progress bars.

    Returns:
        The folder of the best checkpoint.

    Raises:
        ProtocolError: A split is not the right one for training.
        InputError: Frames or captions are missing.
        ConfigError: The folder has a run with another setup; fp16 without a GPU; the model cannot
            be trained with this recipe; processes begin with different weights; no workers.
        NotFoundError: TensorBoard is not installed.
        BusyError: Another process trains into the folder.
        WriteError: The folder cannot be written; complete epochs are kept.
        NotANumberError: The loss is no longer a number.
    """
    if workers < 1:
        raise ConfigError(f"--workers: expected 1 or more, found {workers}")
    require_trainable(split_train, split_validation)
    torch_device = _checked_device(device, recipe)
    setup = describe_setup(model, split_train, recipe)
    with locked_run(out_folder) if processes.is_first else nullcontext():
        # Only the first process reads the folder: others might see it half written.
        opened = open_run(out_folder, setup) if processes.is_first else RunState()
        state: RunState = processes.gathered(opened)[0]
        if processes.is_first and not (out_folder / SEEN_FILE).is_file():
            write_seen_clips(SeenClips.of(split_train, split_validation), out_folder)
        if state.finished:
            return best_of_run(out_folder, state.best)
        loop = Loop(model.to(torch_device), split_train, recipe, torch_device, processes)
        _begin(loop, out_folder, state)
        show_progress = show_progress and processes.is_first
        if show_progress and loop.trains_scale_alone:
            say(
                "note: with frozen towers this model trains nothing but its logit scale, a factor "
                "of all scores, so validation recall stays as it is"
            )
        splits = (split_train, split_validation)
        options = _Preparing(
            cache_bytes=cache_bytes, processes=processes, show_progress=show_progress
        )
        memory = freed_memory_kept() if torch_device.type == "cpu" else nullcontext()
        with memory, _log(out_folder, state, loop, tensorboard=tensorboard) as write:
            inputs = (
                prepare()
                if prepare
                else prepare_inputs(
                    model, splits, recipe.freeze, features=recipe.features, **options
                )
            )
            while not state.finished and state.epochs_done < recipe.epochs:
                epoch = state.epochs_done
                within = BestWithin(recipe.validation_window, list(state.recent))

                def validate(share: float, epoch: int = epoch, within: BestWithin = within) -> None:
                    recall = t2v_recall_at_1(model, split_validation, inputs[1], processes)
                    write({"epoch": epoch + share, "validation_t2v_r1": recall})
                    if processes.is_first:
                        step = round((epoch + share) * loop.steps_per_epoch)
                        within.see(model, recall, step)

                loss, rate = loop.run_epoch(
                    epoch,
                    inputs[0],
                    write,
                    workers=workers,
                    show_progress=show_progress,
                    validate=validate,
                )
                recall = t2v_recall_at_1(model, split_validation, inputs[1], processes)
                if show_progress:
                    chance = 100 / len(split_validation.video_ids)
                    say(
                        f"epoch {epoch + 1} of {recipe.epochs}: "
                        f"{_epoch_summary(loss, rate, recall, chance)}"
                    )
                write({"epoch": epoch + 1, "validation_t2v_r1": recall})
                state = _saved(out_folder, state, loop, recall, within)
        return best_of_run(out_folder, state.best)


def _epoch_summary(loss: float, rate: float, recall: float, chance: float) -> str:
    return (
        f"loss {loss:.3f}, learning rate up to {rate:.1e}; validation T2V R@1 {recall:.1f} "
        f"(chance {chance:.1f})"
    )


def _begin(loop: Loop, folder: Path, state: RunState) -> None:
    if state.last is None:
        loop.model.see_training_captions(loop.split.captions)
    else:
        loop.resume(folder / state.last, state)
    if loop.processes.count > 1:
        weight_hashes = loop.processes.gathered(tensors_sha256(loop.model.state_dict()))
        if len(set(weight_hashes)) > 1:
            raise ConfigError(
                f"the {len(weight_hashes)} processes begin with different weights: they need the "
                "same "
                "seed, the same backbone file and the same libraries"
            )


def _saved(
    folder: Path, state: RunState, loop: Loop, recall: float, within: BestWithin
) -> RunState:
    if loop.processes.is_first:
        state = save_epoch(
            folder,
            state,
            loop.model,
            loop.optimiser_tensors(),
            recall,
            loss_scale=loop.loss_scale(),
            recipe=loop.recipe,
            within=within,
        )
    saved: RunState = loop.processes.gathered(state)[0]
    return saved


@contextmanager
def _log(
    folder: Path, state: RunState, loop: Loop, *, tensorboard: bool
) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """Yield a function that writes records of steps and epochs, in the first process only."""
    if not loop.processes.is_first:
        yield lambda record: None
        return
    lines = TrainingLog(folder, state.epochs_done)
    if not tensorboard:
        yield lines.write
        return

    events = EventLog(folder, state.epochs_done * loop.steps_per_epoch)

    def write(record: Mapping[str, float]) -> None:
        lines.write(record)
        events.write(record)

    try:
        yield write
    finally:
        events.close()


def _checked_device(device: str, recipe: "Recipe") -> torch.device:
    torch_device = torch.device(device)
    if recipe.autocast == "fp16" and torch_device.type == "cpu":
        raise ConfigError("autocast=fp16 needs a GPU: use bf16 or off on the CPU")
    return torch_device


_CLIPS_PER_BATCH: Final = 16
_CAPTIONS_PER_BATCH: Final = 256


def t2v_recall_at_1(
    model: "Trainable",
    split: "RetrievalSplit",
    inputs: "SplitInputs",
    processes: "Processes" = ALONE,
) -> float:
    """Return T2V R@1 of a model on a split, in percent; ties count against the model.

    A model that scores queries in blocks uses its own block size, with queries in file order.

    Args:
        model: The model.
        split: The validation split.
        inputs: Its captions and clips, encoded or not.
        processes: Those that share the work.

    Returns:
        A percentage, the same in every process.
    """
    videos = _encode_videos(model, inputs.clips, processes)
    owner = torch.tensor(split.caption_video_index)
    hits = torch.zeros(1, dtype=torch.int64)
    for rows in processes.mine(_chunks(len(owner), _caption_chunk(model))):
        texts = model.head_texts(_texts(model, inputs.captions, rows))
        scores = model.score(texts, videos).cpu()
        relevant = owner[rows]
        own_scores = scores.gather(1, relevant[:, None])
        others = scores.scatter(1, relevant[:, None], -torch.inf)
        hits += (others < own_scores).all(dim=1).sum()
    processes.add_up([hits])
    return 100 * hits.item() / len(owner)


def _encode_videos(model: "Trainable", clips: "Items", processes: "Processes") -> "Features":
    chunks = list(enumerate(_chunks(len(clips), _CLIPS_PER_BATCH)))
    parts = {
        number: model.encode_prepared(_frames(model, clips, rows))
        for number, rows in processes.mine(chunks)
    }
    if processes.count > 1:
        on_cpu = {number: _moved(part, torch.device("cpu")) for number, part in parts.items()}
        all_parts: dict[int, Features] = {}
        for other_parts in processes.gathered(on_cpu):
            all_parts.update(other_parts)
        parts = {number: _moved(part, _device(model)) for number, part in all_parts.items()}
    return join_features([parts[number] for number, _ in chunks], model.name)


def _texts(model: "Trainable", captions: "Items", rows: list[int]) -> "Features":
    features = captions.batch(rows)
    return features if captions.encoded else model.encode_tokens_eval(features["tokens"])


def _frames(model: "Trainable", clips: "Items", rows: list[int]) -> "Features":
    features = clips.batch(rows)
    if clips.encoded:
        return _moved(features, _device(model))
    return model.encode_frames_eval(features)


def _caption_chunk(model: "Trainable") -> int:
    block = getattr(model, "text_block", 1) if model.scoring == "query_block" else 1
    return int(block) * max(1, _CAPTIONS_PER_BATCH // int(block))


def _chunks(total: int, size: int) -> list[list[int]]:
    return [list(range(start, min(start + size, total))) for start in range(0, total, size)]


def _moved(features: "Features", device: torch.device) -> "Features":
    return {name: value.to(device) for name, value in features.items()}


def _device(model: "Trainable") -> torch.device:
    return next(iter(model.state_dict().values())).device
