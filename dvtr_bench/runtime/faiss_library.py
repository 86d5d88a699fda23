"""FAISS, loaded without the warnings of its own bindings."""

import warnings
from typing import Any


def load_faiss() -> Any:
    """Import FAISS.

    Returns:
        The module ``faiss``.
    """
    with warnings.catch_warnings():
        # Of the generator that FAISS's bindings were made with; nothing that a user can act on.
        warnings.filterwarnings("ignore", message="builtin type [Ss]wig", category=Warning)
        import faiss
    return faiss
