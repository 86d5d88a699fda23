"""The export formats: one file each, its name is its key.

A format is a module with ``export(results, folder) -> Exported``, which writes the files of some
results into a folder that is there, each beside its place and then renamed, and says what a reader
of the files must know.
"""
