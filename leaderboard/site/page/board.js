"use strict";
// A board: the table with its controls, figures by group, what papers report, downloads.
(() => {
  const { el, others, number, whole, interval } = dvtr;
  const DIRECTIONS = {
    t2v: ["T2V", "text to video"],
    v2t: ["V2T", "video to text, caption sets"],
    v2t_caption: ["V2T single", "video to text, single captions"],
  };
  const SHOWN = [
    "place", "t2v/R@1", "t2v/R@5", "t2v/R@10", "v2t/R@1", "v2t_caption/R@1", "both/mR",
    "backbone", "trained", "parameters", "seconds", "ranBy", "rerun",
  ];
  const RANKED = "t2v/R@1";

  const trainedOn = (row) => row.training ? row.training.dataset
    : row.kind === "model" ? "not trained here" : "not known";
  const trainedHow = ({ training }) => training ? [
    training.epochs ? `${training.epochs} ${training.epochs === 1 ? "epoch" : "epochs"}` : null,
    training.freeze && training.freeze !== "nothing" ? `${training.freeze} frozen` : null,
  ].filter(Boolean).join(", ") : "";
  const scoringSeconds = (row) => row.seconds.score;
  const tied = (row, place) => {
    const range = row.ranks[place];
    return Boolean(range) && (range[2] === null || range[2] > 0.05);
  };

  dvtr.marks = (row) => [
    row.contaminated ? el("span", { class: "mark warn", title: row.contaminated },
      "may have seen test clips") : null,
    row.honest === false ? el("span", { class: "mark warn",
      title: "Scores moved when the same pairs were scored again" }, "check failed") : null,
    row.kind === "model" ? null : el("span", { class: "mark",
      title: "Scores from outside: figures are recomputed from them, all else is as claimed" },
      "brought"),
  ];

  dvtr.groupSizes = (board, queries, videos, words = ["caption", "captions"]) => {
    const few = queries > 0 && Math.min(queries, videos) < board.draws.few;
    const count = (number, [one, many]) => `${whole(number)} ${number === 1 ? one : many}`;
    return `${count(queries, words)}, ${count(videos, ["video", "videos"])}${few ? ", few" : ""}`;
  };

  dvtr.aboutFew = (board) => `A group marked "few" has fewer than ${board.draws.few} captions or ` +
    "videos: its figures say little.";

  dvtr.rowTitle = (row) => [others(row.label),
    row.variant ? [", ", others(row.variant)] : null];

  function figureColumn(board, direction, name, relevance) {
    const [short, long] = direction === "both" ? ["", "both directions"] : DIRECTIONS[direction];
    const cellOf = (row) => row.values[`${direction}/${relevance}/${name}`];
    return {
      id: `${direction}/${name}`, numeric: true, figure: true,
      lower: board.lowerIsBetter.includes(name),
      title: `${short} ${name}`.trim(), hint: `Sort by ${name}, ${long}`,
      value: (row) => (cellOf(row) ? cellOf(row)[0] : null),
      cell: (row) => {
        const cell = cellOf(row);
        if (!cell) return "";
        const deviation = cell[3] === null ? "" : ` ± ${number(cell[3])}`;
        return [`${number(cell[0])}${deviation}`, el("small", {}, interval(cell[1], cell[2]))];
      },
      plain: (row) => (cellOf(row) ? cellOf(row)[0] : ""),
    };
  }

  function columnsOf(board, state, pick) {
    const relevance = state.relevance;
    const ranked = () => (board.rows.some((row) => row.ranks[state.sort]) ? state.sort : RANKED);
    const figures = Object.keys(DIRECTIONS).flatMap((direction) =>
      board.figures.map((name) => figureColumn(board, direction, name, relevance)));
    const joined = ["mR", "RSum"].map((name) => figureColumn(board, "both", name, relevance));
    const text = (id, title, value, cell) => ({
      id, title, value, cell: cell || ((row) => others(value(row) ?? "")), plain: value,
    });
    const count = (id, title, value, show) => ({
      id, title, numeric: true, lower: true, value, cell: (row) => show(value(row)), plain: value,
    });
    return [
      { id: "pick", title: el("span", { class: "unseen" }, "Choose for a comparison"), class: "pick",
        cell: (row) => el("input", { type: "checkbox", checked: pick.has(row.id),
          "aria-label": `Compare ${row.name}`,
          onchange: (event) => pick.set(row.id, event.target.checked) }), fixed: true },
      { id: "model", title: "Model", header: true, fixed: true, class: "model",
        value: (row) => row.name, plain: (row) => row.name,
        cell: (row) => [
          el("a", { href: dvtr.link("run", row.runs[0]) }, others(row.label)),
          row.variant ? el("small", {}, others(row.variant)) : null,
          row.runs.length > 1 ? el("small", {}, `${row.runs.length} seeds`) : null,
          dvtr.marks(row)] },
      { id: "place", title: "Place", numeric: true, lower: true,
        hint: "Range of places by paired tests; = means a tie with the best row",
        value: (row) => (row.ranks[ranked()] ? row.ranks[ranked()][0] * 1000 + row.ranks[ranked()][1]
          : null),
        plain: (row) => (row.ranks[ranked()] ? row.ranks[ranked()].slice(0, 2).join("-") : ""),
        cell: (row) => {
          const range = row.ranks[ranked()];
          if (!range) return "";
          const told = range[0] === range[1] ? `${range[0]}` : `${range[0]}–${range[1]}`;
          return tied(row, ranked())
            ? [el("span", { class: "tie", title: "Not separable from the best row" }, "= "), told]
            : told;
        } },
      ...figures, ...joined,
      text("backbone", "Backbone", (row) => row.backbone, (row) => [others(row.backbone ?? "none"),
        row.backboneHash ? el("small", { title: row.backboneHash }, row.backboneHash.slice(0, 8))
          : null]),
      text("trained", "Trained on", trainedOn, (row) => [others(trainedOn(row)),
        trainedHow(row) ? el("small", {}, others(trainedHow(row))) : null]),
      text("frames", "Frames", (row) => row.sampling),
      count("parameters", "Parameters", (row) => row.parameters, dvtr.short),
      count("seconds", "Scoring s", scoringSeconds, (value) => number(value, 2)),
      count("videoSeconds", "Encoding s", (row) => row.seconds.videos, (value) => number(value, 2)),
      text("seeds", "Seeds", (row) => row.seeds.join(", ")),
      count("block", "Text block", (row) => row.textBlock, whole),
      text("ranBy", "Ran by", (row) => row.ranBy.map((one) => one.name).join(", "), (row) => [
        row.ranBy.length ? row.ranBy.map((one, n) => [n ? ", " : "", one.link
          ? el("a", { href: one.link, rel: "nofollow noopener" }, others(one.name))
          : others(one.name)]) : el("span", { class: "faint" }, "not stated"),
        el("small", {}, "ranks attached")]),
      text("rerun", "Rerun", (row) => row.reruns.length, (row) => (row.reruns.length
        ? [el("span", { title: row.reruns.map((one) => `${one.by}, ${one.date}: T2V R@1 ` +
            number(one.r1)).join("; ") }, `✓ ${row.reruns.length} of ${row.runs.length}`),
          el("small", {}, "by a maintainer")] : "")),
      text("by", "Scored by", (row) => (row.kind === "model" ? "the harness" : "whoever brought it"),
        (row) => [row.kind === "model" ? `dvtr-bench ${row.version ?? ""}` : "brought",
          el("small", {}, "ranks attached")]),
      text("device", "Device", (row) => row.device),
      text("date", "Date", (row) => row.date.slice(0, 10)),
    ];
  }

  const FILTERS = [
    ["family", "Model family", (row) => row.family],
    ["backbone", "Backbone", (row) => row.backbone ?? "none"],
    ["trained", "Training", (row) => (row.training ? "trained here" : "not trained here")],
    ["by", "Scored by", (row) => (row.kind === "model" ? "the harness" : "brought")],
    ["rerun", "Rerun", (row) => (row.reruns.length ? "by a maintainer" : "not yet")],
  ];

  function matches(row, state) {
    const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
    const told = [row.name, row.backbone, row.training && row.training.dataset, row.device]
      .join(" ").toLowerCase();
    return words.every((word) => told.includes(word)) &&
      FILTERS.every(([id, , value]) => !state[id] || value(row) === state[id]);
  }

  dvtr.rowFilters = { FILTERS, matches };

  function controls(board, state, columns, update) {
    const search = el("input", { type: "search", value: state.search, id: "search",
      oninput: () => update({ search: search.value }) });
    const filters = FILTERS.map(([id, title, value]) => {
      const found = [...new Set(board.rows.map(value))].sort();
      return found.length < 2 ? null : dvtr.select(title, [["", "all"], ...found.map((one) =>
        [one, one])], state[id], (chosen) => update({ [id]: chosen }), `filter-${id}`);
    });
    if (board.published.length) {
      filters.push(dvtr.select("Figures", [["", "measured and published"], ["measured", "measured"],
        ["published", "published"]], state.figures, (chosen) => update({ figures: chosen }),
        "filter-figures"));
    }
    const chooser = el("details", { class: "columns" }, el("summary", {}, "Columns"),
      el("div", { class: "checks" }, columns.filter((column) => !column.fixed).map((column) =>
        el("label", {}, el("input", {
          type: "checkbox", checked: state.columns.includes(column.id), "data-column": column.id,
          onchange: (event) => update({ columns: columns.map((one) => one.id).filter((id) =>
            id === column.id ? event.target.checked : state.columns.includes(id)) }),
        }), column.title))));
    const relevance = dvtr.select("Relevance", [
      ["strict", "a caption's own video"], ["text_identical", "any video with that text"],
    ], state.relevance, (chosen) => update({ relevance: chosen }), "relevance");
    return el("form", { class: "controls", "aria-label": "Rows and columns",
      onsubmit: (event) => event.preventDefault() },
      el("label", {}, el("span", {}, "Search"), search), filters, relevance, chooser);
  }

  function readState(settings, board) {
    const state = {
      sort: settings.get("sort") || RANKED,
      search: settings.get("search") || "",
      figures: settings.get("figures") || "",
      relevance: settings.get("relevance") === "text_identical" ? "text_identical" : "strict",
      columns: settings.has("columns") ? settings.get("columns").split(",") : SHOWN,
      axis: board.axes[settings.get("axis")] ? settings.get("axis") : Object.keys(board.axes)[0],
      group: settings.get("group"),
      judged: settings.get("judged"),
      groupFigure: settings.get("groupFigure"),
      order: settings.get("order"),
    };
    FILTERS.forEach(([id]) => { state[id] = settings.get(id) || ""; });
    return state;
  }

  function frameRows(board) {
    const values = {};
    for (const [direction, figures] of Object.entries(board.chance)) {
      for (const [name, value] of Object.entries(figures)) values[`${direction}/${name}`] =
        number(value);
    }
    return [{ title: "chance", values },
      { title: "caption ceiling", values: { "t2v/R@1": number(board.ceiling) } }];
  }

  function groupTable(board, rows, state, update) {
    const axis = board.axes[state.axis];
    if (!axis) return null;
    const figure = board.groupFigures.includes(state.groupFigure) ? state.groupFigure
      : board.groupFigures[0];
    const groupsOf = (row) => (row.furtherGroups[figure] ?? row.groups)[state.axis];
    const box = el("section", { id: "groups" }, el("h2", {}, `T2V ${figure} by group of captions`));
    const columns = [
      { id: "model", title: "Model", header: true, class: "model", value: (row) => row.name,
        cell: (row) => el("a", { href: dvtr.link("run", row.runs[0]) }, dvtr.rowTitle(row)) },
      ...axis.groups.map(([name, queries, videos], group) => {
        const cellOf = (row) => (groupsOf(row) ? groupsOf(row)[group] : null);
        return {
          id: String(group), numeric: true, lower: board.lowerIsBetter.includes(figure),
          title: [others(name), el("small", {}, dvtr.groupSizes(board, queries, videos))],
          hint: `Sort by ${name}`,
          value: (row) => (cellOf(row) ? cellOf(row)[0] : null),
          cell: (row) => {
            const cell = cellOf(row);
            if (!cell) return "";
            const deviation = cell[3] === null ? "" : ` ± ${number(cell[3])}`;
            return [`${number(cell[0])}${deviation}`, el("small", {}, interval(cell[1], cell[2]))];
          },
        };
      }).filter((_, group) => axis.groups[group][1] > 0),
    ];
    const chosen = columns.find((column) => column.id === state.group);
    const descending = state.group !== "model" && !chosen?.lower;
    box.append(
      dvtr.select("Axis", Object.entries(board.axes).map(([id, one]) => [id, one.title]), state.axis,
        (axisChosen) => update({ axis: axisChosen, group: "" }), "axis"),
      board.groupFigures.length > 1 ? dvtr.select("Figure",
        board.groupFigures.map((name) => [name, name]), figure,
        (name) => update({ groupFigure: name }), "group-figure") : "",
      dvtr.wide(`T2V ${figure} by group`, dvtr.table({
        caption: `${axis.title}: each group's captions search the whole gallery`,
        columns, rows: dvtr.sortRows(rows, chosen, descending),
        sort: state.group, descending, onsort: (id) => update({ group: id }),
      })),
      el("p", { class: "faint" }, `A group of fewer than ${board.draws.fewestVideos} videos has no ` +
        "interval; nor has the mean of several seeds, where ± is their standard deviation. " +
        dvtr.aboutFew(board)));
    return box;
  }

  function published(board) {
    if (!board.published.length) return null;
    const reported = ["t2v", "v2t"].flatMap((direction) => ["R@1", "R@5", "R@10", "MdR", "MnR"]
      .map((name) => [`${direction}/${name}`, `${direction.toUpperCase()} ${name}`]))
      .filter(([id]) => board.published.some((row) => id in row.figures));
    const columns = [
      { title: "Model", header: true, cell: (row) => [others(row.model),
        row.about ? el("small", {}, others(row.about)) : null] },
      ...reported.map(([id, title]) => ({ title, numeric: true,
        cell: (row) => (id in row.figures ? number(row.figures[id]) : "") })),
      { title: "Source", cell: (row) => others(row.source) },
    ];
    return el("section", { id: "published" }, el("h2", {}, "As published, not measured here"),
      el("p", {}, "Papers report these figures for this dataset. They were not made under this " +
        "protocol, so they have no interval, no place in the table above, and no run to look at."),
      dvtr.wide("Published figures", dvtr.table({ caption: "Published figures", columns,
        rows: board.published })));
  }

  function csvOf(rows, columns) {
    const quote = (value) => {
      let told = dvtr.text(value ?? "");
      if (typeof value !== "number" && /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(told)) told = `'${told}`;
      return /[",\n]/.test(told) ? `"${told.replaceAll("\"", "\"\"")}"` : told;
    };
    const kept = columns.filter((column) => column.plain);
    const titles = kept.map((column) => column.title);
    return [titles, ...rows.map((row) => kept.map((column) => column.plain(row)))]
      .map((line) => line.map(quote).join(",")).join("\n") + "\n";
  }

  function downloads(board, seen) {
    return el("section", { id: "downloads" }, el("h2", {}, "Downloads"), el("ul", {},
      el("li", {}, el("button", { type: "button", id: "save-seen", onclick: () =>
        dvtr.save(`${board.id}-view.csv`, "text/csv", csvOf(...seen())) }, "CSV of the table as shown")),
      [["csv", "CSV: one figure per line"], ["json", "JSON: everything in the table"],
        ["tex", "TeX: a tabular for a paper (booktabs)"]].map(([kind, told]) =>
        el("li", {}, el("a", { href: dvtr.place(`data/${board.id}.${kind}`),
          download: `${board.id}.${kind}` }, told)))),
      el("p", { class: "faint" }, "The BibTeX entry of a row is on the page of each of its runs."));
  }

  dvtr.showBoard = async (id, settings) => {
    const board = await dvtr.load(`board-${id}`);
    const state = readState(settings, board);
    const chosen = new Set((settings.get("pick") || "").split(",").filter(Boolean));
    const area = el("div"), groups = el("div"), judged = el("div");
    const compare = el("p", { class: "act" });
    const charts = el("a", { class: "button", id: "to-charts" }, "Charts");
    const reported = published(board);
    let seen = [[], []];

    const pick = {
      has: (row) => chosen.has(row),
      set: (row, on) => {
        if (on) chosen.add(row);
        else chosen.delete(row);
        dvtr.remember({ pick: [...chosen].join(",") });
        showCompare();
        linkCharts();
      },
    };

    function showCompare() {
      const rows = board.rows.filter((row) => chosen.has(row.id));
      compare.replaceChildren(rows.length < 2
        ? el("span", { class: "faint" }, "Choose two rows or more to compare them.")
        : el("a", { class: "button", id: "compare", href: dvtr.link("compare", id, {
          rows: rows.map((row) => row.id).join(",") }) }, `Compare ${rows.length} rows`));
    }

    // Charts show the rows that are seen here: the same filters, and those that are chosen.
    function linkCharts() {
      const kept = Object.fromEntries(FILTERS.map(([name]) => [name, state[name]]));
      charts.setAttribute("href", dvtr.link("charts", id,
        { ...kept, search: state.search, axis: state.axis, pick: [...chosen].join(",") }));
    }

    function update(changes) {
      Object.assign(state, changes);
      const kept = {};
      for (const [name, value] of Object.entries(changes)) {
        kept[name] = Array.isArray(value) ? value.join(",") : value;
      }
      dvtr.remember(kept);
      draw();
    }

    function draw() {
      linkCharts();
      const columns = columnsOf(board, state, pick);
      const shown = columns.filter((column) => column.fixed || state.columns.includes(column.id));
      const column = columns.find((one) => one.id === state.sort);
      const descending = column
        ? state.order ? state.order === "down" : dvtr.firstDescending(column) : true;
      const kept = board.rows.filter((row) => matches(row, state));
      const rows = dvtr.sortRows(kept, column, descending);
      seen = [rows, shown];
      const focused = document.activeElement?.dataset?.column;
      area.replaceChildren(dvtr.wide("Results", dvtr.table({
        caption: `${rows.length} of ${board.rows.length} rows, sorted by ` +
          `${column && typeof column.title === "string" ? column.title : "T2V R@1"}`,
        columns: shown, rows, frame: state.relevance === "strict" ? frameRows(board) : [],
        sort: state.sort, descending,
        onsort: (by, down) => update({ sort: by, order: down ? "down" : "up" }),
        rowClass: (row) => (tied(row, row.ranks[state.sort] ? state.sort : RANKED) ? "tied" : null),
      })));
      if (focused) area.querySelector(`th button[data-column="${CSS.escape(focused)}"]`)?.focus();
      groups.replaceChildren(groupTable(board, rows, state, update) ?? "");
      judged.replaceChildren(...dvtr.judgedTables(board, rows, state, update));
      area.hidden = groups.hidden = judged.hidden = state.figures === "published";
      if (reported) reported.hidden = state.figures === "measured";
    }

    const columns = columnsOf(board, state, pick);
    draw();
    showCompare();
    return [
      el("h1", {}, others(board.title)),
      el("p", { class: "faint" }, `Fingerprint ${board.fingerprint.slice(0, 16)}, recall protocol ` +
        `${board.protocol}. ${whole(board.sharedCaptions)} captions have a text that another video ` +
        "has too."),
      board.about ? el("p", { class: "not" }, others(board.about)) : null,
      el("p", {}, el("a", { class: "button", id: "browse", href: dvtr.link("queries", id) },
        "Look at single queries"), " ", charts),
      controls(board, state, columns, update),
      area, compare,
      el("details", {}, el("summary", {}, "How to read this"), el("ul", {},
        el("li", {}, "Figures are percent of queries (R@k) or ranks (MdR, MnR); ranks are pessimistic " +
          "on ties. Below each stands its 95% interval by bootstrap over videos; ± is the standard " +
          "deviation over seeds."),
        el("li", {}, "Place: the places that the row may have by the figure of the sorted column (T2V " +
          "R@1 if that has none), from its paired comparisons with all other rows: " +
          `p-values corrected by Holm, at ${board.ranking.alpha * 100}%, ` +
          `${whole(board.ranking.resamples)} resamples, under strict relevance. Rows with = are not ` +
          "separable from the best."),
        el("li", {}, "Chance is what a random order reaches. The caption ceiling is the highest T2V " +
          "R@1 that captions shared word for word by several videos leave to a model that sees the " +
          "text alone."),
        board.notes.map((note) => el("li", {}, others(note))))),
      groups, judged, reported, downloads(board, () => seen),
    ];
  };
})();
