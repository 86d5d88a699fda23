"""Safe reading of weights in several formats, and their download."""
