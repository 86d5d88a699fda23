"""What a trained MSAM attends to: its semantic maps and pooling weights, as arrays.

For a model with regions, every map is also given in patches of the backbone: a region is a mean of
patches, so its weight is shared among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch.nn import functional

from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.features.encode import select_rows
from dvtr_bench.features.encode_split import encode_split
from dvtr_bench.models.retriever import Features, Frames, Scoring
from dvtr_bench.ranking.blocks import cut
from msam.models.msam import Model
from msam.pooling import bank_frame_weights, frame_weights
from msam.regions import patch_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit

_CAPTIONS_AT_ONCE: Final = 256


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps of a model on a split: V videos of up to F frames, T captions.

    Every map sums to 1 over frames (and patches); missing frames have 0, or with
    ``padding=release`` the weight of the blank frame. Maps by caption are those of the caption with
    its own video. Patch maps are None for a model of whole frames; ``h`` x ``w`` are the rows and
    columns of patches. Semantic maps are None without a semantic branch, the others if the pooling
    does not use them.

    Attributes:
        video_ids: V ids.
        caption_ids: T ids.
        video_of_caption: int64, T: the row of each caption's video.
        frame_index: int64, V x F: the stored frames that were used; -1 if there is none.
        seen_part: float64, V x 4: x0, y0, x1, y1 of the used part of the frames, which the patches
            cover, as fractions; bars around a frame lie below 0 and above 1.
        semantic_frames: float32, V x F x K: the K semantic maps.
        semantic_patches: float32, V x F x h x w x K.
        semantic_cosines: float32, V x K x K: cosines between the K semantics of a video, without
            dropout.
        text_frames: float32, T x F: w, the frame weights of a caption (step 2 of the pooling).
        text_patches: float32, T x F x h x w.
        block_frames: float32, T x F: a, the frame weights of the caption's block of texts or of the
            text bank (step 5).
        block_patches: float32, T x F x h x w.
        gate: float32, T: g. The scored video is (1 + g) p + (1 - g) q, so frames and patches have
            the weight (1 + g) w + (1 - g) a.
    """

    video_ids: tuple[str, ...]
    caption_ids: tuple[str, ...]
    video_of_caption: "NDArray[np.int64]"
    frame_index: "NDArray[np.int64]"
    seen_part: "NDArray[np.float64]"
    semantic_frames: "NDArray[np.float32] | None" = None
    semantic_patches: "NDArray[np.float32] | None" = None
    semantic_cosines: "NDArray[np.float32] | None" = None
    text_frames: "NDArray[np.float32] | None" = None
    text_patches: "NDArray[np.float32] | None" = None
    block_frames: "NDArray[np.float32] | None" = None
    block_patches: "NDArray[np.float32] | None" = None
    gate: "NDArray[np.float32] | None" = None

    def arrays(self) -> "dict[str, NDArray[Any]]":
        """Return all existing maps as arrays by name, for ``np.savez``; no pickles."""
        return {name: np.asarray(value) for name, value in vars(self).items() if value is not None}


def semantic_collapse(maps: Maps) -> tuple[float | None, float | None]:
    """Return how alike the semantics of a video are, and how many say nothing.

    Args:
        maps: The maps of a model.

    Returns:
        The mean |cosine| of two different semantics of a video, of those that are not zero vectors
        (1: all point the same way; None if there are no two); and the share of the semantics that
        are zero vectors (None without semantics).
    """
    cosines = maps.semantic_cosines
    if cosines is None:
        return None, None
    nonzero = np.diagonal(cosines, axis1=1, axis2=2) > 0
    pairs = nonzero[:, :, None] & nonzero[:, None, :] & ~np.eye(cosines.shape[1], dtype=bool)
    alikeness = float(np.abs(cosines[pairs]).mean()) if pairs.any() else None
    return alikeness, float((~nonzero).mean())


def probe(
    model: Model, split: "RetrievalSplit", *, cache: bool = False, show_progress: bool = True
) -> Maps:
    """Return the maps of a trained model on every clip of a split.

    Args:
        model: The model; it is set to evaluation mode.
        split: The split, with frames.
        cache: Whether to store the backbone's features beside the dataset and reuse them.
        show_progress: False for no progress bars.

    Returns:
        The maps.

    Raises:
        ConfigError: The model has no maps: no semantic branch, and mean or max pooling.
        NotFoundError: The dataset was built from annotations only.

    Example:
        >>> from pathlib import Path
        >>> from dvtr_bench.dataset.reader import open_dataset
        >>> from dvtr_bench.runtime.checkpoint import load_checkpoint
        >>> split = open_dataset("aerosynth-small").split("test")  # doctest: +SKIP
        >>> maps = probe(load_checkpoint(Path("runs/...")), split)  # doctest: +SKIP
        >>> maps.semantic_frames.shape  # doctest: +SKIP
        (160, 12, 7)
    """
    if model.branch is None and not _weighs(model):
        raise ConfigError(
            f"there is nothing to probe: semantics=false and pooling={model.config.pooling} look "
            "at all frames alike; probe a model with semantics, or attention or fusion pooling"
        )
    sizes = EvaluationConfig()  # as in evaluations, so that both use the same features
    encoded = encode_split(
        _Probed(model),
        split,
        text_batch=sizes.text_batch,
        video_batch=sizes.video_batch,
        cache=cache,
        order_seed=sizes.sample.seed,
        show_progress=show_progress,
    )
    index, part = _geometry(model, split, encoded.videos["num_frames"])
    video_index = torch.tensor(split.caption_video_index.tolist())
    maps = _semantic_maps(model, encoded.videos)
    if _weighs(model):
        maps |= _pooling_maps(model, encoded.texts["text_embeds"], encoded.videos, video_index)
    return Maps(
        video_ids=split.video_ids,
        caption_ids=split.caption_ids,
        video_of_caption=video_index.numpy(),
        frame_index=index,
        seen_part=part,
        **maps,
    )


class _Probed:
    """An MSAM that also returns its maps when encoding videos, with the same backbone features."""

    name = "msam"

    def __init__(self, model: Model) -> None:
        self._model = model
        self.feature_key = model.feature_key
        self.backbone_texts = model.backbone_texts
        self.head_texts = model.head_texts
        self.encode_texts = model.encode_texts
        self.score = model.score

    @property
    def scoring(self) -> Scoring:
        return self._model.scoring

    def backbone_videos(self, videos: Sequence[Frames]) -> Features:
        return self._model.backbone_videos(videos)

    def encode_videos(self, videos: Sequence[Frames]) -> Features:
        return self.head_videos(self.backbone_videos(videos))

    @torch.no_grad()
    def head_videos(self, features: Features) -> Features:
        model = self._model
        frames = {name: value.to(model.device) for name, value in features.items()}
        outputs = dict(model.head_videos(frames))
        outputs["num_frames"] = frames["frame_mask"].sum(dim=1)
        if model.branch is not None:
            sequence, mask = model.sequence(frames)
            unit = functional.normalize(sequence.float(), dim=-1)
            semantics = model.branch.of_videos(model.video_vectors(outputs), unit, mask)
            outputs["semantic"] = semantics.attention
            embeds = semantics.embeds
            outputs["semantic_cosines"] = embeds @ embeds.transpose(1, 2)
        if model.regions is not None:
            outputs["patch_shares"] = model.regions.patch_shares(frames["region_tokens"].float())
        return outputs


def _weighs(model: Model) -> bool:
    return model.config.pooling in ("attention", "fusion")


def _geometry(
    model: Model, split: "RetrievalSplit", num_frames: torch.Tensor
) -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    """Return which stored frames were used, and which part of them."""
    index = np.full((len(split.video_ids), model.config.max_frames), -1, dtype=np.int64)
    part = np.zeros((len(split.video_ids), 4))
    for row, looked_at in enumerate(num_frames.tolist()):
        frames = split.frames(row)
        index[row, :looked_at] = model.frames_seen(frames)
        part[row] = model.part_seen(*frames[0].shape[:2])
    return index, part


def _semantic_maps(model: Model, videos: Features) -> "dict[str, NDArray[np.float32]]":
    if "semantic" not in videos:
        return {}
    arrays = _frame_and_patch_maps(model, videos["semantic"], videos.get("patch_shares"))
    maps = {f"semantic_{name}": np.moveaxis(value, 1, -1) for name, value in arrays.items()}
    return maps | {"semantic_cosines": videos["semantic_cosines"].cpu().numpy()}


@torch.no_grad()
def _pooling_maps(
    model: Model, texts: torch.Tensor, videos: Features, video_index: torch.Tensor
) -> "dict[str, NDArray[np.float32]]":
    """Return w, a and g of every caption with its own video."""
    arrays_by_name: dict[str, list[NDArray[np.float32]]] = {}
    video_index, attended = video_index.to(texts.device), model.attended(videos["frame_mask"])
    block = model.text_block if model.scoring == "query_block" else _CAPTIONS_AT_ONCE
    for rows in cut(len(texts), min(block, len(texts))):
        block_weights = (
            None
            if model.gate is None
            else _block_frame_weights(model, texts[rows], videos, video_index[rows])
        )
        for run in cut(rows.stop - rows.start, _CAPTIONS_AT_ONCE):
            videos_of_run = video_index[rows][run]
            frames, mask = videos["frame_embeds"][videos_of_run], attended[videos_of_run]
            scores = torch.einsum("nlc,nc->nl", frames, texts[rows][run])
            weights = frame_weights(scores[..., None], mask).transpose(1, 2)
            shares = videos["patch_shares"][videos_of_run] if "patch_shares" in videos else None
            arrays = {"text": _frame_and_patch_maps(model, weights, shares)}
            if model.gate is not None and block_weights is not None:
                arrays["block"] = _frame_and_patch_maps(model, block_weights[run][:, None], shares)
                gate = model.gate((weights @ frames)[:, 0])
                arrays_by_name.setdefault("gate", []).append(gate.cpu().numpy())
            for prefix, parts in arrays.items():
                for name, value in parts.items():
                    arrays_by_name.setdefault(f"{prefix}_{name}", []).append(value[:, 0])
    return {name: np.concatenate(parts) for name, parts in arrays_by_name.items()}


def _block_frame_weights(
    model: Model, texts: torch.Tensor, videos: Features, video_index: torch.Tensor
) -> torch.Tensor:
    """Return the frame weights of a block of texts for the video of each of them: B x L."""
    if "bank_weights" in videos:
        return videos["bank_weights"][video_index]
    rows, positions = (
        torch.from_numpy(part) for part in np.unique(video_index.cpu(), return_inverse=True)
    )
    block_videos = select_rows(
        {name: videos[name] for name in ("frame_embeds", "frame_mask")}, rows
    )
    mask = model.attended(block_videos["frame_mask"])
    return bank_frame_weights(texts, block_videos["frame_embeds"], mask)[positions]


def _frame_and_patch_maps(
    model: Model, weights: torch.Tensor, shares: torch.Tensor | None
) -> "dict[str, NDArray[np.float32]]":
    """Turn weights, N x K x L, into those of ``frames`` (N x K x F) and ``patches`` (..

    x h x w).
    """
    if shares is None or model.regions is None:
        return {"frames": weights.float().cpu().numpy()}
    by_region = weights.float().view(*weights.shape[:2], -1, model.regions.count)
    patches = torch.einsum("nkfr,nfrp->nkfp", by_region, shares)
    grid = patches.view(*patches.shape[:3], *patch_grid(model.encoder))
    return {"frames": by_region.sum(-1).cpu().numpy(), "patches": grid.cpu().numpy()}
