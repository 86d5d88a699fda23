"""Figures by group again, as plain loops over queries: an oracle for the fast code."""

from tests.oracles.naive_recall import naive_figures


def naive_groups(ranks, videos, codes, names, gallery_size, times=None):
    """By group: queries, videos and figures; ``times`` says how often each video was drawn."""
    found = {}
    for code, name in enumerate(names):
        chosen, owners = [], set()
        for rank, video, own in zip(ranks, videos, codes, strict=True):
            if own == code:
                chosen += [rank] * (1 if times is None else times[video])
                owners.add(video)
        figures = naive_figures(chosen, gallery_size) if chosen else {}
        kept = {key: figures[key] for key in ("R@1", "R@5", "R@10", "MdR") if key in figures}
        found[name] = (len(chosen), len(owners), kept)
    return found
