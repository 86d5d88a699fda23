"""Search of a built dataset: clips for a text, captions for a clip."""
