"""The findings: one file each; the module's name is its key in ``audit.json``.

Each holds

- ``TITLE``: its heading, and ``PLACE``: its position among the others, lowest first;
- ``Record``: a frozen dataclass that `dvtr_bench.reading.json_records` can write and read;
- ``find(subject, against, show_progress)``: a ``Record``, or `NotMeasured` with the reason;
- ``blocks(record)``: what the terminal and the page show (`builders.checks.audit.blocks`);
- ``draw(record, subject, against, folder)``, only if it has a picture.
"""
