"""Baselines: the CLIP frame encoder and the comparison models over it."""
