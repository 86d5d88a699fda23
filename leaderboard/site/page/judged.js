"use strict";
// A board under judged relevance: tables of their own, since these figures depend on the judges.
(() => {
  const { el, others, number, interval } = dvtr;

  function shown(cell) {
    if (!cell || cell[0] === null) return "";
    const deviation = cell[3] === null ? "" : ` ± ${number(cell[3])}`;
    return [`${number(cell[0])}${deviation}`, el("small", {}, interval(cell[1], cell[2]))];
  }

  function tableOf(part, rows, state, update) {
    const figures = new Map(part.rows.map((row) => [row.id, row.figures]));
    const ids = part.columns.map((name) => `${part.direction}/${name}`);
    const columns = [
      { id: "model", title: "Model", header: true, class: "model", value: (row) => row.name,
        cell: (row) => el("a", { href: dvtr.link("run", row.runs[0]) }, dvtr.rowTitle(row)) },
      ...part.columns.map((name, place) => ({
        id: ids[place], title: name, numeric: true, lower: name.startsWith("unjudged"),
        hint: `Sort by ${name}`,
        value: (row) => figures.get(row.id)[place][0],
        cell: (row) => shown(figures.get(row.id)[place]),
      })),
    ];
    const column = columns.find((one) => one.id === state.judged);
    const descending = column ? dvtr.firstDescending(column) : false;
    const frame = part.frame.map(({ title, values }) => ({ title,
      values: Object.fromEntries(values.map((value, place) => [ids[place], number(value)])) }));
    return dvtr.wide(part.title, dvtr.table({
      caption: others(part.title), columns, frame, sort: state.judged, descending,
      rows: dvtr.sortRows(rows.filter((row) => figures.has(row.id)), column, descending),
      onsort: (id) => update({ judged: id }),
    }));
  }

  // The rows that the board shows, in its order until a header is pressed.
  dvtr.judgedTables = (board, rows, state, update) => board.judged.map(({ notes, tables }) =>
    el("section", { class: "judged" }, el("h2", {}, "Under judged relevance"),
      tables.map((part) => tableOf(part, rows, state, update)),
      el("ul", { class: "faint" }, notes.map((note) => el("li", {}, others(note))))));
})();
