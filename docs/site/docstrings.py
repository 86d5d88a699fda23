"""Lets mkdocstrings read the docstrings as they are written here."""

import re
from typing import Any

import griffe


class OurDocstrings(griffe.Extension):
    """Names the section of examples as griffe knows it: only "Examples" is set as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Reword the docstring of an object before it is parsed."""
        if obj.docstring is not None:
            text = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)
            obj.docstring.value = text.replace("  # doctest: +SKIP", "")
