"""Carry out `dvtr-bench probe`: arrays, pointing scores and pictures of a trained MSAM."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import numpy as np

from dvtr_bench.catalog import MODELS
from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.evaluation.pointing.boxes import Boxes, View, covered_maps, named_boxes, seen_boxes
from dvtr_bench.evaluation.pointing.report import write_pointing
from dvtr_bench.evaluation.pointing.score import Pointing, pointing_scores, split_maps
from dvtr_bench.evaluation.pointing.sheet import (
    MapRow,
    Section,
    crop_seen,
    draw_map_sheet,
    save_map_sheet,
)
from dvtr_bench.runtime.files import written_beside, written_together
from dvtr_bench.runtime.processes import choose_device
from dvtr_bench.runtime.terminal import progress_bar
from dvtr_bench.searching.choice import choose
from msam.models.msam import Model
from msam.probing import Maps, probe, semantic_collapse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit

MAPS_FILE: Final = "maps.npz"
POINTING_FILE: Final = "pointing.json"

_TEXT_MAP: Final = "caption (w)"
_BLOCK_MAP: Final = "its block (a)"


@dataclass(frozen=True)
class Written:
    """The outcome of a probe.

    Attributes:
        title: Model, dataset and split.
        scores: Pointing scores; empty if the dataset has no boxes.
        remark: Why there are no scores; empty if there are.
        alikeness: Mean |cosine| between two different semantics of a video, of those that are not
            zero; None if there are no two. 1 means that they have collapsed.
        zero_semantics: Share of the semantics that are zero vectors, 0 to 1: they say nothing. None
            if the model has no semantics.
        paths: Files written.
    """

    title: str
    scores: tuple[Pointing, ...]
    remark: str
    paths: tuple[Path, ...]
    alikeness: float | None = None
    zero_semantics: float | None = None


def probe_dataset(
    model: str,
    dataset: str | None,
    out: Path,
    *,
    split: str = "test",
    checkpoint: Path | None = None,
    runs: Path = Path("runs"),
    root: Path = ROOT,
    video_ids: Sequence[str] = (),
    pictures: int = 4,
    device: str = "auto",
    cache: bool = True,
    show_progress: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> Written:
    """Probe a trained model on a split and write its attention maps.

    Args:
        model: Its key; a model with maps.
        dataset: A dataset's name or folder; None takes the only built one.
        out: Folder for the files; created if missing.
        split: The split to probe.
        checkpoint: A checkpoint or run folder; None takes the newest of the model and dataset.
        runs: Folder of training runs.
        root: Folder in which a dataset's name is looked up.
        video_ids: Clips to draw; if empty, ``pictures`` evenly spaced ones.
        pictures: Number of clips to draw in that case.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        cache: Whether to store the backbone's features beside the dataset.
        show_progress: False for no progress bars.
        tell: Called with a line that names the weights.

    Returns:
        Scores and files.

    Raises:
        ConfigError: The model has no maps.
        NotFoundError: No such dataset or checkpoint, or no such clip in the split.
    """
    if not issubclass(MODELS.load(model).Model, Model):
        raise ConfigError(f"{model} has no maps to look at: probe --model {Model.name}")
    device_name = choose_device(device)
    chosen = choose(dataset, split, model, checkpoint=checkpoint, runs=runs, root=root)
    rows = _chosen_rows(chosen.split, video_ids, pictures)
    tell(f"looks at {chosen.where} ({chosen.weights.label}), on {device_name}")
    loaded = chosen.weights.load(device_name)
    if not isinstance(loaded, Model):
        raise ConfigError(f"{chosen.weights.label} is no {Model.name}: name one of its checkpoints")
    gallery = chosen.split
    metadata = {
        "model": dict(loaded.describe()),
        "weights_sha256": chosen.weights.description()["weights_sha256"],
        "dataset": gallery.dataset_name,
        "dataset_fingerprint": gallery.fingerprint,
        "split": gallery.name,
    }
    maps = probe(loaded, gallery, cache=cache, show_progress=show_progress)
    boxes = named_boxes(gallery)
    scores, remark = _scores(maps, boxes, gallery.name)
    paths = [out / MAPS_FILE]
    with written_together():
        with written_beside(out / MAPS_FILE) as beside, beside.open("wb") as file:
            np.savez_compressed(file, **maps.arrays())  # type: ignore[arg-type]
        if scores:
            paths.append(write_pointing(scores, metadata, out / POINTING_FILE))
        with progress_bar("draw", len(rows), enabled=show_progress) as advance:
            for row in rows:
                paths.extend(_draw(maps, gallery, boxes, row, out))
                advance()
    title = f"{loaded.name} on {chosen.where}"
    return Written(title, tuple(scores), remark, tuple(paths), *semantic_collapse(maps))


def _chosen_rows(split: "RetrievalSplit", video_ids: Sequence[str], pictures: int) -> list[int]:
    if not video_ids:
        count = min(pictures, len(split.video_ids))
        evenly: list[int] = np.linspace(
            0, len(split.video_ids) - 1, num=count, dtype=np.int64
        ).tolist()
        return evenly
    row_of = {video_id: row for row, video_id in enumerate(split.video_ids)}
    missing = [video_id for video_id in video_ids if video_id not in row_of]
    if missing:
        raise NotFoundError(
            f"{split.dataset_name} {split.name} has no video {', '.join(map(repr, missing))}: its "
            f"ids are such as {split.video_ids[0]!r}"
        )
    return [row_of[video_id] for video_id in dict.fromkeys(video_ids)]


def _scores(maps: Maps, boxes: "list[Boxes] | None", split: str) -> tuple[list[Pointing], str]:
    """Return pointing scores, or the reason why there are none."""
    if boxes is None:
        return [], "no pointing score: this dataset does not say where its objects are"
    maps_by_name: dict[str, NDArray[np.float32]] = {}
    if maps.semantic_patches is not None:
        maps_by_name |= split_maps("semantic map", maps.semantic_patches)
    for name, patches in ((_TEXT_MAP, maps.text_patches), (_BLOCK_MAP, maps.block_patches)):
        if patches is not None:
            maps_by_name[name] = patches
    if not maps_by_name:
        return [], (
            "no pointing score: this model looks at whole frames, and the objects of a clip are in "
            "view in nearly all of them; train one with --set regions=grid or regions=learned"
        )
    height, width = next(iter(maps_by_name.values())).shape[2:]
    view = View(maps.frame_index, maps.seen_part)
    covered = covered_maps(boxes, maps.video_of_caption, view, (height, width))
    scores = pointing_scores(maps_by_name, covered, maps.frame_index >= 0, maps.video_of_caption)
    if scores:
        return scores, ""
    return [], (
        f"no pointing score: no caption of the {split} split names an object in view; --split "
        "takes another one"
    )


def _draw(
    maps: Maps, split: "RetrievalSplit", boxes_of_clips: "list[Boxes] | None", row: int, out: Path
) -> list[Path]:
    """Draw the sheets of one clip: its captions' weights, its semantic maps."""
    index = maps.frame_index[row]
    index = index[index >= 0]
    part = maps.seen_part[row].tolist()
    stored, times = split.frames(row), split.row(row)["frame_pts_seconds"]
    frames = [crop_seen(stored[place], part) for place in index]
    captions = np.flatnonzero(maps.video_of_caption == row)
    boxes = (
        {}
        if boxes_of_clips is None
        else {n: seen_boxes(boxes_of_clips[n], index, part) for n in captions.tolist()}
    )
    fullest = max(boxes.values(), key=len, default=None)
    video_id = maps.video_ids[row]
    stem = f"{row:05d}-{quote(video_id, safe=' ')[:80]}"
    sheets = {
        "captions": (
            f"What its captions look at{_legend(maps.text_patches, boxes, 'they name')}",
            _caption_sections(maps, split, captions, boxes, len(index)),
        ),
        "semantics": (
            "Its semantic maps, the same for every caption"
            f"{_legend(maps.semantic_patches, boxes, 'a caption names')}",
            _semantic_sections(maps, row, fullest, len(index)),
        ),
    }
    written = []
    for sheet_name, (note, sections) in sheets.items():
        if sections:
            frame_times = [times[place] for place in index]
            sheet = draw_map_sheet(f"{video_id}: {sheet_name}", note, frames, frame_times, sections)
            written.append(save_map_sheet(sheet, out / f"{stem}-{sheet_name}.png"))
    return written


def _legend(
    patches: "NDArray[np.float32] | None",
    boxes: "Mapping[int, NDArray[np.float64]]",
    boxes_name: str,
) -> str:
    """Return a legend of a sheet: heat and boxes with patches, otherwise only bars."""
    bars = "bars: the share of each frame, the line is an even share"
    if patches is None:
        return f"; {bars}"
    return f"; in green what {boxes_name}; {bars}" if boxes else f"; {bars}"


def _caption_sections(
    maps: Maps,
    split: "RetrievalSplit",
    captions: "NDArray[np.int64]",
    boxes: "Mapping[int, NDArray[np.float64]]",
    length: int,
) -> list[Section]:
    if maps.text_frames is None:
        return []
    sections = []
    for caption in captions.tolist():
        patches = None if maps.text_patches is None else maps.text_patches[caption, :length]
        frames = maps.text_frames[caption, :length]
        rows = [MapRow(_TEXT_MAP, frames, patches, boxes.get(caption))]
        if maps.block_frames is not None and maps.gate is not None:
            label = f"{_BLOCK_MAP}; gate g {maps.gate[caption]:.2f}"
            rows.append(MapRow(label, maps.block_frames[caption, :length]))
        sections.append(Section(split.captions[caption], rows))
    return sections


def _semantic_sections(
    maps: Maps, row: int, boxes: "NDArray[np.float64] | None", length: int
) -> list[Section]:
    if maps.semantic_frames is None:
        return []
    patches = maps.semantic_patches
    rows = [
        MapRow(
            f"semantic map {k + 1}",
            maps.semantic_frames[row, :length, k],
            None if patches is None else patches[row, :length, ..., k],
            boxes,
        )
        for k in range(maps.semantic_frames.shape[-1])
    ]
    return [Section("semantic maps", rows)]
