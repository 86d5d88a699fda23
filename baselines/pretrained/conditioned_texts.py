"""X-CLIP's own score: a caption's vector is conditioned on the video that it is compared with.

Ni et al. 2022 (arXiv 2208.02816, section 3.3, video-specific prompting). In transformers
``get_text_features`` returns the vector before that step, and only ``XCLIPModel.forward`` takes it.
The score of a pair depends on its caption and its video alone.
"""

from typing import Any, Final

import torch
from torch.nn import functional

from dvtr_bench.ranking.blocks import cut

_TEXTS: Final = 64
_VIDEOS: Final = 4
"""Pairs are computed so many at a time, always, so that none depends on the others' number."""


def clip_and_patches(model: Any, pixel_values: torch.Tensor) -> torch.Tensor:
    """Return what captions are compared with, and what they are conditioned on.

    Args:
        model: An ``XCLIPModel``.
        pixel_values: Floats, V x frames x channels x height x width.

    Returns:
        V x (1 + patches) x C: the vector of ``get_video_features``, then the mean over frames of
        the projected patches.
    """
    num_videos, num_frames = pixel_values.shape[:2]
    seen = model.vision_model(pixel_values=pixel_values.flatten(0, 1))
    frames = model.visual_projection(seen.pooler_output).view(num_videos, num_frames, -1)
    patches = model.prompts_visual_layernorm(seen.last_hidden_state[:, 1:])
    patches = patches @ model.prompts_visual_projection
    patches = patches.view(num_videos, num_frames, *patches.shape[1:]).mean(dim=1)
    return torch.cat([model.mit(frames).pooler_output[:, None], patches], dim=1)


def conditioned_cosines(
    model: Any, texts: torch.Tensor, videos: torch.Tensor, patches: torch.Tensor
) -> torch.Tensor:
    """Return the cosine of every conditioned caption and every video.

    Args:
        model: An ``XCLIPModel``.
        texts: Vectors of captions, of ``get_text_features``: T x C.
        videos: Vectors of videos: V x C.
        patches: Their patches: V x patches x C.

    Returns:
        float32, T x V: ``logits_per_text`` of the model without its scale.
    """
    rows = []
    for captions in cut(len(texts), _TEXTS):
        blocks = [
            _cosines(model, texts[captions], videos[clips], patches[clips])
            for clips in cut(len(videos), _VIDEOS)
        ]
        rows.append(torch.cat(blocks, dim=1))
    return torch.cat(rows)


def _cosines(
    model: Any, texts: torch.Tensor, videos: torch.Tensor, patches: torch.Tensor
) -> torch.Tensor:
    num_texts, num_videos = len(texts), len(videos)
    texts, videos = _filled(texts, _TEXTS), _filled(videos, _VIDEOS)
    patches = _filled(patches, _VIDEOS)
    given = texts.expand(_VIDEOS, *texts.shape)
    given = given + model.prompts_generator(given, patches)
    cosines = functional.cosine_similarity(given.float(), videos.float()[:, None], dim=-1)
    return cosines.T[:num_texts, :num_videos]


def _filled(rows: torch.Tensor, size: int) -> torch.Tensor:
    """Return so many rows, the last of them repeated."""
    return torch.cat([rows, rows[-1:].expand(size - len(rows), *rows.shape[1:])])
