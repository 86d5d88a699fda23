"use strict";
// Which page the address asks for.
(() => {
  const { el, others } = dvtr;

  function home(index) {
    return [
      el("h1", {}, "Leaderboard"),
      el("p", {}, "One board for each dataset, split and post-processing: results on different " +
        "queries never share a table."),
      el("ul", { class: "boards" }, index.boards.map((board) => el("li", {},
        el("a", { href: dvtr.link("board", board.id) }, others(board.title)),
        el("small", {}, `${board.numRows} ${board.numRows === 1 ? "row" : "rows"}`)))),
    ];
  }

  const VIEWS = {
    board: dvtr.showBoard, compare: dvtr.showCompare, queries: dvtr.showQueries,
    clip: dvtr.showClip, run: dvtr.showRun, charts: dvtr.showCharts,
  };
  let asked = 0;

  async function show(moved) {
    const turn = ++asked;
    const main = document.getElementById("main");
    let content;
    try {
      const index = await dvtr.load("index");
      const { view, id, settings } = dvtr.readAddress();
      const links = index.boards.map((board) => el("a", {
        href: dvtr.link("board", board.id),
        "aria-current": view === "board" && id === board.id ? "page" : null,
      }, others(`${board.dataset}, ${board.split}` +
        (board.postProcessing === "none" ? "" : `, ${board.postProcessing}`))));
      document.getElementById("boards").replaceChildren(...links);
      if (!view && index.boards.length === 1) {
        history.replaceState(null, "", dvtr.link("board", index.boards[0].id));
        await show(moved);
        return;
      }
      content = Object.hasOwn(VIEWS, view) ? await VIEWS[view](id, settings) : home(index);
    } catch (failure) {
      content = [el("h1", {}, "Not found"), el("p", { class: "not" }, failure.message),
        el("p", {}, el("a", { href: "#/" }, "All boards"))];
    }
    // A later address may have been asked for while data were loading.
    if (turn !== asked) return;
    main.replaceChildren(...content.flat().filter(Boolean));
    document.title = `${main.querySelector("h1")?.textContent ?? "Leaderboard"} · dvtr-bench`;
    if (moved) {
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    main.dataset.shown = location.hash;
  }

  // The address after # is ours: a jump to the contents must not change it.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  addEventListener("hashchange", () => show(true));
  show(false);
})();
