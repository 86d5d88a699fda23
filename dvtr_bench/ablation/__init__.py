"""Ablations: one model with one thing changed at a time, trained, evaluated and compared."""
