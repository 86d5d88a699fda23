// One batch of a pool: a pair at a time, answers kept in the browser and saved as a file.
(() => {
  const { el, others } = dvtr;
  const batch = dvtr.batch;
  const CHOICES = [["yes", "Yes", "1"], ["partly", "Partly", "2"], ["no", "No", "3"], ["skip", "Skip", "4"]];
  const LETTERS = { y: "yes", p: "partly", n: "no", s: "skip" };
  const main = document.getElementById("main");
  const prefix = `dvtr-bench judge ${batch.pool} ${batch.number} `;
  const ids = new Set(batch.pairs.map((pair) => pair.id));
  let judge = null, answers = {}, place = 0, kept = true, unsaved = false, note = "";

  // A browser may refuse to keep anything: then the file is all there is, and the page says so.
  function keep() {
    unsaved = true;
    try {
      localStorage.setItem(prefix + judge, JSON.stringify(answers));
      kept = true;
    } catch {
      kept = false;
    }
  }

  function recall(name) {
    try {
      return sound(JSON.parse(localStorage.getItem(prefix + name) || "{}"));
    } catch {
      return {};
    }
  }

  function judges() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)).sort();
    } catch {
      return [];
    }
  }

  // Only answers to pairs of this batch, whatever was stored or loaded.
  function sound(found) {
    const known = CHOICES.map(([answer]) => answer);
    return Object.fromEntries(Object.entries(found || {})
      .filter(([id, answer]) => ids.has(id) && known.includes(answer)));
  }

  const fill = (...children) => main.replaceChildren(...children.flat().filter(Boolean));

  const numAnswered = () => Object.keys(answers).length;

  function firstOpen(from = 0) {
    const order = batch.pairs.map((_, n) => (from + n) % batch.pairs.length);
    return order.find((n) => !(batch.pairs[n].id in answers));
  }

  function begin(name) {
    judge = name.trim().replace(/\s+/g, " ");
    answers = recall(judge);
    place = firstOpen() ?? batch.pairs.length;
    note = numAnswered() ? `${numAnswered()} answers of yours were kept in this browser.` : "";
    show();
  }

  function answer(choice) {
    if (judge === null || place >= batch.pairs.length) return;
    answers[batch.pairs[place].id] = choice;
    note = "";
    keep();
    place = firstOpen(place) ?? batch.pairs.length;
    show();
  }

  function go(step) {
    place = Math.max(0, Math.min(batch.pairs.length, place + step));
    note = "";
    show();
  }

  function save() {
    const file = { format_version: 1, pool: batch.pool, batch: batch.number, judge, answers };
    const plain = judge.replace(/[^\p{L}\p{N}_-]+/gu, "_");
    const name = `answers-${batch.pool.slice(0, 8)}-${String(batch.number).padStart(3, "0")}-${plain}.json`;
    dvtr.save(name, "application/json", JSON.stringify(file, null, 1) + "\n");
    unsaved = false;
    note = `Saved ${numAnswered()} answers as ${name}: send this file, or go on.`;
    show();
  }

  async function load(file) {
    let found;
    try {
      found = JSON.parse(await file.text());
    } catch {
      found = null;
    }
    if (!found || found.pool !== batch.pool || found.batch !== batch.number) {
      note = `${file.name} does not hold answers to this batch.`;
    } else if (found.judge !== judge) {
      note = `${file.name} holds the answers of ${found.judge}, not yours.`;
    } else {
      const loaded = sound(found.answers);
      const differ = Object.keys(loaded).filter((id) => id in answers && answers[id] !== loaded[id]);
      answers = { ...loaded, ...answers };
      keep();
      note = `Loaded ${Object.keys(loaded).length} answers.` +
        (differ.length ? ` ${differ.length} differ from those here, which stay.` : "");
      place = firstOpen() ?? batch.pairs.length;
    }
    show();
  }

  function start() {
    const name = el("input", { id: "judge", required: true, maxlength: "60", autocomplete: "off" });
    const form = el("form", { onsubmit: (event) => {
      event.preventDefault();
      if (name.value.trim()) begin(name.value);
    } },
    el("p", {}, el("label", { for: "judge" }, "Your name or initials: "), name),
    el("button", { class: "main", type: "submit" }, "Begin"));
    const earlier = judges();
    fill(
      el("h1", {}, "Does the clip fit the caption?"),
      el("p", {}, `Batch ${batch.number} of ${batch.batches}: ${batch.pairs.length} pairs of `,
        others(batch.title), "."),
      batch.about ? el("p", { class: "note" }, batch.about) : null,
      how(true), form,
      earlier.length ? el("p", { class: "faint" }, "Kept in this browser:") : null,
      el("div", { class: "tools" }, earlier.map((each) =>
        el("button", { onclick: () => begin(each) }, "Go on as ", others(each),
          ` (${Object.keys(recall(each)).length} of ${batch.pairs.length})`))));
  }

  function how(open) {
    return el("details", { open },
      el("summary", {}, "How to judge"),
      el("dl", {},
        el("dt", {}, "Yes"), el("dd", {}, "All that the caption says is true of the clip, as far as it can be seen. " +
          "The caption need not say all that happens."),
        el("dt", {}, "Partly"), el("dd", {}, "It is about such a clip, but something that it says is not so."),
        el("dt", {}, "No"), el("dd", {}, "It is about something else."),
        el("dt", {}, "Skip"), el("dd", {}, "You cannot tell. The pair stays unjudged.")),
      el("p", { class: "faint" }, "The pairs stand in a random order; nothing here says which model proposed " +
        "one, or at which rank."));
  }

  function pictures(clip) {
    const frames = batch.clips[clip];
    if (!frames.pictures.length) {
      return el("p", { class: "note" }, "Clip ", el("b", {}, others(frames.id)), ": open it beside this page.");
    }
    return el("div", { class: "frames" }, frames.pictures.map((address, n) =>
      el("img", { src: address, alt: `Frame ${n + 1} of ${frames.pictures.length}` })));
  }

  function pair() {
    const { id, caption, clip } = batch.pairs[place];
    return [
      el("h2", { id: "caption", dir: "auto" }, caption),
      pictures(clip),
      el("div", { class: "answers", role: "group", "aria-label": "Does the clip fit the caption?" },
        CHOICES.map(([choice, label, key]) => el("button", {
          id: choice, "aria-pressed": String(answers[id] === choice), onclick: () => answer(choice),
        }, label, el("kbd", { "aria-hidden": "true" }, key)))),
    ];
  }

  function end() {
    const open = batch.pairs.length - numAnswered();
    return [el("h2", {}, open ? `${open} pairs have no answer yet.` : "All pairs of this batch have an answer."),
      el("p", {}, "Save your answers as a file and send it to whoever gave you this page.")];
  }

  function show() {
    const done = numAnswered(), total = batch.pairs.length, focused = document.activeElement?.id ?? "";
    fill(
      el("div", { class: "bar" },
        el("h1", {}, `Batch ${batch.number} of ${batch.batches}`),
        el("progress", { max: String(total), value: String(done), "aria-label": "Pairs answered" }),
        el("span", { id: "done" }, `${done} of ${total}`), el("span", { class: "faint" }, others(judge))),
      el("p", { class: "faint", role: "status", id: "note" }, note),
      kept ? null : el("p", { class: "note" }, "This browser keeps nothing: save the file before you close the page."),
      ...(place < total ? pair() : end()),
      el("div", { class: "tools" },
        el("button", { id: "back", disabled: place === 0, onclick: () => go(-1) }, "← Back"),
        el("button", { id: "next", disabled: place >= total, onclick: () => go(1) }, "Next →"),
        el("button", { id: "save", class: "main", onclick: save }, "Save answers"),
        el("label", { class: "button" }, "Load a file", el("input", {
          type: "file", id: "load", accept: ".json,application/json",
          onchange: (event) => event.target.files.length && load(event.target.files[0]),
        }))),
      how(false));
    main.dataset.place = String(place);
    (document.getElementById(focused) ?? main).focus({ preventScroll: focused !== "" });
  }

  document.addEventListener("keydown", (event) => {
    if (judge === null || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const choice = CHOICES.find(([, , key]) => key === event.key)?.[0] ?? LETTERS[event.key.toLowerCase()];
    if (choice) answer(choice);
    else if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
    else return;
    event.preventDefault();
  });

  window.addEventListener("beforeunload", (event) => {
    if (unsaved && !kept) event.preventDefault();
  });

  start();
})();
