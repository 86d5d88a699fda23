"""Import FAISS without the warnings of its bindings."""

import warnings
from typing import Any


def load_faiss() -> Any:
    """Import FAISS.

    Returns:
        The module ``faiss``.
    """
    with warnings.catch_warnings():
        # These come from the binding generator; users can do nothing about them.
        warnings.filterwarnings("ignore", message="builtin type [Ss]wig", category=Warning)
        import faiss
    return faiss
