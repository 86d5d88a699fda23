"""Models that others made, by name: one file a library that they come from."""
