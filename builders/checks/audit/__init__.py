"""Audit of a built dataset: repeated captions, leaking clips, odd texts."""
