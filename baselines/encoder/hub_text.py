"""Configurations of text towers that are models of Hugging Face's transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import NotFoundError
from dvtr_bench.reading.json_text import readable_json
from dvtr_bench.runtime.extras import import_extra

_PROBE_TIMEOUT_SECONDS: Final = 5.0


def read_text_config(name: str, folder: Path | None, *, may_fetch: bool) -> Mapping[str, Any]:
    """Read the configuration of a text tower; its weights are those of the whole model.

    Args:
        name: ``hf_model_name`` of the model: a name on the Hub, a folder, or one in ``folder``.
        folder: The folder of the model; None for one without.
        may_fetch: Whether it may be downloaded where the Hub's local cache lacks it.

    Returns:
        JSON values.

    Raises:
        NotFoundError: It is not here; the message says what to fetch.
    """
    transformers = import_extra("transformers", "hf", f"the text tower {name}")
    inside = None if folder is None else folder / name
    place = str(inside) if inside is not None and inside.is_dir() else name
    try:
        config = transformers.AutoConfig.from_pretrained(place, local_files_only=True)
    except Exception as failure:  # its types depend on what is there
        config = _fetched(name) if may_fetch else None
        if config is None:
            said = str(failure).splitlines()[0][:160] if str(failure) else type(failure).__name__
            raise NotFoundError(
                f"config.json of the text tower {name} is not on this machine and cannot be "
                f"downloaded ({said}). On a machine with a network: `hf download {name} "
                "config.json`, then copy the folder of the Hub's cache here; or put it into the "
                f"folder of the model, as {Path(name).name}/config.json, and write that name as "
                "hf_model_name"
            ) from failure
    values: Mapping[str, Any] = config.to_dict()
    readable_json(values)  # raises for what no description can hold
    return values


def _fetched(name: str) -> Any:
    """Download a configuration; None without a network, which is told within seconds."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from transformers import AutoConfig

    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=_PROBE_TIMEOUT_SECONDS)
        return AutoConfig.from_pretrained(name)
    # The Hub's client raises errors of the HTTP library that it uses.
    except Exception:
        return None
