"""The charts: one file each, its name is its key.

A chart is a module with

- ``TAKES``: the data it draws, ``NamedValues``, ``Distribution`` or ``Series`` of
  `dvtr_bench.reports.chart_data`;
- ``draw(data)``: returns an ``<svg>`` element as text.

A chart is inline SVG: it takes its colours from the page, so that light and dark are one. Classes
of ``reports/chart.css`` give them: ``f0`` to ``f5`` fill and ``l0`` to ``l5`` stroke with the
colours of the parts, ``g`` is a line of the grid; a text is set flush right by ``e``, in the middle
by ``m``, small by ``s``. Names are others' text: whatever is
written into the element passes through `dvtr_bench.reports.others_text.safe_html`.
"""
