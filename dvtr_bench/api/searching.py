"""Search from Python: clips for a text, captions for a clip."""

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.models import WeightsLike, find_weights
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import InputError
from dvtr_bench.searching.search_result import FoundCaptions, FoundClips


def search(
    text: str | None = None,
    *,
    video: str | Path | None = None,
    model: WeightsLike | None = None,
    dataset: DatasetLike | None = None,
    split: str = "test",
    checkpoint: str | Path | None = None,
    backbone: str | None = None,
    top: int = 10,
    rerank: int = 200,
    runs: str | Path = "runs",
    root: str | Path = ROOT,
    device: str = "auto",
    cache: bool = True,
    show_progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> FoundClips | FoundCaptions:
    """Find the clips of a dataset that fit a text, or the captions that fit a clip of yours.

    Args:
        text: Text to search for, such as "a red truck turns"; None if ``video`` is given.
        video: Your clip, instead of a text.
        model: A result of `train`, a checkpoint folder (`pathlib.Path`) or a model's name; None
            takes the model that was trained last on the dataset.
        dataset: Its name or folder, or the dataset itself; None takes the only built one.
        split: Which split to search.
        checkpoint: A checkpoint or run folder if ``model`` is a name; None takes the newest.
        backbone: Backbone of an untrained model such as ``clip_zeroshot``; None for its default.
        top: Number of results.
        rerank: Number of candidates scored pair by pair, if the vectors alone do not rank.
        runs: Folder of training runs.
        root: Folder in which a dataset's name is looked up.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        cache: Whether to store backbone features beside the dataset and reuse them.
        show_progress: Whether to show progress bars.
        tell: Called with a line that names the searched split and the weights.

    Returns:
        `FoundClips` for a text, `FoundCaptions` for a clip: best first, with ``to_frame()`` and
        ``draw(path)``, which draws a contact sheet.

    Raises:
        InputError: Neither a text nor a clip, both, or an empty text; several datasets to choose
            from.
        NotFoundError: No dataset, checkpoint, split or frames; the message says what to do.
        ClipError: The clip cannot be decoded.

    Example:
        >>> import dvtr_bench as dvtr
        >>> found = dvtr.search("trees", model="clip_zeroshot", backbone="tiny", top=3,
        ...                     device="cpu", show_progress=False)
        >>> len(found), found[0].rank
        (3, 1)
    """
    from dvtr_bench.runtime.processes import choose_device
    from dvtr_bench.searching.choice import choose, choose_dataset
    from dvtr_bench.searching.searches import (
        read_clip,
        require_text,
        search_captions,
        search_clips,
    )
    from dvtr_bench.video.containers import check_file

    if (text is None) == (video is None):
        arguments_found = "neither" if text is None else "both"
        raise InputError(f"expected a text or a clip (video=...), found {arguments_found}")
    if text is not None:
        require_text(text)
    if video is not None:
        check_file(Path(video))
    device_name = choose_device(device)
    built = choose_dataset(None, Path(root)) if dataset is None else as_dataset(dataset, root)
    chosen = choose(
        str(built.folder),
        split,
        model if model is None or isinstance(model, str) else find_weights(model, built),
        checkpoint=None if checkpoint is None else Path(checkpoint),
        backbone=backbone,
        runs=Path(runs),
    )
    clip = [] if video is None else read_clip(Path(video), chosen.frames)
    if tell is not None:
        tell(f"searches {chosen.where} ({chosen.weights.label}), on {device_name}")
    loaded, gallery = chosen.weights.load(device_name), chosen.split
    options = _SearchOptions(top=top, rerank=rerank, cache=cache, show_progress=show_progress)
    where = f"{chosen.where}, by {chosen.weights.model}"
    if text is not None:
        return FoundClips(text, search_clips(loaded, gallery, text, **options), gallery, where)
    captions = search_captions(loaded, gallery, clip, **options)
    return FoundCaptions(Path(str(video)).name, clip, captions, gallery, where)


class _SearchOptions(TypedDict):
    top: int
    rerank: int
    cache: bool
    show_progress: bool
