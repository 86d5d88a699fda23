"""Baselines: the CLIP frame encoder and the comparison models built on it."""
