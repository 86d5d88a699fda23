"""Training and evaluation: what runs a model over a dataset."""
