"""Conversion of checkpoints trained by the authors of a model."""
