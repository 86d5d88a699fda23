"""The recall protocol again, as plain loops over a whole matrix: an oracle for the fast code."""

from collections import defaultdict


def _rank(scores, relevant, candidates, strictly):
    best = max(scores[c] for c in candidates if c in relevant)
    rank = 1
    for c in candidates:
        if c not in relevant and (scores[c] > best if strictly else scores[c] >= best):
            rank += 1
    return rank


def naive_ranks(sim_matrix, captions, caption_video_index, num_videos, kind, strictly):
    """Ranks as lists by direction; ``strictly`` gives the optimistic ones."""
    own = [int(v) for v in caption_video_index]
    texts = [caption.strip().lower() for caption in captions]
    texts_of = defaultdict(set)
    captions_of = defaultdict(list)
    for t, v in enumerate(own):
        texts_of[v].add(texts[t])
        captions_of[v].append(t)

    def belongs(t, v):
        return own[t] == v or (kind == "text_identical" and texts[t] in texts_of[v])

    ranks = {"t2v": [], "v2t": [], "v2t_caption": []}
    for t in range(len(own)):
        row = {v: float(sim_matrix[t][v]) for v in range(num_videos)}
        relevant = {v for v in range(num_videos) if belongs(t, v)}
        ranks["t2v"].append(_rank(row, relevant, list(row), strictly))
    for v in sorted(captions_of):
        column = {t: float(sim_matrix[t][v]) for t in range(len(own))}
        relevant = {t for t in column if belongs(t, v)}
        ranks["v2t_caption"].append(_rank(column, relevant, list(column), strictly))
        sets = {s: max(column[t] for t in members) for s, members in captions_of.items()}
        related = {s for s, members in captions_of.items() if any(belongs(t, v) for t in members)}
        ranks["v2t"].append(_rank(sets, related, list(sets), strictly))
    return ranks


def naive_figures(ranks, gallery_size):
    """R@k, both medians and MnR of a list of ranks."""
    figures = {}
    for k in (1, 5, 10):
        if k <= gallery_size:
            figures[f"R@{k}"] = 100 * sum(rank <= k for rank in ranks) / len(ranks)
    ordered = sorted(ranks)
    half = len(ordered) // 2
    even = len(ordered) % 2 == 0
    figures["MdR"] = (ordered[half - 1] + ordered[half]) / 2 if even else ordered[half]
    figures["MdR-lower"] = ordered[half - 1] if even else ordered[half]
    figures["MnR"] = sum(ranks) / len(ranks)
    return figures
