"""The charts: one file each, its name is its key.

A chart is a module with

- ``TAKES``: the data it draws, ``NamedValues``, ``Distribution`` or ``Series`` of
  `dvtr_bench.reports.chart_data`;
- ``draw(axes, data)``: draws onto matplotlib ``Axes``;
- if it needs another height than usual, ``height(data, width_inches)``: its height in inches,
  without title and legend.

The same drawing becomes SVG in a page and SVG, PDF or PNG for a paper. Colours, markers and lines
come from `dvtr_bench.reports.chart_marks`, so that a dark page can turn them. A part that has a
``label`` stands in the legend, which is added below the axes if there are several; ``told`` gives a
mark a text that pages show on hover. Other names may be any text: nothing in them is a formula.
"""
