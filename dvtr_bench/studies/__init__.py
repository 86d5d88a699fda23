"""Studies: what is trained and compared, as one file. See docs/guides/studies.md."""
