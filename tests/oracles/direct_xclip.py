"""X-CLIP's similarity as it is published: texts x words x videos x frames at once."""

import torch
from torch.nn import functional


def direct_xclip_similarity(parameters, sentence, words, word_mask, video, frames, frame_mask):
    """Score all texts against all videos, T x V; embeddings need not be normalised.

    Padding is taken out of each softmax and each sum by its mask.
    """
    sentence, words, video, frames = (
        functional.normalize(embeds, dim=-1) for embeds in (sentence, words, video, frames)
    )
    num_words, num_frames = word_mask.shape[1], frame_mask.shape[1]
    mixing = {
        name: value[:num_words, :num_words]
        if name.startswith("word")
        else value[:num_frames, :num_frames]
        if name.startswith("frame")
        else value
        for name, value in parameters.items()
    }

    def attend(scores, mask, axis, name):
        shares = (scores / 0.01).masked_fill(~mask, -torch.inf).softmax(dim=axis)
        moved = torch.tensordot(shares, mixing[name], dims=([axis], [0])).movedim(-1, axis)
        return (moved * scores * mask).sum(dim=axis)

    coarse = torch.einsum("tc,cd,vd->tv", sentence, mixing["global_mat_weight"], video)
    video_word = attend(
        torch.einsum("tlc,vc->tlv", words, video), word_mask[:, :, None], 1, "word_logit_weight"
    )
    frame_sentence = attend(
        torch.einsum("tc,vfc->tvf", sentence, frames), frame_mask[None], 2, "frame_logit_weight"
    )
    fine = torch.einsum("tlc,vfc->tlvf", words @ mixing["local_mat_weight"], frames)
    words_seen = attend(fine, word_mask[:, :, None, None], 1, "word_mat_weight")
    frames_seen = attend(fine, frame_mask[None, None], 3, "frame_mat_weight")
    over_frames = attend(words_seen, frame_mask[None], 2, "frame_mat_weight2")
    over_words = attend(frames_seen, word_mask[:, :, None], 1, "word_mat_weight2")
    return (coarse + video_word + frame_sentence + (over_frames + over_words) / 2) / 4


def pair_similarity(parameters, sentence, words, video, frames):
    """Score one pair without any padding: C, L x C, C, F x C to a scalar."""
    everything = [embeds[None] for embeds in (sentence, words, video, frames)]
    word_mask = torch.ones(1, len(words), dtype=torch.bool)
    frame_mask = torch.ones(1, len(frames), dtype=torch.bool)
    return direct_xclip_similarity(
        parameters, everything[0], everything[1], word_mask, *everything[2:], frame_mask
    )[0, 0]
