"""Heads that score texts against videos, and the model that all heads share."""
