"""``tiny``: a CLIP small enough for two CPU cores, whose weights come with the package.

`dvtr-bench pretrain-tiny` makes the weights again (`baselines.encoder.pretraining`).
"""

from functools import lru_cache
from typing import Any, Final

from open_clip import SimpleTokenizer

_MERGES: Final = 8192
"""So many of CLIP's byte pair merges are kept, the most frequent ones of its captions."""

_MORE_WORDS: Final = (
    *("arrives", "boats", "burns", "buses", "climbs", "cloudy", "combine", "crossroads"),
    *(
        "descends",
        "drives",
        "drone",
        "dusk",
        "follows",
        "grain",
        "harvested",
        "opponents",
        "pans",
        "parked",
    ),
    *("pulls", "ripe", "rises", "roofs", "rotates", "sandy", "shoots", "stays", "stops"),
    *("sunlight", "tractor", "tractors", "trucks", "vans"),
)
"""Words of the captions of aerosynth that need rarer merges."""


class TinyTokenizer(SimpleTokenizer):  # type: ignore[misc]
    """CLIP's tokenizer with a sixth of its vocabulary.

    It has the most frequent merges, and those that make the words of aerosynth; other words come
    in more pieces, but none is lost. Token ids are in the order of CLIP's own: the end of text has
    the highest.
    """

    encoder: dict[str, int]
    decoder: dict[int, str]
    bpe_ranks: dict[tuple[str, str], int]
    all_special_ids: list[int]

    def __init__(self) -> None:
        """Leave out merges."""
        super().__init__()
        kept = set(list(self.bpe_ranks)[:_MERGES])
        for word in _MORE_WORDS:
            kept |= self._merges_of(word)
        merges = [merge for merge in self.bpe_ranks if merge in kept]
        letters = list(self.encoder)[: 2 * len(self.byte_encoder)]
        special = [self.decoder[number] for number in self.all_special_ids]
        vocabulary = [*letters, *("".join(merge) for merge in merges), *special]
        self.encoder = {token: number for number, token in enumerate(vocabulary)}
        self.decoder = dict(enumerate(vocabulary))
        self.bpe_ranks = {merge: rank for rank, merge in enumerate(merges)}
        self.cache = {token: token for token in special}
        self.vocab_size = len(vocabulary)
        self.all_special_ids = [self.encoder[token] for token in special]
        self.sot_token_id, self.eot_token_id = self.all_special_ids

    def _merges_of(self, word: str) -> set[tuple[str, str]]:
        """Return the merges by which CLIP builds a word, in whatever order."""
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        merges = set()
        while len(pieces) > 1:
            pairs = list(zip(pieces, pieces[1:], strict=False))
            best = min(pairs, key=lambda pair: self.bpe_ranks.get(pair, len(self.bpe_ranks)))
            if best not in self.bpe_ranks:
                break
            merges.add(best)
            where = pairs.index(best)
            pieces[where : where + 2] = ["".join(best)]
        return merges


@lru_cache(maxsize=1)
def tiny_tokenizer() -> TinyTokenizer:
    """Return the tokenizer of ``tiny``, made once."""
    return TinyTokenizer()


VOCABULARY_SIZE: Final = 8740
"""Of `TinyTokenizer`; known without reading CLIP's merges, which takes a while."""

TINY_CONFIG: Final[dict[str, Any]] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": 112,
        "patch_size": 16,
        "layers": 3,
        "width": 128,
        "head_width": 64,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": VOCABULARY_SIZE,
        "width": 128,
        "heads": 2,
        "layers": 2,
    },
}
"""In the form of open_clip's model configurations."""
