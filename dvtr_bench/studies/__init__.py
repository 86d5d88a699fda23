"""Studies: files that state which models are trained and compared. See docs/guides/studies.md."""
