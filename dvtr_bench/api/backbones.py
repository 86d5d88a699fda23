"""List what can be named as a backbone."""

from typing import TYPE_CHECKING

from dvtr_bench.errors import NotFoundError

if TYPE_CHECKING:
    from baselines.weights.listing import ListedBackbone


def list_backbones(word: str | None = None) -> "list[ListedBackbone]":
    """List the backbones that can be named; nothing is fetched.

    Args:
        word: Only those with this word in their name, architecture or repository; None for all.

    Returns:
        One entry a name: ours, published weights for remote sensing, then those of open_clip.

    Raises:
        NotFoundError: There is none.

    Example:
        >>> import dvtr_bench as dvtr
        >>> [one.name for one in dvtr.list_backbones("remoteclip")]
        ['remoteclip-vit-b-32', 'remoteclip-vit-l-14', 'remoteclip-rn50']
    """
    from baselines.weights.listing import list_names

    wanted = "" if word is None else word.lower()
    listed = [
        one
        for one in list_names()
        if wanted in " ".join((one.name, one.architecture, one.repository or "")).lower()
    ]
    if not listed:
        raise NotFoundError(f"no backbone has {word!r} in its name: leave it out to see all")
    return listed
