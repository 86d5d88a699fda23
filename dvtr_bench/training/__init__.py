"""Trains models: recipes, batches, checkpoint choice on validation, runs that go on."""
