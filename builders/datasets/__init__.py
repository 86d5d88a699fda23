"""The datasets, one file each; the module's name is the key (see `builders.sources.source`)."""
