"""Encoding of captions and videos into features, and the cache of backbone features."""
