"use strict";
// A table that sorts by its headers, its rows best first by default, frame rows below.
(() => {
  // columns: {id, title, hint, numeric, value(row), cell(row), lower}; rows without a value go last.
  dvtr.sortRows = (rows, column, descending) => {
    if (!column) return [...rows];
    const sign = descending ? -1 : 1;
    return rows.map((row, number) => ({ row, number, value: column.value(row) }))
      .sort((a, b) => {
        const missing = (one) => one.value === null || one.value === undefined || one.value === "";
        if (missing(a) || missing(b)) return missing(a) - missing(b) || a.number - b.number;
        const order = typeof a.value === "number" ? a.value - b.value
          : String(a.value).localeCompare(String(b.value), "en", { numeric: true });
        return sign * order || a.number - b.number;
      }).map((one) => one.row);
  };

  // The first press sorts figures best first and texts from A; the next one turns it round.
  dvtr.firstDescending = (column) => Boolean(column.numeric) && !column.lower;

  dvtr.table = ({ caption, columns, rows, frame = [], sort, descending, onsort, rowClass }) => {
    const heads = columns.map((column) => {
      const sorted = column.id === sort;
      const kind = column.numeric ? "n" : null;
      const direction = sorted ? (descending ? "descending" : "ascending") : null;
      if (!column.value) return dvtr.el("th", { scope: "col", class: kind }, column.title);
      return dvtr.el("th", { scope: "col", class: kind, "aria-sort": direction },
        dvtr.el("button", {
          type: "button", title: column.hint || `Sort by ${column.title}`,
          "data-column": column.id,
          onclick: () => onsort(column.id,
            sorted ? !descending : dvtr.firstDescending(column)),
        }, column.title, dvtr.el("span", { "aria-hidden": "true", class: "arrow" },
          sorted ? (descending ? " ▼" : " ▲") : "")));
    });
    const cells = (row) => columns.map((column) => {
      const tag = column.header ? "th" : "td";
      return dvtr.el(tag, {
        class: column.numeric ? "n" : column.class, scope: column.header ? "row" : null,
      }, column.cell(row));
    });
    return dvtr.el("table", {},
      dvtr.el("caption", {}, caption),
      dvtr.el("thead", {}, dvtr.el("tr", {}, heads)),
      dvtr.el("tbody", {}, rows.map((row) =>
        dvtr.el("tr", { class: rowClass ? rowClass(row) : null, "data-row": row.id || null },
          cells(row)))),
      frame.length ? dvtr.el("tfoot", {}, frame.map((row) =>
        dvtr.el("tr", {}, columns.map((column) => dvtr.el(column.header ? "th" : "td",
          { class: column.numeric ? "n" : column.class, scope: column.header ? "row" : null },
          column.header ? row.title : row.values[column.id] ?? ""))))) : null);
  };
})();
