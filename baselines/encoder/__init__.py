"""The CLIP that encodes frames and captions below every model, and how its small one is trained."""
