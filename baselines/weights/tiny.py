"""Configuration and tokenizer of ``tiny``, a CLIP small enough for two CPU cores.

Its weights are part of the package; `dvtr-bench pretrain-tiny` trains them again
(`baselines.encoder.pretraining`).
"""

from functools import lru_cache
from typing import Any, Final

from open_clip import SimpleTokenizer

_MERGES: Final = 8192
"""Number of CLIP's byte pair merges that are kept, the most frequent ones."""

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
"""Words in aerosynth's captions that need rarer merges, which are also kept."""


class TinyTokenizer(SimpleTokenizer):  # type: ignore[misc]
    """CLIP's tokenizer with a sixth of its vocabulary.

    It keeps the most frequent merges and those of the words of aerosynth; other words are split
    into more tokens. Token ids have CLIP's order: the end of text has the highest.
    """

    encoder: dict[str, int]
    decoder: dict[int, str]
    bpe_ranks: dict[tuple[str, str], int]
    all_special_ids: list[int]

    def __init__(self) -> None:
        """Reduce the vocabulary of CLIP's tokenizer."""
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
        """Return the set of merges with which CLIP builds a word."""
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        merges = set()
        while len(pieces) > 1:
            pairs = list(zip(pieces, pieces[1:], strict=False))
            best = min(pairs, key=lambda pair: self.bpe_ranks.get(pair, len(self.bpe_ranks)))
            if best not in self.bpe_ranks:
                break
            merges.add(best)
            index = pairs.index(best)
            pieces[index : index + 2] = ["".join(best)]
        return merges


@lru_cache(maxsize=1)
def tiny_tokenizer() -> TinyTokenizer:
    """Return the tokenizer of ``tiny``, created once."""
    return TinyTokenizer()


VOCABULARY_SIZE: Final = 8740
"""Vocabulary size of `TinyTokenizer`, stated here because reading CLIP's merges takes a while."""

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
"""Configuration of ``tiny`` in the form of open_clip's."""
