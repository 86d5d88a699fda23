"""Readers of clips and annotations: published files, zips, tables of captions, folders."""
