"use strict";
// Everything that a page shows is made here: texts become text nodes, never markup.
const dvtr = {};

(() => {
  const STRANGE = /[\p{C}\p{Zl}\p{Zp}]/gu;

  // Control characters, bidirectional ones among them, are shown as spaces.
  dvtr.text = (value) => String(value).replace(STRANGE, " ");

  function add(parent, child) {
    if (child === null || child === undefined || child === false) return;
    if (Array.isArray(child)) child.forEach((one) => add(parent, one));
    else if (child instanceof Node) parent.append(child);
    else parent.append(dvtr.text(child));
  }

  // el("a", {class: "x", onclick: f}, "text", el("b", {}, "more"))
  dvtr.el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value === true ? "" : dvtr.text(value));
    }
    add(made, children);
    return made;
  };

  // Texts of others may run from right to left: <bdi> isolates them. Long names may break after an
  // underscore or a slash.
  dvtr.others = (value) => dvtr.el("bdi", {}, dvtr.text(value).split(/(?<=[_/])/).map((part, n) =>
    [n ? dvtr.el("wbr") : null, part]));

  // Rounded as Python rounds, exact ties to even, so that no figure differs from LEADERBOARD.md.
  dvtr.number = (value, digits = 1) => {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    const isTie = (size * 2 ** (digits + 1)) % 2 === 1;
    let shown = size.toFixed(digits);
    if (isTie && shown.at(-1) % 2) shown = (size - 0.5 * 10 ** -digits).toFixed(digits);
    const [whole, ...decimals] = shown.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return (value < 0 ? "-" : "") + [grouped, ...decimals].join(".");
  };

  dvtr.signed = (value, digits = 1) => {
    const shown = dvtr.number(Math.abs(value), digits);
    if (Number(shown.replaceAll(",", "")) === 0) return shown;
    return (value < 0 ? "−" : "+") + shown;
  };

  dvtr.pValue = (p) => p === null || p === undefined ? "" : p < 0.001 ? "< 0.001" : p.toFixed(3);

  dvtr.whole = (value) => value === null || value === undefined ? "" : value.toLocaleString("en");

  // 12,345,678 -> 12.3 M
  dvtr.short = (value) => {
    if (value === null || value === undefined) return "";
    for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (value >= size) return `${dvtr.number(value / size)} ${unit}`;
    }
    return dvtr.whole(value);
  };

  dvtr.interval = (low, high, digits = 1) =>
    low === null || low === undefined ? "" :
      `${dvtr.number(low, digits)}–${dvtr.number(high, digits)}`;

  // A wide thing in a box of its own that scrolls, can be reached by keyboard, and says so.
  dvtr.wide = (label, inner) => {
    const box = dvtr.el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label },
      inner);
    const hint = dvtr.el("p", { class: "hint", "aria-hidden": "true" }, "⟷ scroll for more columns");
    const whole = dvtr.el("div", { class: "widebox" }, hint, box);
    const measure = () => {
      const over = box.scrollWidth > box.clientWidth + 1;
      whole.classList.toggle("over", over);
      whole.classList.toggle("more", over && box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
    };
    box.addEventListener("scroll", measure, { passive: true });
    new ResizeObserver(measure).observe(box);
    return whole;
  };

  dvtr.select = (label, options, chosen, onchange, id) => {
    const list = dvtr.el("select", { id, onchange: () => onchange(list.value) },
      options.map(([value, shown]) =>
        dvtr.el("option", { value, selected: value === chosen }, shown)));
    return dvtr.el("label", {}, dvtr.el("span", {}, label), list);
  };

  dvtr.save = (name, kind, text) => {
    const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
    const link = dvtr.el("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
})();
