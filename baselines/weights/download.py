"""Fetches pretrained weights that open_clip knows by name, and says what to do where it cannot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from baselines.weights.backbone_spec import QUICK_GELU_SUFFIX, BackboneSpec, pretrained_config
from dvtr_bench.errors import NotFoundError
from dvtr_bench.runtime.files import file_sha256

OPENAI_CACHE: Final = Path("~/.cache/clip")
"""Where OpenAI's own package keeps its archives; a file that stands there is used."""

_HUB_FILES: Final = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_PROBE_TIMEOUT_SECONDS: Final = 5.0


def find_or_fetch(spec: BackboneSpec) -> Path:
    """Return the file of a backbone's pretrained weights, downloading it where need be.

    Looked for in this order: the Hub's local cache, `OPENAI_CACHE` (its SHA-256 is checked), the
    Hub itself.

    Args:
        spec: A backbone with a tag.

    Returns:
        The file.

    Raises:
        NotFoundError: Not there and cannot be fetched; comes within seconds and says what to
            download and where to put it.
    """
    record = pretrained_config(spec.architecture, spec.tag or "")
    for find in (_in_hub_cache, _in_openai_cache):
        found = find(record)
        if found is not None:
            return found
    return _fetch(spec, record)


def _hub_files(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    repository, _, filename = str(record.get("hf_hub", "")).rpartition("/")
    if not repository:
        return []
    names = [filename] if filename else list(_HUB_FILES)
    return [(repository, name) for name in names]


def _in_hub_cache(record: Mapping[str, Any]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for repository, name in _hub_files(record):
        found = try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return Path(found)
    return None


def _in_openai_cache(record: Mapping[str, Any]) -> Path | None:
    url = str(record.get("url", ""))
    if not url:
        return None
    path = OPENAI_CACHE.expanduser() / url.rsplit("/", 1)[-1]
    if not path.is_file():
        return None
    # OpenAI's addresses carry the digest as a folder, open_clip's as the end of the file's name.
    expected = url.split("/")[-2] if "openaipublic" in url else path.stem.rsplit("-", 1)[-1]
    return path if file_sha256(path).startswith(expected) else None


def _fetch(spec: BackboneSpec, record: Mapping[str, Any]) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    reason = "open_clip knows no Hub repository for it"
    for repository, name in _hub_files(record):
        try:
            # The download itself retries for most of a minute without a network; this does not.
            get_hf_file_metadata(hf_hub_url(repository, name), timeout=_PROBE_TIMEOUT_SECONDS)
            return Path(hf_hub_download(repository, name))
        except EntryNotFoundError:
            reason = f"{repository} holds no {name}"
        # The Hub's client raises errors of whichever HTTP library it is built on.
        except Exception as failure:
            reason = f"{type(failure).__name__}: {str(failure).splitlines()[0]}"
            break
    raise NotFoundError(_what_to_do(spec, record, reason))


def _what_to_do(spec: BackboneSpec, record: Mapping[str, Any], reason: str) -> str:
    ways = []
    if record.get("url"):
        url = str(record["url"])
        target = OPENAI_CACHE / url.rsplit("/", 1)[-1]
        ways.append(f"download {url} and put it at {target}")
    hub = _hub_files(record)
    if hub:
        repository, name = hub[0]
        ways.append(f"download {name} of https://huggingface.co/{repository}")
    choices = "\n  - ".join(ways)
    by_path = spec.architecture
    if record.get("quick_gelu") and not by_path.endswith(QUICK_GELU_SUFFIX):
        # A safetensors file cannot tell which activation it was trained with: the name must.
        by_path += QUICK_GELU_SUFFIX
    return (
        f"the weights of the backbone {spec.architecture}/{spec.tag} are not on this machine and "
        f"cannot be fetched ({reason}). On a machine with a network, do one of these:\n"
        f"  - {choices}\n"
        f"then copy the file here; any file can be named by path: "
        f"--backbone {by_path}/PATH\n"
        "Without any download: --backbone tiny, a small one of our own, made for aerosynth"
    )
