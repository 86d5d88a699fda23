"""The interface of models, and the list of available models."""
