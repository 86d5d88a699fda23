"""Checkpoints that the authors of a model trained, turned into ours."""
