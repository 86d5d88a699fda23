"use strict";
// One run: what was run, how to repeat and cite it, its checks, its figures by group.
(() => {
  const { el, others, number, whole, interval } = dvtr;
  const TITLES = { t2v: "T2V", v2t: "V2T (caption sets)", v2t_caption: "V2T (single captions)",
    both: "Both directions" };

  const shown = (value) => {
    if (value === null || value === undefined) return "none";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };

  // Nested settings as a list of names and values.
  function flat(value, before = "") {
    return Object.entries(value).flatMap(([name, one]) =>
      one !== null && typeof one === "object" && !Array.isArray(one) && Object.keys(one).length
        ? flat(one, `${before}${name}.`) : [[`${before}${name}`, one]]);
  }

  const facts = (value) => el("dl", {}, flat(value).map(([name, one]) =>
    [el("dt", {}, others(name)), el("dd", {}, others(shown(one)))]));

  function copied(id, text) {
    const button = el("button", { type: "button", onclick: async () => {
      // The clipboard is not open to pages from disk in every browser: then the text is marked.
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
      }
    } }, "Copy");
    const block = el("pre", { id, tabindex: "0" }, el("code", {}));
    // Line breaks are ours; whatever else the text holds goes through the same border as all texts.
    block.firstChild.textContent = text.split("\n").map(dvtr.text).join("\n");
    return el("div", { class: "copied" }, block, button);
  }

  function figures(record) {
    const names = [...new Set(Object.values(record.metrics).flatMap((kinds) =>
      Object.keys(kinds.strict ?? {})))];
    const rows = Object.entries(record.metrics).flatMap(([direction, kinds]) =>
      Object.entries(kinds).map(([relevance, found]) => ({ direction, relevance, found })));
    const columns = [
      { title: "Direction", header: true, class: "model", cell: (row) => [TITLES[row.direction] ??
        others(row.direction), row.relevance === "strict" ? null
        : el("small", {}, "text-identical relevance")] },
      ...names.map((name) => ({ title: name, numeric: true, cell: (row) => {
        const figure = row.found[name];
        return figure ? [number(figure.value), el("small", {}, interval(figure.low, figure.high))] : "";
      } })),
    ];
    return dvtr.wide("Figures", dvtr.table({ caption: "Figures with their intervals", columns, rows }));
  }

  function checks(run) {
    if (!run.honesty.length) {
      return el("p", {}, run.record.kind === "model" ? "No pairs were scored again."
        : "Scores from outside cannot be computed again; how they were made is as claimed.");
    }
    const columns = [
      { title: "What was changed", header: true, class: "model", cell: (row) => others(row.check) },
      { title: "Pairs", numeric: true, cell: (row) => whole(row.pairs) },
      { title: "Largest move", numeric: true, cell: (row) => row.largest_move.toExponential(1) },
      { title: "Allowed", numeric: true, cell: (row) => row.tolerance.toExponential(1) },
      { title: "Places exchanged", numeric: true,
        cell: (row) => (row.exchanged ?? null) === null ? "not measured" : `${number(100 * row.exchanged)}%` },
      { title: "Result", cell: (row) => row.passed ? "✓ passed" : el("b", { class: "down" }, "✗ failed") },
    ];
    return dvtr.wide("Honesty checks", dvtr.table({ caption: "The same pairs scored again", columns,
      rows: run.honesty }));
  }

  function breakdown(board, axis) {
    const parts = Object.entries(axis.results).flatMap(([direction, groups]) =>
      Object.entries(groups).filter(([, found]) => found.queries).map(([group, found]) =>
        ({ direction, group, found })));
    const names = [...new Set(parts.flatMap((part) => Object.keys(part.found.metrics)))];
    const columns = [
      { title: axis.title, header: true, class: "model", cell: (part) => [others(part.group),
        el("small", {}, `${part.direction.toUpperCase()}, ` +
          dvtr.groupSizes(board, part.found.queries, part.found.videos, ["query", "queries"]))] },
      ...names.map((name) => ({ title: name, numeric: true, cell: (part) => {
        const figure = part.found.metrics[name];
        return figure ? [number(figure.value), el("small", {}, interval(figure.low, figure.high))] : "";
      } })),
    ];
    return el("details", {}, el("summary", {}, `By ${axis.title}`),
      dvtr.wide(axis.title, dvtr.table({ caption: axis.title, columns, rows: parts })));
  }

  dvtr.showRun = async (id) => {
    const run = await dvtr.load(`run-${id}`);
    const board = await dvtr.load(`board-${run.board}`);
    const row = board.rows.find((one) => one.id === run.row);
    const { record } = run;
    const { model, dataset, environment } = record, { training, ...untrained } = model;
    const later = (name, made) => {
      const place = el("div", { id: name });
      made.then((content) => place.replaceChildren(...content.flat()),
        (failure) => place.replaceChildren(el("p", { class: "not" }, failure.message)));
      return place;
    };
    return [
      el("h1", {}, others(run.name), model.seeds.length ? `, seed ${model.seeds.join(", ")}` : null),
      el("p", {}, el("a", { href: dvtr.link("board", run.board) }, others(board.title)),
        " ", dvtr.marks(row)),
      run.contaminated ? el("p", { class: "not" }, others(run.contaminated)) : null,
      row.runs.length > 1 ? el("p", {}, "Runs of this row: ", row.runs.map((one, n) => [n ? ", " : "",
        one === id ? el("b", {}, one) : el("a", { href: dvtr.link("run", one) }, one)])) : null,
      figures(record), later("recall-curves", dvtr.recallCurves(board, id)),
      record.left_out.map((told) => el("p", { class: "faint" }, others(told))),
      run.entry ? el("p", { id: "entry" }, "Ran by ", run.entry.link
        ? el("a", { href: run.entry.link, rel: "nofollow noopener" }, others(run.entry.ran_by))
        : others(run.entry.ran_by), "; ranks attached. ", run.entry.rerun
        ? ["✓ Run again by ", others(run.entry.rerun.by), ` on ${run.entry.rerun.date}: T2V R@1 `,
          number(run.entry.rerun.t2v_r1), ". ", others(run.entry.rerun.note ?? "")]
        : "Not run again by a maintainer.") : null,
      el("h2", {}, "Repeat it"), copied("commands", run.commands.join("\n")),
      run.about.map((told) => el("p", { class: "faint" }, others(told))),
      el("h2", {}, "Cite it"), copied("bibtex", run.bibtex),
      el("h2", {}, "Honesty checks"), checks(run),
      el("h2", {}, "Training curves"), dvtr.trainingCharts(run.curves, run.aboutCurves),
      el("h2", { id: "config" }, "What was run"),
      el("h3", {}, "Model"), facts({ ...untrained, seeds: model.seeds.join(", ") }),
      el("h3", {}, "Training"), training ? facts(training)
        : el("p", {}, "It was not trained, or not by dvtr-bench."),
      el("h3", {}, "Scoring"), facts({ ...record.scoring, seconds: record.seconds }),
      el("h3", {}, "Dataset"), facts(dataset),
      el("h3", {}, "Environment"), facts(environment),
      el("h2", {}, "Worst failures"), later("failures", dvtr.worstQueries(board, row, id)),
      el("p", {}, el("a", { class: "button", href: dvtr.link("queries", run.board,
        { rows: run.row, sort: "worst" }) }, "All queries, its worst first")),
      el("h2", {}, "By group"), Object.keys(run.breakdowns).length
        ? Object.values(run.breakdowns).map((axis) => breakdown(board, axis)) : el("p", {}, "The run has no breakdowns."),
    ].flat();
  };
})();
