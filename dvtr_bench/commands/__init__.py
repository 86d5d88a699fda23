"""The command line, one file per command: each module holds a function of its own name.

A command function imports what it needs inside itself, so that ``dvtr-bench --help`` answers at
once and builders work without torch.
"""
