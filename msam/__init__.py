"""MSAM: the multi-semantic adaptive model of arXiv 2510.15470 and its parts."""
