"""The charts: one file each, its name is its key.

A chart is a module with

- ``TAKES``: the data it draws, ``NamedValues``, ``Distribution`` or ``Series`` of
  `dvtr_bench.reports.chart_data`;
- ``draw(data)``: returns an ``<svg>`` element as text.

A chart is inline SVG and takes its colours from the page, in light and dark mode. The classes are
those of ``reports/chart.css``: ``f0`` to ``f5`` fill and ``l0`` to ``l5`` stroke with the colours
of the parts, ``g`` is a line of the grid; ``e`` aligns text right, ``m`` centres it, ``s``
makes it small. Names come from outside: pass everything written into the element through
`dvtr_bench.reports.others_text.safe_html`.
"""
