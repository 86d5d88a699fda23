"""Builders: raw drone clips and captions in, versioned datasets out (never imports torch)."""
