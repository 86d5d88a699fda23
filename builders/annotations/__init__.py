"""Readers of annotation files: bytes in, plain records out, nothing executed."""
