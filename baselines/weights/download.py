"""Download of pretrained weights that open_clip knows by name, or that are named here."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from baselines.weights.backbone_spec import QUICK_GELU_SUFFIX, BackboneSpec, pretrained_config
from dvtr_bench.errors import NotFoundError
from dvtr_bench.runtime.files import file_sha256

OPENAI_CACHE: Final = Path("~/.cache/clip")
"""Download folder of OpenAI's own package; files in it are used."""

_HUB_FILES: Final = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_PROBE_TIMEOUT_SECONDS: Final = 5.0


def find_or_fetch(spec: BackboneSpec) -> Path:
    """Return the file of a backbone's pretrained weights, downloading it if necessary.

    It is searched in the Hub's local cache, then in `OPENAI_CACHE` (with a check of its SHA-256),
    then on the Hub.

    Args:
        spec: A backbone with a tag, or of published weights.

    Returns:
        The file.

    Raises:
        NotFoundError: The file is not on this machine and cannot be downloaded. Raised within
            seconds; the message says what to download and where to put it.
    """
    if spec.published is not None:
        record: Mapping[str, Any] = {"url": spec.published.url}
    else:
        record = pretrained_config(spec.architecture, spec.tag or "")
    for path in (_in_hub_cache(_hub_files(spec)), _in_openai_cache(record)):
        if path is not None:
            return path
    return _fetch(spec, record)


def hub_revision(path: Path) -> str | None:
    """Return the commit of the Hub that a file in its local cache is of; None for other files.

    Example:
        >>> hub_revision(Path("models--a--b/snapshots/0a1b2c3d4e5f60718293a4b5c6d7e8f901234567/x"))
        '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567'
    """
    parts = path.parts
    for snapshots, revision in pairwise(parts):
        if snapshots == "snapshots" and len(revision) == 40:
            return revision
    return None


def _hub_files(spec: BackboneSpec) -> list[tuple[str, str]]:
    if (published := spec.published) is not None:
        return [(published.repository, published.file)] if published.repository else []
    record = pretrained_config(spec.architecture, spec.tag or "")
    repository, _, filename = str(record.get("hf_hub", "")).rpartition("/")
    if not repository:
        return []
    names = [filename] if filename else list(_HUB_FILES)
    return [(repository, name) for name in names]


def _in_hub_cache(files: Sequence[tuple[str, str]]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for repository, name in files:
        cached_path = try_to_load_from_cache(repository, name)
        if isinstance(cached_path, str):
            return Path(cached_path)
    return None


def _in_openai_cache(record: Mapping[str, Any]) -> Path | None:
    url = str(record.get("url", ""))
    if not url:
        return None
    path = OPENAI_CACHE.expanduser() / url.rsplit("/", 1)[-1]
    if not path.is_file() or path.suffix == ".zip":
        return None
    # The digest is a folder in OpenAI's URLs, and the end of the file's name in open_clip's.
    expected = url.split("/")[-2] if "openaipublic" in url else path.stem.rsplit("-", 1)[-1]
    return path if file_sha256(path).startswith(expected) else None


def _fetch(spec: BackboneSpec, record: Mapping[str, Any]) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    reason = "no repository of the Hub is known for it"
    for repository, name in _hub_files(spec):
        try:
            # Without a network, the download itself retries for most of a minute; this fails fast.
            get_hf_file_metadata(hf_hub_url(repository, name), timeout=_PROBE_TIMEOUT_SECONDS)
            return Path(hf_hub_download(repository, name))
        except EntryNotFoundError:
            reason = f"{repository} has no {name}"
        # The Hub's client raises errors of the HTTP library that it uses.
        except Exception as failure:
            reason = f"{type(failure).__name__}: {str(failure).splitlines()[0]}"
            break
    raise NotFoundError(_message(spec, record, reason))


def _message(spec: BackboneSpec, record: Mapping[str, Any], reason: str) -> str:
    ways = []
    if spec.published is not None and spec.published.url:
        ways.append(f"download {spec.published.url} and unpack {spec.published.file} from it")
    elif record.get("url"):
        url = str(record["url"])
        target = OPENAI_CACHE / url.rsplit("/", 1)[-1]
        ways.append(f"download {url} and put it at {target}")
    hub = _hub_files(spec)
    if hub:
        repository, name = hub[0]
        ways.append(
            f"download {name} of https://huggingface.co/{repository} "
            f"(`hf download {repository} {name}` puts it where it is found)"
        )
    choices = "\n  - ".join(ways)
    name = f"{spec.architecture}/{spec.tag}"
    by_path = spec.architecture
    if spec.published is not None:
        name = by_path = spec.published.name
    elif record.get("quick_gelu") and not by_path.endswith(QUICK_GELU_SUFFIX):
        # A safetensors file does not state its activation, so the name must.
        by_path += QUICK_GELU_SUFFIX
    return (
        f"the weights of the backbone {name} are not on this machine and "
        f"cannot be downloaded ({reason}). On a machine with a network, do one of these:\n"
        f"  - {choices}\n"
        f"then copy the file to this machine. Any file can be used by its path: {by_path}/PATH\n"
        "Without a download: --backbone tiny, a small backbone made for aerosynth"
    )
