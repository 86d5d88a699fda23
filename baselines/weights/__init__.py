"""Safe reading of weights in several formats, and their download."""

from baselines.weights.weights import WeightsFile, load_weights, read_weights

__all__ = ["WeightsFile", "load_weights", "read_weights"]
