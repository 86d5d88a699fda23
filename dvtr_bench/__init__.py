"""dvtr-bench: datasets, models and one recall protocol for drone video-text retrieval."""

__version__ = "0.1.0"
