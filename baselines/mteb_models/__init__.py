"""Models of mteb: how they are found and loaded, and what they are asked with."""
