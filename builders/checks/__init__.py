"""What can be said of a built dataset: is it whole, what changed, what can figures on it mean."""
