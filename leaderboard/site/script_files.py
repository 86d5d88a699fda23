"""Write data as scripts: a page opened from disk can load scripts, but no JSON."""

import json
from pathlib import Path
from typing import Any

from dvtr_bench.runtime.files import written_beside

_LETTERS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def json_text(value: Any) -> str:
    r"""Return a value as ASCII JSON that is safe inside any page or script.

    Args:
        value: Dicts with text keys, lists, texts, finite numbers, booleans and None.

    Returns:
        JSON without line breaks. Characters that could end a script element or a line are escaped.

    Raises:
        ValueError: A number is not finite.

    Example:
        >>> print(json_text({"name": "</script>"}))
        {"name":"\u003c/script\u003e"}
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(_LETTERS)


def write_script(folder: Path, name: str, value: Any) -> Path:
    """Write a script that passes a value to the page.

    Args:
        folder: The output folder.
        name: The name by which the page asks for it; also the name of the file.
        value: As for `json_text`.

    Returns:
        The file.
    """
    return write_text(folder / f"{name}.js", f"dvtr.put({json_text(name)},{json_text(value)});\n")


def write_text(path: Path, text: str) -> Path:
    """Write a text atomically, with the same bytes on every system."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
    return path
