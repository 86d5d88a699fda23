"use strict";
// Two rows or more, compared in pairs: computed here, from the ranks of their runs.
(() => {
  const { el, others, number, signed, interval, pValue } = dvtr;
  const TITLES = { t2v: "T2V", v2t: "V2T", v2t_caption: "V2T single", both: "" };
  const ORDER = ["t2v", "v2t", "v2t_caption", "both"];
  const drawn = new Map();

  // Lets the browser paint before a long sum.
  const breathe = () => new Promise((resolve) => setTimeout(resolve, 20));

  // Every board draws its videos once.
  function drawsOf(board, queries) {
    if (!drawn.has(board.id)) drawn.set(board.id, dvtr.makeDraws(board.draws, queries.own));
    return drawn.get(board.id);
  }

  const placeTitle = (place) => {
    const [direction, name] = place.split("/");
    return `${TITLES[direction]} ${name}`.trim();
  };

  function places(board, figures) {
    const names = [...board.figures, "mR", "RSum"];
    return Object.keys(figures[0].points).sort((a, b) => {
      const [one, other] = [a.split("/"), b.split("/")];
      return ORDER.indexOf(one[0]) - ORDER.indexOf(other[0]) ||
        names.indexOf(one[1]) - names.indexOf(other[1]);
    });
  }

  // One line a figure or a group: the values of all, and the differences to the first.
  function differences(figures, keys, level, enough) {
    return keys.map((key) => {
      const found = figures.slice(1).map((one) => dvtr.difference(figures[0], one, key, level));
      const told = enough(key);
      const corrected = dvtr.holm(found.map((one) => one.p));
      return {
        key, first: figures[0].points[key][0],
        others: found.map((one, n) => ({ ...one, p: corrected[n], told })),
      };
    });
  }

  function differenceTable({ caption, rows, lines, titleOf, better, firstTitle }) {
    const letter = (n) => String.fromCharCode(65 + n);
    const columns = [
      { title: firstTitle, header: true, class: "model", cell: (line) => titleOf(line.key) },
      { title: "A", numeric: true, cell: (line) => number(line.first) },
      ...rows.slice(1).flatMap((_, n) => [
        { title: letter(n + 1), numeric: true, cell: (line) => number(line.others[n].second) },
        { title: `${letter(n + 1)} − A`, numeric: true, cell: (line) => {
          const found = line.others[n];
          if (!found.told) return signed(found.difference);
          const apart = found.p <= 0.05;
          const good = (found.difference > 0) === better(line.key);
          return [el("span", { class: apart ? (good ? "up" : "down") : null },
            signed(found.difference)),
          el("small", {}, `${signed(found.low)} to ${signed(found.high)}`)];
        } },
        { title: "p", numeric: true, cell: (line) => line.others[n].told
          ? el("span", { "data-p": line.others[n].p, "data-difference": line.others[n].difference,
            "data-low": line.others[n].low, "data-high": line.others[n].high },
          pValue(line.others[n].p)) : "" },
      ]),
    ];
    return dvtr.wide(caption, dvtr.table({ caption, columns,
      rows: lines.map((line) => ({ ...line, id: line.key })) }));
  }

  function said(rows, line) {
    return rows.slice(1).map((row, n) => {
      const found = line.others[n];
      const much = `${signed(found.difference)} (${signed(found.low)} to ${signed(found.high)}, p ` +
        `${pValue(found.p)})`;
      const verdict = found.p > 0.05 ? "is not told apart from"
        : found.difference > 0 ? "is better than" : "is worse than";
      return el("li", {}, others(row.name), ` ${verdict} `, others(rows[0].name),
        ` in ${placeTitle(line.key)}: ${much}.`);
    });
  }

  dvtr.showCompare = async (id, settings) => {
    const [board, queries] = await dvtr.loadAll([`board-${id}`, `queries-${id}`]);
    const wanted = (settings.get("rows") || "").split(",");
    const rows = wanted.map((one) => board.rows.find((row) => row.id === one)).filter(Boolean);
    if (rows.length < 2) throw new Error("a comparison needs two rows of one board or more");
    await breathe();
    const runs = await Promise.all(rows.map((row) =>
      dvtr.loadAll(row.runs.map((run) => `ranks-${run}`))));
    const draws = drawsOf(board, queries);
    const figures = runs.map((one) => dvtr.rowFigures(one, draws, board.videos));
    const lines = differences(figures, places(board, figures), board.draws.level, () => true);
    const lower = (place) => board.lowerIsBetter.includes(place.split("/")[1]);
    const groups = el("div");
    let axisId = queries.axes[settings.get("axis")] ? settings.get("axis")
      : Object.keys(queries.axes)[0];

    async function showGroups() {
      const axis = queries.axes[axisId];
      if (!axis) return;
      await breathe();
      const parts = runs.map((one) => dvtr.groupFigures(one, draws, axis, queries.own));
      const keys = Object.keys(axis.groups).filter((group) => parts[0].queries[group] > 0);
      const enough = (group) => parts[0].videos[group] >= board.draws.fewestVideos;
      groups.replaceChildren(differenceTable({
        caption: `T2V R@1 by ${axis.title}`, rows, firstTitle: axis.title, better: () => true,
        lines: differences(parts, keys, board.draws.level, enough),
        titleOf: (group) => [others(axis.groups[group]), el("small", {},
          `${parts[0].queries[group]} captions, ${parts[0].videos[group]} videos`)],
      }));
    }
    await showGroups();

    const swap = (first) => dvtr.link("compare", id, { axis: axisId,
      rows: [first, ...rows.filter((row) => row !== first)].map((row) => row.id).join(",") });
    return [
      el("h1", {}, `${rows.length} rows compared`),
      el("p", {}, el("a", { href: dvtr.link("board", id) }, others(board.title))),
      el("ol", { class: "letters", type: "A" }, rows.map((row, n) => el("li", {},
        el("a", { href: dvtr.link("run", row.runs[0]) }, dvtr.rowTitle(row)), dvtr.marks(row),
        n ? [" ", el("a", { class: "small", href: swap(row) }, "make it A")] : null))),
      el("ul", { id: "said" }, said(rows, lines.find((line) => line.key === "t2v/R@1"))),
      el("p", {}, el("a", { class: "button", href: dvtr.link("queries", id,
        { rows: rows.map((row) => row.id).join(","), sort: "disagreement" }) },
      "See the queries on which they disagree")),
      el("h2", {}, "By figure"),
      differenceTable({ caption: "Differences by figure", rows, lines, titleOf: placeTitle,
        better: (place) => !lower(place), firstTitle: "Figure" }),
      el("p", { class: "faint" }, "A difference is taken on the same queries; its interval " +
        `(${board.draws.level * 100}%) and p-value come from a paired bootstrap over the videos, ` +
        `${board.draws.resamples} resamples, computed in this page from the ranks. ` +
        (rows.length > 2 ? `p-values are corrected by Holm for ${rows.length - 1} comparisons. ` : "") +
        "Where a row has several seeds, its mean is compared. Green: better than A at 5%; red: worse."),
      el("h2", {}, "By group of captions"),
      Object.keys(queries.axes).length ? dvtr.select("Axis",
        Object.entries(queries.axes).map(([key, axis]) => [key, axis.title]), axisId, (chosen) => {
          axisId = chosen;
          dvtr.remember({ axis: chosen });
          showGroups();
        }, "axis") : el("p", { class: "faint" }, "These runs have no breakdowns."),
      groups,
    ];
  };
})();
