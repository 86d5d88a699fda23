"""What the authors' evaluation loops do for each pair of batches, written from their statements.

CLIP4Clip and those that build on it (X-CLIP, DRL, ASLVT) cut texts and videos into small batches
and call ``get_similarity_logits`` for each pair of them (``_run_on_single_gpu``). What is kept from
before is what ``get_sequence_output`` and ``get_visual_output`` gave: everything behind is done
again for each pair, the transformer over frames and the networks that weigh tokens, too. Padded
words and frames are left out here as our models leave them out; that takes no time.
"""

from tests.oracles.direct_fusion_pooling import direct_fusion_similarity
from tests.oracles.direct_wti import direct_wti_similarity
from tests.oracles.direct_xclip import direct_xclip_similarity

BATCH = 32


def pairs_of_batches(num_texts, num_videos, every=1):
    """Slices of texts and of videos, one pair in ``every``, spread over all."""
    pairs = [
        (slice(text, text + BATCH), slice(video, video + BATCH))
        for text in range(0, num_texts, BATCH)
        for video in range(0, num_videos, BATCH)
    ]
    return pairs[every // 2 :: every]


def over_frames(temporal, frames, mask):
    """The transformer over frames, as its blocks stand in open_clip, and its input added."""
    length = frames.shape[1]
    blocked = (1.0 - mask.float())[:, None, :].expand(-1, length, -1) * -1e6
    heads = temporal.transformer.resblocks[0].attn.num_heads
    hidden = temporal.transformer(
        frames + temporal.frame_position_embeddings[:length],
        attn_mask=blocked.repeat_interleave(heads, dim=0),
    )
    return hidden + frames


def masked_mean(frames, mask):
    """The mean of the frames that are there."""
    there = mask.float()[..., None]
    return (frames * there).sum(dim=1) / there.sum(dim=1)


def unit(values):
    """Vectors of length 1."""
    return values / values.norm(dim=-1, keepdim=True)


def meanp(texts, frames, mask):
    """CLIP4Clip meanP: T x V from T x C, V x F x C and its mask."""
    return unit(texts) @ unit(masked_mean(unit(frames), mask)).T


def msam(temporal, gate, texts, frames, mask):
    """MSAM, a batch of texts being the block."""
    frames = unit(over_frames(temporal, frames, mask))
    return direct_fusion_similarity(unit(texts), frames, mask, gate, len(texts))


def xclip(temporal, parameters, texts, words, word_mask, frames, mask):
    """X-CLIP: frames are compared as CLIP gives them, their mean behind the transformer."""
    video = masked_mean(unit(over_frames(temporal, frames, mask)), mask)
    return direct_xclip_similarity(parameters, texts, words, word_mask, video, frames, mask)


def wti(text_weight_fc, video_weight_fc, words, word_mask, frames, mask):
    """DRL's WTI: the transformer over frames has been run, the weights are made here."""
    token_logits, frame_logits = text_weight_fc(words)[..., 0], video_weight_fc(frames)[..., 0]
    return direct_wti_similarity(words, token_logits, word_mask, frames, frame_logits, mask)
