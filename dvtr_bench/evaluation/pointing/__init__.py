"""Comparison of a model's attention maps with the boxes of objects: scores and pictures."""
