"""Evaluates models and brought scores by the recall protocol."""
