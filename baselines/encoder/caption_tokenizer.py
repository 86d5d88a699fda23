"""Tokenizers of CLIPs whose text side is not OpenAI's: texts of one length, padded at its end.

A tokenizer of the Hub is kept as bytes, which are part of a checkpoint: it loads without the Hub.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import torch

from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.runtime.packages import import_extra

_PROBE_TIMEOUT_SECONDS: Final = 5.0
CLIP_TOKENIZER: Final = "CLIP"
"""What CLIP's own tokenizer is called in descriptions."""

_KIND: Final = "a tokenizer"
_CLEANINGS: Final = ("whitespace", "canonicalize", "lower")
_KNOWN_SETTINGS: Final = ("clean", "strip_sep_token")
_FILES: Final = "tokenizer.json, tokenizer_config.json and special_tokens_map.json"


class CaptionTokenizer(Protocol):
    """Turns captions into token ids of one length."""

    def describe(self) -> Mapping[str, Any]:
        """Return what tells it from others, as JSON values."""
        ...

    def count(self, captions: Sequence[str]) -> list[int]:
        """Return how many tokens each caption has, with those that mark start and end."""
        ...

    def tokens(self, captions: Sequence[str], max_words: int, length: int) -> torch.Tensor:
        """Return T x length ids of captions cut at ``max_words``."""
        ...

    def mask(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return T x L, True for tokens of a text up to its end, False for padding."""
        ...


class ClipTokenizer:
    """CLIP's tokenizer, with the settings of a model of open_clip.

    Args:
        settings: ``tokenizer_kwargs`` of its configuration.

    Raises:
        ConfigError: A setting draws tokens at random.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        """Make open_clip's tokenizer."""
        from open_clip import SimpleTokenizer

        self._settings = dict(settings or {})
        _require_known(self._settings, ("clean", "additional_special_tokens"))
        self._tokenizer: Any = SimpleTokenizer(**self._settings)

    def describe(self) -> Mapping[str, Any]:
        """Return its name and settings."""
        return {"name": CLIP_TOKENIZER, **self._settings}

    def count(self, captions: Sequence[str]) -> list[int]:
        """Return how many tokens each caption has, with those that mark start and end."""
        return [len(self._tokenizer.encode(caption)) + 2 for caption in captions]

    def tokens(self, captions: Sequence[str], max_words: int, length: int) -> torch.Tensor:
        """Return T x length ids of captions cut at ``max_words``, zeros behind the end."""
        cut: torch.Tensor = self._tokenizer(list(captions), context_length=max_words)
        return torch.nn.functional.pad(cut, (0, length - max_words))

    def mask(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return T x L, True up to the end of the text; token 0, the padding, is a word too."""
        return _up_to(tokens == self._tokenizer.eot_token_id)


class HubTokenizer:
    """A tokenizer of Hugging Face's, with the settings of a model of open_clip.

    Args:
        content: The bytes that `HubTokenizer.content` had.

    Raises:
        WeightsError: They are damaged.

    Source: open_clip ``HFTokenizer``, whose ids it gives.
    """

    def __init__(self, content: bytes) -> None:
        """Read the tokenizer."""
        tokenizers = import_extra("tokenizers", "hf", "this backbone's tokenizer")
        from open_clip.tokenizer import get_clean_fn

        with reading("the tokenizer of a backbone", _KIND, WeightsError):
            stated = json.loads(content.decode("utf-8"))
            self._tokenizer: Any = tokenizers.Tokenizer.from_str(stated.pop("tokenizer"))
            self._pad = (int(stated["pad_id"]), str(stated["pad_token"]))
            self._sides = (str(stated["padding_side"]), str(stated["truncation_side"]))
            self._separator = stated["separator_id"]
            self._name = str(stated["name"])
            self._clean_name = str(stated["clean"])
            self._end = stated["end_id"]
            if self._clean_name not in _CLEANINGS or self._sides[0] != "right":
                raise ValueError("its cleaning or its side of padding is not known")
        self._clean = get_clean_fn(self._clean_name)
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()

    def describe(self) -> Mapping[str, Any]:
        """Return its name, hash and settings."""
        return {
            "name": self._name,
            "sha256": self.sha256,
            "bytes": len(self.content),
            "clean": self._clean_name,
        }

    def count(self, captions: Sequence[str]) -> list[int]:
        """Return how many tokens each caption has, with those that mark start and end."""
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        return [len(one.ids) for one in self._encoded(captions)]

    def tokens(self, captions: Sequence[str], max_words: int, length: int) -> torch.Tensor:
        """Return T x length ids of captions cut at ``max_words``, padded."""
        self._tokenizer.enable_truncation(max_words, direction=self._sides[1])
        self._tokenizer.enable_padding(
            length=length, pad_id=self._pad[0], pad_token=self._pad[1], direction=self._sides[0]
        )
        rows = [one.ids for one in self._encoded(captions)]
        ids = torch.tensor(rows, dtype=torch.int64).reshape(len(rows), length)
        return ids if self._separator is None else ids.masked_fill(ids == self._separator, 0)

    def mask(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return T x L, True up to the last token before padding; the first one in any case."""
        is_padding = tokens == (self._pad[0] if self._separator is None else 0)
        if self._end == self._pad[0]:
            return _up_to(is_padding)
        mask = is_padding.cumsum(dim=1) == 0
        mask[:, 0] = True
        return mask

    def _encoded(self, captions: Sequence[str]) -> Sequence[Any]:
        encoded: Sequence[Any] = self._tokenizer.encode_batch(
            [self._clean(caption) for caption in captions]
        )
        return encoded


def read_hub_tokenizer(
    place: str | Path, name: str, settings: Mapping[str, Any], *, may_fetch: bool
) -> HubTokenizer:
    """Read a tokenizer of a folder or of the Hub.

    Args:
        place: The folder, or the name on the Hub.
        name: What to call it in records: never a path.
        settings: ``tokenizer_kwargs`` of the model's configuration.
        may_fetch: Whether it may be downloaded where the Hub's local cache lacks it.

    Returns:
        The tokenizer.

    Raises:
        NotFoundError: It is not here; the message says what to fetch.
        ConfigError: It is of a kind that is not supported.
    """
    transformers = import_extra("transformers", "hf", f"the tokenizer {name}")
    _require_known(settings, _KNOWN_SETTINGS)
    try:
        loaded = transformers.AutoTokenizer.from_pretrained(str(place), local_files_only=True)
    except Exception as failure:  # its types depend on the tokenizer's class
        loaded = None if isinstance(place, Path) or not may_fetch else _fetched(place)
        if loaded is None:
            raise NotFoundError(_message(place, name, failure)) from failure
    backend = getattr(loaded, "backend_tokenizer", None)
    if backend is None or loaded.pad_token_id is None or loaded.padding_side != "right":
        raise ConfigError(
            f"the tokenizer {name} ({type(loaded).__name__}) is of a kind that is not supported: "
            "expected one with a tokenizer.json, a token for padding, and padding at the end"
        )
    separator = loaded.sep_token_id if settings.get("strip_sep_token") else None
    stated = {
        "tokenizer": backend.to_str(),
        "name": name,
        "pad_id": loaded.pad_token_id,
        "pad_token": loaded.pad_token,
        "end_id": loaded.eos_token_id,
        "padding_side": loaded.padding_side,
        "truncation_side": loaded.truncation_side,
        "separator_id": separator,
        "clean": settings.get("clean", "whitespace"),
    }
    return HubTokenizer(json.dumps(stated, sort_keys=True).encode())


def _up_to(ends: torch.Tensor) -> torch.Tensor:
    """Return True up to the first True of each row, and all True where there is none."""
    number = ends.int()
    return number.cumsum(dim=1) - number == 0


def _fetched(name: str) -> Any:
    """Download a tokenizer; None without a network, which is told within seconds."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from transformers import AutoTokenizer

    try:
        # Without a network, the download itself retries for most of a minute; this fails fast.
        url = hf_hub_url(name, "tokenizer_config.json")
        get_hf_file_metadata(url, timeout=_PROBE_TIMEOUT_SECONDS)
        return AutoTokenizer.from_pretrained(name)
    # The Hub's client raises errors of the HTTP library that it uses.
    except Exception:
        return None


def _message(place: str | Path, name: str, failure: Exception) -> str:
    said = str(failure).splitlines()[0][:160] if str(failure) else type(failure).__name__
    if isinstance(place, Path):
        return (
            f"{place} holds no tokenizer that can be read ({said}): expected {_FILES} beside its "
            "weights"
        )
    return (
        f"the tokenizer {name} is not on this machine and cannot be downloaded ({said}). On a "
        f"machine with a network: `hf download {place} --include '*token*'`, then copy the folder "
        f"models--{place.replace('/', '--')} into the Hub's cache here; or put {_FILES} into the "
        "folder of the model and name that folder"
    )


def _require_known(settings: Mapping[str, Any], known: Sequence[str]) -> None:
    if unknown := sorted(set(settings) - set(known)):
        raise ConfigError(
            f"tokenizer_kwargs: {', '.join(map(str, unknown))[:80]} is not supported: expected "
            f"{' or '.join(known)}"
        )
    if settings.get("clean", "whitespace") not in _CLEANINGS:
        raise ConfigError(f"tokenizer_kwargs.clean: expected one of {', '.join(_CLEANINGS)}")
