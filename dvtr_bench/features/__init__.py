"""Captions and videos to features: encoded once, kept beside the dataset."""
