"""Looks for what is wrong with a built dataset: repeated captions, leaking clips, odd texts."""
