"use strict";
// Charts of a board: its rows as filtered and chosen, the address says which chart.
(() => {
  const { el, others, number, interval, signed, pValue } = dvtr;
  const DIRECTIONS = { t2v: "T2V", v2t: "V2T", v2t_caption: "V2T single" };
  const QUERIES = { t2v: "captions", v2t: "videos", v2t_caption: "videos" };
  const KINDS = [
    ["recall", "Recall"], ["parameters", "Parameters"], ["seconds", "Seconds"],
    ["breakdown", "By group"], ["curves", "R@k"], ["ranks", "Ranks"], ["differences", "Differences"],
  ];
  const MOST_DEPTHS = 50;
  const drawn = new Map();
  const breathe = () => new Promise((resolve) => setTimeout(resolve, 15));

  const nameColumn = (title = "Model") => ({ title, header: true, class: "model",
    cell: (row) => row.runs ? el("a", { href: dvtr.link("run", row.runs[0]) }, others(row.name))
      : others(row.name) });
  const cellColumn = (title, cellOf) => ({ title, numeric: true, cell: (row) => {
    const cell = cellOf(row);
    return cell ? [number(cell[0]), el("small", {}, interval(cell[1], cell[2]))] : "";
  } });

  function recall(board, rows, state, width) {
    const parts = [1, 5, 10].map((k) => `R@${k}`).filter((name) =>
      board.rows.some((row) => row.values[`${state.direction}/strict/${name}`]));
    const cellOf = (row, part) => row.values[`${state.direction}/strict/${part}`];
    const title = `${DIRECTIONS[state.direction]} recall, percent`;
    return [dvtr.chart({
      title, about: "R@1, R@5 and R@10 of each row, each with its 95% interval by bootstrap over " +
        "videos",
      drawn: dvtr.dotsChart(rows, parts, cellOf, { width, title: "percent of queries" }),
      keys: parts.map((part, n) => [n, part]), rows,
      columns: [nameColumn(), ...parts.map((part) => cellColumn(part, (row) => cellOf(row, part)))],
    })];
  }

  function against(board, rows, state, width, { numberOf, title, xTitle, shown }) {
    const place = `${state.direction}/strict/R@1`;
    const known = rows.map((row, n) => ({ row, n, x: numberOf(row), cell: row.values[place] }))
      .filter((one) => one.x !== null && one.x !== undefined && one.cell);
    const yTitle = `${DIRECTIONS[state.direction]} R@1, percent`;
    const left = rows.filter((row) => !known.some((one) => one.row === row));
    const told = left.length ? el("p", { class: "faint" }, "Not known for: ",
      left.map((row, n) => [n ? ", " : "", others(row.name)])) : null;
    if (!known.length) return [told];
    return [dvtr.chart({
      title: `${DIRECTIONS[state.direction]} R@1 against ${title}`,
      about: `R@1 of each row with its 95% interval, against ${title}`,
      drawn: dvtr.scatterChart(known, { width, xTitle, yTitle, xText: shown }),
      keys: known.map((one) => [one.n, one.row.name]), rows: known.map((one) => one.row),
      columns: [nameColumn(), { title: xTitle, numeric: true, cell: (row) => shown(numberOf(row)) },
        cellColumn("R@1", (row) => row.values[place])],
    }), told];
  }

  const parameters = (board, rows, state, width) => against(board, rows, state, width, {
    title: "the number of parameters", xTitle: "parameters, millions",
    numberOf: (row) => row.parameters === null ? null : row.parameters / 1e6,
    shown: (value) => `${number(value, 2)} M`,
  });

  const seconds = (board, rows, state, width) => against(board, rows, state, width, {
    title: "the seconds that scoring took", xTitle: "scoring, seconds",
    numberOf: (row) => row.seconds.score, shown: (value) => `${number(value, 2)} s`,
  });

  function breakdown(board, rows, state, width) {
    const axis = board.axes[state.axis];
    if (!axis) return [el("p", {}, "These results have no groups of captions.")];
    const groups = axis.groups.map(([name, queries], n) => ({ name, queries, n }))
      .filter((group) => group.queries > 0);
    const sorted = rows.filter((row) => row.groups[state.axis]);
    const cellOf = (row, n) => row.groups[state.axis][groups[n].n];
    const columns = () => [nameColumn(), ...groups.map((group, n) =>
      cellColumn(others(group.name), (row) => cellOf(row, n)))];
    const title = `T2V R@1 by ${axis.title.toLowerCase()}, percent`;
    const names = groups.map((group) => group.name);
    const about = `${title}: ${names.join(", ")}`;
    const byName = (row, name) => cellOf(row, names.indexOf(name));
    return [
      dvtr.chart({ title: `${title}: heat map`, about, rows: sorted, columns: columns(),
        drawn: dvtr.heatChart(sorted, names, cellOf, { width }) }),
      dvtr.chart({ title: `${title}: bars`, about, rows: sorted, columns: columns(),
        keys: names.map((name, n) => [n, name]),
        drawn: dvtr.barsChart(sorted, names, byName, { width, title: "percent of queries" }) }),
    ];
  }

  // The share of queries found within each depth; of several seeds the mean.
  function shares(runs, direction, depths) {
    const ordered = runs.map((ranks) => Float64Array.from(ranks[direction]).sort());
    const within = (sorted, depth) => {
      let low = 0, high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle] <= depth) low = middle + 1;
        else high = middle;
      }
      return (100 * low) / sorted.length;
    };
    return depths.map((depth) => [depth,
      ordered.reduce((sum, sorted) => sum + within(sorted, depth), 0) / ordered.length]);
  }

  const loadRuns = (row) => dvtr.loadAll(row.runs.map((run) => `ranks-${run}`));

  async function found(board, rows, state, width, toTheEnd) {
    const runs = await Promise.all(rows.map(loadRuns));
    const candidates = state.direction === "v2t_caption" ? board.captions : board.videos;
    const last = toTheEnd ? candidates : Math.min(MOST_DEPTHS, candidates);
    const series = rows.map((row, n) => {
      const depths = Array.from({ length: Math.min(last, 200) }, (_, k) => k + 1);
      const all = new Set([...depths, last]);
      if (toTheEnd) runs[n].forEach((ranks) => ranks[state.direction].forEach((one) => all.add(one)));
      const sorted = [...all].filter((depth) => depth <= last).sort((a, b) => a - b);
      return { n, id: row.id, name: row.name, points: shares(runs[n], state.direction, sorted) };
    });
    const shown = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((k) => k <= last);
    const tables = new Map(rows.map((row, n) => [row.id, shares(runs[n], state.direction, shown)]));
    const what = toTheEnd ? "queries found up to a rank" : "R@k over k";
    return [dvtr.chart({
      title: `${DIRECTIONS[state.direction]} ${what}`,
      about: `The percentage of ${QUERIES[state.direction]} whose rank is at most k` +
        (rows.some((row) => row.runs.length > 1) ? "; of several seeds the mean" : ""),
      drawn: dvtr.linesChart(series, { width, log: toTheEnd, stepped: toTheEnd,
        xTitle: toTheEnd ? "rank" : "k", yTitle: `percent of the ${QUERIES[state.direction]}` }),
      keys: series.map((one) => [one.n, one.name]), lined: true, rows,
      columns: [nameColumn(), ...shown.map((k, n) => ({ title: `${toTheEnd ? "≤ " : "R@"}${k}`,
        numeric: true, cell: (row) => number(tables.get(row.id)[n][1]) }))],
    })];
  }

  async function differences(board, rows, state, width, say) {
    const base = board.rows.find((row) => row.id === state.against) ?? rows[0];
    const rest = rows.filter((row) => row !== base);
    if (!rest.length) return [el("p", {}, "Differences need two rows or more.")];
    const queries = await dvtr.load(`queries-${board.id}`);
    const draws = dvtr.makeDraws(board.draws, queries.own);
    // A row's figures take a while, so they are kept for the next base.
    const figuresOf = async (row) => {
      const key = `${board.id}/${row.id}`;
      if (!drawn.has(key)) drawn.set(key, dvtr.rowFigures(await loadRuns(row), draws, board.videos));
      return drawn.get(key);
    };
    const place = `${state.direction}/R@1`;
    const first = await figuresOf(base);
    const lines = [];
    for (const [n, row] of rest.entries()) {
      if (!drawn.has(`${board.id}/${row.id}`)) {
        say(`Row ${n + 1} of ${rest.length} …`);
        await breathe();
      }
      lines.push({ ...row, ...dvtr.difference(first, await figuresOf(row), place,
        board.draws.level) });
    }
    dvtr.holm(lines.map((line) => line.p)).forEach((p, n) => { lines[n].corrected = p; });
    lines.sort((a, b) => b.difference - a.difference);
    const title = `${DIRECTIONS[state.direction]} R@1, difference to ${base.name}`;
    return [dvtr.chart({
      title, about: "Each row less that one on the same queries; 95% intervals and p-values by a " +
        "paired bootstrap over videos, p-values corrected by Holm. A filled mark: the interval " +
        "leaves zero out",
      drawn: dvtr.forestChart(lines, { width, title: "difference, percent of queries" }),
      rows: lines,
      columns: [nameColumn(),
        { title: "Difference", numeric: true, cell: (row) => [signed(row.difference),
          el("small", {}, `${signed(row.low)} to ${signed(row.high)}`)] },
        { title: "p", numeric: true, cell: (row) => pValue(row.corrected) }],
    })];
  }

  const DRAW = { recall, parameters, seconds, breakdown, differences,
    curves: (board, rows, state, width) => found(board, rows, state, width, false),
    ranks: (board, rows, state, width) => found(board, rows, state, width, true) };

  function readState(settings, board) {
    const kind = settings.get("kind"), direction = settings.get("direction");
    const state = {
      kind: Object.hasOwn(DRAW, kind ?? "") ? kind : "recall",
      direction: Object.hasOwn(DIRECTIONS, direction ?? "") ? direction : "t2v",
      axis: board.axes[settings.get("axis")] ? settings.get("axis") : Object.keys(board.axes)[0],
      against: settings.get("against") || "", search: settings.get("search") || "",
      pick: (settings.get("pick") || "").split(",").filter(Boolean),
    };
    dvtr.rowFilters.FILTERS.forEach(([id]) => { state[id] = settings.get(id) || ""; });
    return state;
  }

  // The rows that are shown: those that pass the filters and, if some are chosen, are among them.
  const shownRows = (board, state) => board.rows.filter((row) =>
    dvtr.rowFilters.matches(row, state) && (!state.pick.length || state.pick.includes(row.id)));

  function controls(board, state, update) {
    const choices = KINDS.map(([id, title]) => el("a", { "data-kind": id,
      href: dvtr.link("charts", board.id, { ...settingsOf(state), kind: id }),
      "aria-current": id === state.kind ? "page" : null }, title));
    const filters = dvtr.rowFilters.FILTERS.map(([id, title, value]) => {
      const all = [...new Set(board.rows.map(value))].sort();
      return all.length < 2 ? null : dvtr.select(title, [["", "all"], ...all.map((one) =>
        [one, one])], state[id], (chosen) => update({ [id]: chosen }), `filter-${id}`);
    });
    const direction = state.kind === "breakdown" ? null : dvtr.select("Direction",
      Object.entries(DIRECTIONS), state.direction, (chosen) => update({ direction: chosen }),
      "direction");
    const axis = state.kind !== "breakdown" || !state.axis ? null : dvtr.select("Axis",
      Object.entries(board.axes).map(([id, one]) => [id, one.title]), state.axis,
      (chosen) => update({ axis: chosen }), "axis");
    const base = state.kind !== "differences" ? null : dvtr.select("Compared with",
      [["", "the first row"], ...board.rows.map((row) => [row.id, row.name])], state.against,
      (chosen) => update({ against: chosen }), "against");
    const picks = el("details", { class: "columns" }, el("summary", {}, "Rows"),
      el("div", { class: "checks" }, board.rows.map((row) => el("label", {}, el("input", {
        type: "checkbox", "data-row": row.id,
        checked: !state.pick.length || state.pick.includes(row.id),
        onchange: () => {
          const chosen = [...picks.querySelectorAll("input:checked")].map((one) => one.dataset.row);
          update({ pick: chosen.length === board.rows.length ? [] : chosen });
        } }), others(row.name)))));
    return [
      el("nav", { class: "kinds", "aria-label": "Charts" }, choices),
      el("form", { class: "controls", "aria-label": "What is drawn",
        onsubmit: (event) => event.preventDefault() }, direction, axis, base, filters, picks),
    ];
  }

  const settingsOf = (state) => ({ ...state, pick: state.pick.join(",") });

  // As wide as the page allows, so that texts keep their size on a phone.
  const chartWidth = () => {
    const main = document.getElementById("main");
    return Math.round(Math.max(300, Math.min(main.clientWidth - 64, 880)));
  };

  dvtr.showCharts = async (id, settings) => {
    const board = await dvtr.load(`board-${id}`);
    const state = readState(settings, board);
    const top = el("div"), area = el("div", { id: "charts", "aria-live": "polite" });
    let turn = 0, width = 0;

    async function draw() {
      const now = ++turn;
      width = chartWidth();
      const rows = shownRows(board, state);
      const say = (told) => { if (now === turn) area.replaceChildren(el("p", {}, told)); };
      const content = rows.length ? await DRAW[state.kind](board, rows, state, width, say)
        : [el("p", {}, "No row passes the filters.")];
      // Another chart may have been asked for meanwhile.
      if (now === turn) {
        area.replaceChildren(...content.filter(Boolean));
        area.dataset.drawn = `${state.kind} ${rows.length}`;
      }
    }

    function update(changes) {
      Object.assign(state, changes);
      const kept = settingsOf(state);
      dvtr.remember(Object.fromEntries(Object.keys(changes).map((name) => [name, kept[name]])));
      const focused = document.activeElement?.id;
      const open = top.querySelector("details")?.open;
      top.replaceChildren(...controls(board, state, update));
      if (open) top.querySelector("details").open = true;
      if (focused) document.getElementById(focused)?.focus();
      return draw();
    }

    top.replaceChildren(...controls(board, state, update));
    await draw();
    const resized = new ResizeObserver(() => {
      if (!area.isConnected && area.dataset.seen) resized.disconnect();
      else if (area.isConnected && Math.abs(chartWidth() - width) > 8) draw();
      if (area.isConnected) area.dataset.seen = "yes";
    });
    resized.observe(document.getElementById("main"));
    return [
      el("h1", {}, "Charts"),
      el("p", {}, el("a", { href: dvtr.link("board", id, { ...settingsOf(state), kind: "",
        direction: "", against: "" }) }, others(board.title))),
      top, area,
    ];
  };

  // R@k over k of one run in every direction, for its page.
  dvtr.recallCurves = async (board, id) => {
    const ranks = await dvtr.load(`ranks-${id}`);
    const last = Math.min(MOST_DEPTHS, board.videos);
    const depths = Array.from({ length: last }, (_, k) => k + 1);
    const rows = Object.entries(DIRECTIONS).filter(([direction]) => ranks[direction])
      .map(([direction, name], n) => ({ n, id: direction, name,
        points: shares([ranks], direction, depths) }));
    const shown = [1, 2, 5, 10, 20, 50].filter((k) => k <= last);
    return [dvtr.chart({
      title: "R@k over k", about: "The percentage of queries whose rank is at most k",
      drawn: dvtr.linesChart(rows, { width: chartWidth(), xTitle: "k",
        yTitle: "percent of the queries" }),
      keys: rows.map((row) => [row.n, row.name]), lined: true, rows,
      columns: [nameColumn("Direction"), ...shown.map((k) => ({ title: `R@${k}`, numeric: true,
        cell: (row) => number(row.points[k - 1][1]) }))],
    })];
  };

  // The curves of a run's training, for its page.
  dvtr.trainingCharts = (curves, where) => {
    if (!curves) return [el("p", { class: "faint" }, where)];
    const width = chartWidth();
    return [["validation", "T2V R@1 on validation", "epoch", "T2V R@1 on validation, percent"],
      ["loss", "Loss", "step", "loss"]].filter(([name]) => curves[name].length)
      .map(([name, title, xTitle, yTitle]) => {
        const each = Math.ceil(curves[name].length / 40);
        return dvtr.chart({
          title, about: `${title} by ${xTitle}`,
          drawn: dvtr.linesChart([{ n: 0, id: name, name: title, points: curves[name] }],
            { width, xTitle, yTitle }),
          rows: curves[name].filter((_, n) => (n + 1) % each === 0)
            .map(([x, y]) => ({ name: dvtr.tickText(x), y })),
          columns: [{ ...nameColumn(xTitle), class: null },
            { title: yTitle, numeric: true, cell: (row) => number(row.y, name === "loss" ? 3 : 1) }],
        });
      });
  };
})();
