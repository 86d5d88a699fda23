"""Forms of datasets that other tools read: one file each."""
