"use strict";
// Single queries: what each run put first, the right clip marked; and the page of one clip.
(() => {
  const { el, others, whole } = dvtr;
  const AT_ONCE = 10, WORST = 6;
  const SORTS = [
    ["file", "file order"], ["disagreement", "disagreement"], ["worst", "worst rank first"],
    ["best", "best rank first"], ["long", "longest caption"], ["shared", "most shared text"],
  ];

  const videoName = (queries, row) => queries.videos[row] ?? `clip ${row}`;

  function tile(board, queries, row, { label, right, wide }) {
    const name = videoName(queries, row);
    const shown = queries.frames && row < queries.numVideos &&
      (queries.pictured === null || queries.pictured.includes(row))
      ? el("img", { src: dvtr.place(`${queries.frames}/${row}${wide ? "-strip" : ""}.jpg`), loading: "lazy",
        alt: wide ? `Four frames of ${name}` : `Middle frame of ${name}`,
        width: wide ? 640 : 160, height: 120 })
      : el("span", { class: "noframe" }, others(name));
    const inner = [shown, el("figcaption", {}, label, " ", right ? el("b", {}, "✓ right ") : null,
      others(name))];
    const box = el("figure", { class: right ? "tile right" : "tile" });
    if (wide || row >= queries.numVideos) box.append(...inner);
    else box.append(el("a", { href: dvtr.link("clip", board.id, { clip: row }) }, inner));
    return box;
  }

  // The first five clips of a run, and the right one as a sixth if it is not among them.
  function strip(board, queries, run, query) {
    const own = queries.own[query];
    const rank = run.ranks.t2v[query];
    const found = run.top ? run.top[query] : [];
    const tiles = found.map((row, n) => tile(board, queries, row, {
      label: `${n + 1}.`, right: row === own }));
    if (!found.includes(own)) {
      tiles.push(tile(board, queries, own, { label: `${whole(rank)}.`, right: true }));
    }
    return el("div", { class: "found", "data-rank": rank },
      el("p", {}, dvtr.rowTitle(run.row), `: rank ${whole(rank)} of ${whole(queries.numVideos)}`,
        run.top ? null : el("span", { class: "faint" }, " (its other clips were not kept)")),
      el("div", { class: "tiles", tabindex: "0", role: "group",
        "aria-label": `Clips that ${run.row.name} put first` }, tiles));
  }

  const captionOf = (queries, query) => queries.captions ? queries.captions[query]
    : queries.captionIds ? queries.captionIds[query] : `caption ${query}`;

  function facts(queries, query) {
    const own = queries.own[query];
    const told = [];
    if (queries.categories && queries.categories[own] !== null) told.push(queries.categories[own]);
    if (queries.words) told.push(`${queries.words[query]} words`);
    if (queries.sharing && queries.sharing[query] > 1) {
      told.push(`text of ${queries.sharing[query]} videos`);
    }
    return el("small", { class: "facts" }, others(told.join(" · ")));
  }

  function article(board, queries, runs, query, heading = "h2") {
    return el("article", { class: "query", "data-query": query },
      el(heading, {}, others(captionOf(queries, query))), facts(queries, query),
      runs.map((run) => strip(board, queries, run, query)));
  }

  async function loadRuns(board, queries, rows) {
    return Promise.all(rows.map(async (row) => {
      // With several seeds: the first seed whose clips are known.
      const id = row.runs.find((run) => queries.top.includes(run)) ?? row.runs[0];
      const [ranks, top] = await Promise.all([dvtr.load(`ranks-${id}`),
        queries.top.includes(id) ? dvtr.load(`top-${id}`) : null]);
      return { row, id, ranks, top };
    }));
  }

  function chooseRows(board, settings) {
    const wanted = (settings.get("rows") || "").split(",").filter(Boolean);
    const found = wanted.map((id) => board.rows.find((row) => row.id === id)).filter(Boolean);
    return found.length ? found : board.rows.slice(0, 2);
  }

  function order(queries, runs, state) {
    const ranks = (query) => runs.map((run) => run.ranks.t2v[query]);
    const codeOf = (axis, query) => axis.codes[axis.unit === "caption" ? query : queries.own[query]];
    const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
    const axis = queries.axes[state.axis];
    const kept = queries.own.map((_, query) => query).filter((query) => {
      if (axis && state.group !== "" && codeOf(axis, query) !== Number(state.group)) return false;
      const told = captionOf(queries, query).toLowerCase();
      return words.every((word) => told.includes(word));
    });
    const keys = {
      file: (query) => query,
      disagreement: (query) => -Math.max(...ranks(query)) / Math.min(...ranks(query)),
      worst: (query) => -Math.max(...ranks(query)),
      best: (query) => Math.min(...ranks(query)),
      long: (query) => -(queries.words ? queries.words[query] : 0),
      shared: (query) => -(queries.sharing ? queries.sharing[query] : 0),
    };
    const key = keys[state.sort] ?? keys.file;
    return kept.map((query) => [key(query), query]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      .map((one) => one[1]);
  }

  function missing(queries) {
    return queries.missing.map((told) => el("p", { class: "not" }, others(told)));
  }

  // The worst queries of one run, for its page.
  dvtr.worstQueries = async (board, row, id) => {
    const queries = await dvtr.load(`queries-${board.id}`);
    const [ranks, top] = await Promise.all([dvtr.load(`ranks-${id}`),
      queries.top.includes(id) ? dvtr.load(`top-${id}`) : null]);
    const runs = [{ row, id, ranks, top }];
    const found = order(queries, runs, { sort: "worst", search: "", axis: "", group: "" });
    return [missing(queries), found.slice(0, WORST).map((query) => article(board, queries, runs,
      query, "h3"))];
  };

  dvtr.showQueries = async (id, settings) => {
    const [board, queries] = await dvtr.loadAll([`board-${id}`, `queries-${id}`]);
    const state = {
      sort: settings.get("sort") || "file", search: settings.get("search") || "",
      axis: settings.get("axis") || "", group: settings.get("group") || "",
      page: Math.max(1, Number(settings.get("page")) || 1),
    };
    let runs = await loadRuns(board, queries, chooseRows(board, settings));
    const list = el("div", { id: "queries" }), groups = el("span"), pages = el("p", { class: "act" });

    function update(changes) {
      Object.assign(state, "page" in changes ? {} : { page: 1 }, changes);
      dvtr.remember({ ...changes, page: state.page > 1 ? state.page : "" });
      draw();
      if ("page" in changes) list.scrollIntoView();
    }

    function draw() {
      const axis = queries.axes[state.axis];
      groups.replaceChildren(axis ? dvtr.select("Group", [["", "all"],
        ...axis.groups.map((name, code) => [String(code), name])], state.group,
      (group) => update({ group }), "group") : "");
      const found = order(queries, runs, state);
      const last = Math.max(1, Math.ceil(found.length / AT_ONCE));
      state.page = Math.min(state.page, last);
      const start = (state.page - 1) * AT_ONCE;
      list.replaceChildren(...found.slice(start, start + AT_ONCE).map((query) =>
        article(board, queries, runs, query)));
      const step = (to, told) => el("button", { type: "button", disabled: to < 1 || to > last,
        onclick: () => update({ page: to }) }, told);
      pages.replaceChildren(step(state.page - 1, "Back"),
        ` ${whole(found.length)} captions, page ${state.page} of ${last} `,
        step(state.page + 1, "Next"));
    }

    async function choose(row, on) {
      const rows = board.rows.filter((one) => one === row ? on : runs.some((run) => run.row === one));
      if (!rows.length) return draw();
      runs = await loadRuns(board, queries, rows);
      dvtr.remember({ rows: rows.map((one) => one.id).join(",") });
      draw();
    }

    const search = el("input", { type: "search", id: "search", value: state.search,
      oninput: () => update({ search: search.value }) });
    draw();
    return [
      el("h1", {}, "Single queries"),
      el("p", {}, el("a", { href: dvtr.link("board", id) }, others(board.title))),
      missing(queries),
      el("form", { class: "controls", "aria-label": "Which queries",
        onsubmit: (event) => event.preventDefault() },
      el("label", {}, el("span", {}, "Search captions"), search),
      dvtr.select("Sort", SORTS, state.sort, (sort) => update({ sort }), "sort"),
      dvtr.select("Axis", [["", "none"], ...Object.entries(queries.axes).map(([key, axis]) =>
        [key, axis.title])], state.axis, (axis) => update({ axis, group: "" }), "axis"), groups,
      el("details", {}, el("summary", {}, "Models"), el("div", { class: "checks" },
        board.rows.map((row) => el("label", {}, el("input", { type: "checkbox",
          checked: runs.some((run) => run.row === row), "data-row": row.id,
          onchange: (event) => choose(row, event.target.checked) }), dvtr.rowTitle(row)))))),
      list, pages,
    ];
  };

  // Clips ranked above this one for its captions, and clips for whose captions it is ranked above.
  function confusions(queries, runs, clip) {
    const before = new Map(), instead = new Map();
    const count = (where, row) => where.set(row, (where.get(row) || 0) + 1);
    for (const run of runs.filter((one) => one.top)) {
      run.top.forEach((rows, query) => {
        const own = queries.own[query];
        const at = rows.indexOf(own);
        const above = at < 0 ? rows : rows.slice(0, at);
        if (own === clip) above.forEach((row) => count(before, row));
        else if (above.includes(clip)) count(instead, own);
      });
    }
    const most = (where) => [...where].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 10);
    return { before: most(before), instead: most(instead) };
  }

  dvtr.showClip = async (id, settings) => {
    const [board, queries] = await dvtr.loadAll([`board-${id}`, `queries-${id}`]);
    const clip = Number(settings.get("clip"));
    if (!Number.isInteger(clip) || clip < 0 || clip >= queries.numVideos) {
      throw new Error(`this board has clips 0 to ${queries.numVideos - 1}`);
    }
    const rows = settings.get("rows") ? chooseRows(board, settings) : board.rows;
    const runs = await loadRuns(board, queries, rows);
    const own = queries.own.map((video, query) => [video, query])
      .filter(([video]) => video === clip).map(([, query]) => query);
    const { before, instead } = confusions(queries, runs, clip);
    const columns = [
      { title: "Caption", header: true, class: "caption", cell: (query) => [
        others(captionOf(queries, query)), facts(queries, query)] },
      ...runs.map((run) => ({ title: dvtr.rowTitle(run.row), numeric: true,
        cell: (query) => whole(run.ranks.t2v[query]) })),
    ];
    const gallery = (title, found) => found.length ? [el("h2", {}, title),
      el("div", { class: "tiles", tabindex: "0", role: "group", "aria-label": title },
        found.map(([row, times]) => tile(board, queries, row, { label: `${times}×` })))] : null;
    return [
      el("h1", {}, others(videoName(queries, clip))),
      el("p", {}, el("a", { href: dvtr.link("board", id) }, others(board.title)),
        queries.categories && queries.categories[clip] !== null
          ? [" · ", others(queries.categories[clip])] : null),
      missing(queries),
      el("div", { class: "tiles", tabindex: "0", role: "group", "aria-label": "Frames of the clip" },
        tile(board, queries, clip, { label: "four frames in order:", wide: true })),
      el("h2", {}, "Its captions, and where each model ranks it"),
      own.length ? dvtr.wide("Captions of the clip", dvtr.table({ caption: "T2V ranks", columns,
        rows: own })) : el("p", {}, "It has no captions; it is only a candidate."),
      gallery("Clips ranked above it", before),
      gallery("Clips for whose captions it is ranked above the right one", instead),
    ].flat();
  };
})();
