"""Models that others published, loaded by the libraries that they come from, for the adapters."""
