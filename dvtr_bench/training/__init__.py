"""Training: recipes, batches, checkpoint selection on validation, resumable runs."""
