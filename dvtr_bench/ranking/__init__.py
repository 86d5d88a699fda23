"""The recall protocol: relevance, ranks, intervals, ceilings and the checks that keep it honest."""

from typing import Final, Literal, TypeAlias

PROTOCOL_VERSION: Final = 1
"""Version of the recall protocol; results of two versions never share a table."""

Direction: TypeAlias = Literal["t2v", "v2t", "v2t_caption"]
"""``t2v``: captions look for videos. ``v2t``: videos look for caption sets, a set scoring what its
best caption scores. ``v2t_caption``: videos look for single captions."""

RelevanceKind: TypeAlias = Literal["strict", "text_identical"]
"""``strict``: a caption's own video counts. ``text_identical``: each video that has its text."""

DIRECTIONS: Final[tuple[Direction, ...]] = ("t2v", "v2t", "v2t_caption")
RELEVANCE_KINDS: Final[tuple[RelevanceKind, ...]] = ("strict", "text_identical")
