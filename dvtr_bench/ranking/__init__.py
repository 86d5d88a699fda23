"""The recall protocol: relevance, ranks, intervals, ceilings and the checks that keep it honest."""

from typing import Final, Literal, TypeAlias

PROTOCOL_VERSION: Final = 1
"""Version of the recall protocol; results of two versions never share a table."""

Direction: TypeAlias = Literal["t2v", "v2t", "v2t_caption"]
"""``t2v``:

captions search videos. ``v2t``: videos search caption sets; the score of a set is that of its best
caption. ``v2t_caption``: videos search single captions.
"""

RelevanceKind: TypeAlias = Literal["strict", "text_identical"]
"""``strict``:

only a caption's own video is relevant. ``text_identical``: every video with a caption of the same
text is.
"""

DIRECTIONS: Final[tuple[Direction, ...]] = ("t2v", "v2t", "v2t_caption")
RELEVANCE_KINDS: Final[tuple[RelevanceKind, ...]] = ("strict", "text_identical")
