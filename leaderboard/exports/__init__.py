"""The export formats: one file each, its name is its key.

A format is a module with ``export(results, folder) -> Exported``, which writes files for results
into an existing folder, each atomically, and returns them with notes for their readers.
"""
