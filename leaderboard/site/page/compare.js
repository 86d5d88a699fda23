"use strict";
// Two rows or more, compared in pairs: computed here, from the ranks of their runs.
(() => {
  const { el, others, number, signed, interval, pValue } = dvtr;
  const TITLES = { t2v: "T2V", v2t: "V2T", v2t_caption: "V2T single", both: "" };
  const ORDER = ["t2v", "v2t", "v2t_caption", "both"];
  const drawn = new Map();

  // Lets the browser paint before a long sum.
  const breathe = () => new Promise((resolve) => setTimeout(resolve, 20));

  // Every board draws its videos once, and again where more tests need more resamples.
  function drawsOf(board, queries, tests) {
    const draws = dvtr.drawsFor(board.draws, tests);
    const key = `${board.id}/${draws.resamples}`;
    if (!drawn.has(key)) drawn.set(key, dvtr.makeDraws(draws, queries.own));
    return drawn.get(key);
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

  // One line a figure or a group: the values of all, and the differences to the first. Each figure
  // is a family of tests; the groups of an axis are one family together.
  function differences(figures, keys, level, { enough = () => true, together = false } = {}) {
    const lines = keys.map((key) => ({
      key, first: figures[0].points[key][0],
      others: figures.slice(1).map((one) =>
        ({ ...dvtr.difference(figures[0], one, key, level), told: enough(key) })),
    }));
    const families = together ? [lines] : lines.map((line) => [line]);
    for (const family of families) {
      const tests = family.flatMap((line) => line.others).filter((one) => one.told);
      dvtr.holm(tests.map((one) => one.p)).forEach((p, n) => { tests[n].corrected = p; });
    }
    return lines;
  }

  function differenceTable({ caption, rows, lines, titleOf, better, firstTitle,
    showCorrected }) {
    const letter = (n) => String.fromCharCode(65 + n);
    const columns = [
      { title: firstTitle, header: true, class: "model", cell: (line) => titleOf(line.key) },
      { title: "A", numeric: true, cell: (line) => number(line.first) },
      ...rows.slice(1).flatMap((_, n) => [
        { title: letter(n + 1), numeric: true, cell: (line) => number(line.others[n].second) },
        { title: `${letter(n + 1)} − A`, numeric: true, cell: (line) => {
          const found = line.others[n];
          if (!found.told) return signed(found.difference);
          const apart = found.corrected <= 0.05;
          const good = (found.difference > 0) === better(line.key);
          return [el("span", { class: apart ? (good ? "up" : "down") : null },
            signed(found.difference)),
          el("small", {}, `${signed(found.low)} to ${signed(found.high)}`)];
        } },
        { title: "p", numeric: true, cell: (line) => line.others[n].told
          ? el("span", { "data-p": line.others[n].p,
            "data-corrected": line.others[n].corrected, "data-difference": line.others[n].difference,
            "data-low": line.others[n].low, "data-high": line.others[n].high },
          pValue(line.others[n].p)) : "" },
        ...(showCorrected ? [{ title: "corrected", numeric: true, cell: (line) =>
          line.others[n].told ? pValue(line.others[n].corrected) : "" }] : []),
      ]),
    ];
    return dvtr.wide(caption, dvtr.table({ caption, columns,
      rows: lines.map((line) => ({ ...line, id: line.key })) }));
  }

  function said(rows, line) {
    return rows.slice(1).map((row, n) => {
      const found = line.others[n];
      const much = `${signed(found.difference)} (${signed(found.low)} to ${signed(found.high)}, p ` +
        `${pValue(found.p)}` +
        (rows.length > 2 ? `, corrected ${pValue(found.corrected)})` : ")");
      const verdict = found.corrected > 0.05 ? "is not told apart from"
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
    const draws = drawsOf(board, queries, rows.length - 1);
    const figures = runs.map((one) => dvtr.rowFigures(one, draws, board.videos));
    const lines = differences(figures, places(board, figures), board.draws.level);
    const lower = (place) => board.lowerIsBetter.includes(place.split("/")[1]);
    const groups = el("div");
    let axisId = queries.axes[settings.get("axis")] ? settings.get("axis")
      : Object.keys(queries.axes)[0];

    async function showGroups() {
      const axis = queries.axes[axisId];
      if (!axis) return;
      await breathe();
      const tested = board.axes[axisId].groups.filter(([, , videos]) =>
        videos >= board.draws.fewestVideos).length;
      const groupDraws = drawsOf(board, queries, tested * (rows.length - 1));
      const parts = runs.map((one) => dvtr.groupFigures(one, groupDraws, axis, queries.own));
      const keys = Object.keys(axis.groups).filter((group) => parts[0].queries[group] > 0);
      const enough = (group) => parts[0].videos[group] >= board.draws.fewestVideos;
      groups.replaceChildren(differenceTable({
        caption: `T2V R@1 by ${axis.title}`, rows, firstTitle: axis.title, better: () => true,
        showCorrected: true,
        lines: differences(parts, keys, board.draws.level, { enough, together: true }),
        titleOf: (group) => [others(axis.groups[group]), el("small", {},
          dvtr.groupSizes(board, parts[0].queries[group], parts[0].videos[group]))],
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
        better: (place) => !lower(place), firstTitle: "Figure",
        showCorrected: rows.length > 2 }),
      el("p", { class: "faint" }, "A difference is taken on the same queries; its interval " +
        `(${board.draws.level * 100}%) and p-value come from a paired bootstrap over the videos, ` +
        `${draws.resamples} resamples, computed in this page from the ranks. ` +
        (rows.length > 2 ? "Each figure is a family of tests: corrected is the p-value after Holm's " +
          `correction for the ${rows.length - 1} comparisons by that figure. ` : "") +
        "Where a row has several seeds, its mean is compared. Green: better than A at 5% after the correction; red: worse."),
      el("h2", {}, "By group of captions"),
      Object.keys(queries.axes).length ? dvtr.select("Axis",
        Object.entries(queries.axes).map(([key, axis]) => [key, axis.title]), axisId, (chosen) => {
          axisId = chosen;
          dvtr.remember({ axis: chosen });
          showGroups();
        }, "axis") : el("p", { class: "faint" }, "These runs have no breakdowns."),
      groups,
      el("p", { class: "faint" }, "The groups of an axis are a family of tests: corrected is the p-value " +
        "after Holm's correction for all groups and rows of the table. A group of fewer than " +
        `${board.draws.fewestVideos} videos gets neither interval nor p-value. ${dvtr.aboutFew(board)}`),
    ];
  };
})();
