"use strict";
// Charts as real elements: axes, marks, keys, and a table of the same values behind each.
(() => {
  const { el, others, number } = dvtr;
  const SPACE = "http://www.w3.org/2000/svg";
  const COLOURS = 6;
  const DASHES = [null, "6 3", "2 3", "8 3 2 3"];
  const LETTER = 7.3;
  let made = 0;

  // As dvtr.el, in the name space of SVG: texts become text nodes, attributes plain values.
  const svg = (tag, attributes = {}, ...children) => {
    const element = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, dvtr.text(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined) {
        element.append(child instanceof Node ? child : dvtr.text(child));
      }
    }
    return element;
  };

  const short = (text, letters) => text.length <= letters ? text
    : `${text.slice(0, Math.max(letters - 1, 1))}…`;

  // A name in up to five lines of a width, broken after spaces and such. A part that is too long is
  // broken too: the end of a name, which tells it apart, must be seen.
  function lines(text, letters) {
    const found = [""];
    const parts = dvtr.text(text).split(/(?<=[ _/=])/).flatMap((part) =>
      part.match(new RegExp(`.{1,${Math.max(letters, 4)}}`, "gu")) ?? []);
    for (const part of parts) {
      if (`${found.at(-1)}${part}`.trimEnd().length <= letters) found[found.length - 1] += part;
      else found.push(part);
    }
    const shown = found.map((line) => line.trim()).filter((line, n) => line || !n);
    return shown.length <= 5 ? shown : [...shown.slice(0, 4), short(`${shown[4]}…`, letters)];
  }

  const texts = (x, y, found, attributes) => svg("text", { x, y, ...attributes },
    found.map((line, n) => svg("tspan", { x, dy: n ? 13 : -6.5 * (found.length - 1) }, line)));

  // Up to about `wanted` round numbers within a range.
  function ticks(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) {
      found.push(Number((n * step).toPrecision(12)));
    }
    return found;
  }

  function logTicks(low, high) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
      for (const one of high / low > 1000 ? [1] : [1, 2, 5]) {
        const value = Number((one * 10 ** power).toPrecision(12));
        if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
      }
    }
    return found;
  }

  // A scale from values to places in the drawing.
  dvtr.scale = (values, from, to, { zero = false, log = false, margin = 0.05 } = {}) => {
    const known = values.filter((value) => Number.isFinite(value));
    let low = Math.min(...known), high = Math.max(...known);
    if (!known.length) [low, high] = log ? [1, 10] : [0, 1];
    if (zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (log) {
      const [a, b] = [Math.log(low), Math.log(high === low ? low * 10 : high)];
      const at = (value) => from + ((Math.log(value) - a) / (b - a)) * (to - from);
      return { at, ticks: logTicks(low, high === low ? low * 10 : high) };
    }
    const room = (high - low) * margin || 1;
    if (!zero || low < 0) low -= room;
    if (!zero || high > 0) high += room;
    const at = (value) => from + ((value - low) / (high - low)) * (to - from);
    // Between epochs there are none: whole values have whole ticks.
    const whole = known.every(Number.isInteger);
    const found = ticks(low, high, Math.max(2, Math.min(8, Math.abs(to - from) / 60)));
    return { at, ticks: found.filter((tick) => !whole || Number.isInteger(tick)) };
  };

  // The mark of a row or part: another shape beside another colour.
  dvtr.mark = (n, x, y, size = 4.5, hollow = false) => {
    const attributes = { class: `c${n % COLOURS}${hollow ? " hollow" : ""}` };
    const s = size * 1.15;
    switch (n % 4) {
      case 0: return svg("circle", { ...attributes, cx: x, cy: y, r: size });
      case 1: return svg("rect", { ...attributes, x: x - size * 0.9, y: y - size * 0.9,
        width: size * 1.8, height: size * 1.8 });
      case 2: return svg("path", { ...attributes,
        d: `M${x} ${y - s}L${x + s} ${y + s * 0.8}L${x - s} ${y + s * 0.8}Z` });
      default: return svg("path", { ...attributes,
        d: `M${x} ${y - s * 1.1}L${x + s} ${y}L${x} ${y + s * 1.1}L${x - s} ${y}Z` });
    }
  };

  // A mark with the text that is shown on hover; data are for whoever reads the page by program.
  const told = (text, data, ...children) => svg("g", { class: "mark", ...Object.fromEntries(
    Object.entries(data).map(([name, value]) => [`data-${name}`, value])) },
  svg("title", {}, text), children);

  const grid = (x1, y1, x2, y2, strong) =>
    svg("line", { x1, y1, x2, y2, class: strong ? "zero" : "grid" });

  function horizontal(scale, top, bottom, title, left, right) {
    return [
      scale.ticks.map((tick) => [grid(scale.at(tick), top, scale.at(tick), bottom),
        svg("text", { x: scale.at(tick), y: bottom + 15, class: "tick middle" },
          dvtr.tickText(tick))]),
      title ? svg("text", { x: (left + right) / 2, y: bottom + 33, class: "middle" }, title) : null,
    ];
  }

  dvtr.tickText = (value) => Number.isInteger(value) ? dvtr.whole(value) : String(value);

  const told95 = (value, low, high) => low === null || low === undefined ? number(value)
    : `${number(value)} (${number(low)} to ${number(high)})`;

  // Rows with their names on the left; draw(y, row) fills each.
  function rowsChart({ rows, width, height, scale, title, zero, draw, right = 12, wanted }) {
    const left = Math.min(Math.max(90, width * 0.36), 300);
    const letters = Math.floor((left - 12) / LETTER);
    const each = Math.max(height,
      ...rows.map((row) => lines(row.name, letters).length * 13 + 8));
    const bottom = rows.length * each + 8;
    const x = dvtr.scale(wanted, left, width - right, scale);
    return { width, height: bottom + 42, content: [
      horizontal(x, 4, bottom, title, left, width - right),
      zero ? grid(x.at(0), 4, x.at(0), bottom, true) : null,
      rows.map((row, n) => {
        const y = 8 + each * (n + 0.5);
        return [texts(left - 10, y + 4, lines(row.name, letters), { class: "end name" }),
          draw(y, row, x, each)];
      }),
    ] };
  }

  // Values with their intervals, one part below another in each row.
  dvtr.dotsChart = (rows, parts, cellOf, { width, title }) => {
    const cells = rows.flatMap((row) => parts.map((part) => cellOf(row, part))).filter(Boolean);
    return rowsChart({
      rows, width, height: 14 * parts.length + 10, title, scale: { zero: true },
      wanted: cells.flatMap((cell) => cell.slice(0, 3)).filter((value) => value !== null),
      draw: (y, row, x) => parts.map((part, n) => {
        const cell = cellOf(row, part);
        if (!cell) return null;
        const at = y + 14 * (n - (parts.length - 1) / 2);
        const whisker = cell[1] === null ? null : svg("line", { class: `c${n % COLOURS} whisker`,
          x1: x.at(cell[1]), x2: x.at(cell[2]), y1: at, y2: at });
        return told(`${row.name}, ${part}: ${told95(...cell)}`,
          { row: row.id, part, value: cell[0], low: cell[1], high: cell[2] },
          whisker, dvtr.mark(n, x.at(cell[0]), at));
      }),
    });
  };

  dvtr.barsChart = (rows, parts, cellOf, { width, title }) => {
    const cells = rows.flatMap((row) => parts.map((part) => cellOf(row, part))).filter(Boolean);
    return rowsChart({
      rows, width, height: 15 * parts.length + 12, title, scale: { zero: true }, right: 40,
      wanted: cells.flatMap((cell) => cell.slice(0, 3)).filter((value) => value !== null),
      draw: (y, row, x) => parts.map((part, n) => {
        const cell = cellOf(row, part);
        if (!cell) return null;
        const at = y + 15 * (n - parts.length / 2);
        const reach = Math.max(x.at(cell[0]), cell[2] === null ? 0 : x.at(cell[2]));
        return told(`${row.name}, ${part}: ${told95(...cell)}`,
          { row: row.id, part, value: cell[0], low: cell[1], high: cell[2] },
          svg("rect", { class: `c${n % COLOURS}`, x: x.at(0), y: at,
            width: Math.max(x.at(cell[0]) - x.at(0), 0.5), height: 12 }),
          cell[1] === null ? null : svg("line", { class: "ink", x1: x.at(cell[1]),
            x2: x.at(cell[2]), y1: at + 6, y2: at + 6 }),
          svg("text", { x: reach + 5, y: at + 10, class: "tick" }, number(cell[0])));
      }),
    });
  };

  // Differences around zero: a filled mark where zero lies outside the interval.
  dvtr.forestChart = (rows, { width, title }) => rowsChart({
    rows, width, height: 22, title, zero: true, scale: { zero: true },
    wanted: rows.flatMap((row) => [row.low, row.high, row.difference]),
    draw: (y, row, x) => told(
      `${row.name}: ${dvtr.signed(row.difference)} (${dvtr.signed(row.low)} to ` +
        `${dvtr.signed(row.high)})`,
      { row: row.id, value: row.difference, low: row.low, high: row.high },
      svg("line", { class: "c0 whisker", x1: x.at(row.low), x2: x.at(row.high), y1: y, y2: y }),
      dvtr.mark(0, x.at(row.difference), y, 4.5, row.low <= 0 && row.high >= 0)),
  });

  dvtr.heatChart = (rows, columns, cellOf, { width }) => {
    const left = Math.min(Math.max(90, width * 0.3), 280);
    const cell = (width - left) / columns.length;
    const letters = Math.floor(cell / LETTER);
    const turned = letters < 9;
    const heads = columns.map((one) => turned ? [short(one, 20)] : lines(one, letters));
    const top = turned ? Math.max(...heads.map(([one]) => one.length)) * 5.6 + 14
      : Math.max(...heads.map((one) => one.length)) * 13 + 10;
    const rowLetters = Math.floor((left - 12) / LETTER);
    const each = Math.max(26, ...rows.map((row) => lines(row.name, rowLetters).length * 13 + 8));
    const known = rows.flatMap((row) => columns.map((_, n) => cellOf(row, n)))
      .filter(Boolean).map((one) => one[0]);
    const low = Math.min(...known), high = Math.max(...known);
    return { width, height: top + rows.length * each + 6, content: [
      heads.map((one, n) => turned
        ? svg("text", { class: "tick", transform:
          `translate(${left + cell * (n + 0.55)} ${top - 6}) rotate(-62)` }, one)
        : texts(left + cell * (n + 0.5), top - 8 - 6.5 * (one.length - 1), one,
          { class: "tick middle" })),
      rows.map((row, r) => {
        const y = top + r * each;
        return [
          texts(left - 10, y + each / 2 + 4, lines(row.name, rowLetters), { class: "end name" }),
          columns.map((column, n) => {
            const found = cellOf(row, n);
            const x = left + cell * n;
            const shown = !found ? "–" : number(found[0], cell < 34 ? 0 : 1);
            const words = svg("text", { class: "tick middle", x: x + cell / 2,
              y: y + each / 2 + 4 }, shown);
            if (!found) return words;
            const share = high > low ? (found[0] - low) / (high - low) : 0.5;
            return told(`${row.name}, ${column}: ${told95(...found)}`,
              { row: row.id, part: column, value: found[0] },
              svg("rect", { class: "heat", x: x + 1, y: y + 1, width: cell - 2, height: each - 2,
                "fill-opacity": (0.06 + 0.7 * share).toFixed(3) }), words);
          }),
        ];
      }),
    ] };
  };

  // An area with both axes; draw(x, y) fills it.
  function area({ width, xs, ys, xTitle, yTitle, log, draw, zero = false }) {
    const left = 46, right = 14, top = 24, height = Math.max(260, Math.min(380, width * 0.5));
    const bottom = height - 44;
    const x = dvtr.scale(xs, left + 8, width - right, { log, margin: 0.04 });
    const y = dvtr.scale(ys, bottom, top, { zero });
    return { width, height, content: [
      svg("text", { x: 4, y: 13 }, yTitle),
      y.ticks.map((tick) => [grid(left, y.at(tick), width - right, y.at(tick)),
        svg("text", { x: left - 6, y: y.at(tick) + 4, class: "tick end" }, dvtr.tickText(tick))]),
      horizontal(x, top, bottom, xTitle, left, width - right), draw(x, y),
    ] };
  }

  const wide = (values) => values.length > 1 && Math.min(...values) > 0 &&
    Math.max(...values) / Math.min(...values) >= 20;

  dvtr.scatterChart = (points, { width, xTitle, yTitle, xText }) => area({
    width, xTitle, yTitle, log: wide(points.map((one) => one.x)), xs: points.map((one) => one.x),
    ys: points.flatMap((one) => one.cell.slice(0, 3)).filter((value) => value !== null),
    draw: (x, y) => points.map((one) => told(
      `${one.row.name}: ${xText(one.x)}, ${yTitle}: ${told95(...one.cell)}`,
      { row: one.row.id, x: one.x, value: one.cell[0] },
      one.cell[1] === null ? null : svg("line", { class: `c${one.n % COLOURS} whisker`,
        x1: x.at(one.x), x2: x.at(one.x), y1: y.at(one.cell[1]), y2: y.at(one.cell[2]) }),
      dvtr.mark(one.n, x.at(one.x), y.at(one.cell[0]), 5))),
  });

  // series: {n, id, name, points: [[x, y], ...]}
  dvtr.linesChart = (series, { width, xTitle, yTitle, log = false, stepped = false }) => area({
    width, xTitle, yTitle, log,
    xs: series.flatMap((one) => one.points.map(([x]) => x)),
    ys: series.flatMap((one) => one.points.map(([, y]) => y)),
    draw: (x, y) => series.map((one) => {
      const path = one.points.map(([a, b], n) => !n ? `M${x.at(a).toFixed(1)} ${y.at(b).toFixed(1)}`
        : stepped ? `H${x.at(a).toFixed(1)}V${y.at(b).toFixed(1)}`
          : `L${x.at(a).toFixed(1)} ${y.at(b).toFixed(1)}`).join("");
      const dots = one.points.length > 25 ? null : one.points.map(([a, b]) =>
        told(`${one.name}, ${dvtr.tickText(a)}: ${number(b)}`, { x: a, value: b },
          dvtr.mark(one.n, x.at(a), y.at(b), 3.5)));
      return svg("g", { class: "series", "data-row": one.id, "data-points": one.points.length,
        "data-last": one.points.at(-1)?.[1] },
      svg("title", {}, one.name),
      svg("path", { class: `c${one.n % COLOURS} line`, d: path,
        "stroke-dasharray": DASHES[one.n % DASHES.length] }), dots);
    }),
  });

  // The keys below a chart: mark, line and name of each row or part.
  dvtr.keys = (named, lined = false) => el("ul", { class: "keys" }, named.map(([n, name]) =>
    el("li", {}, svg("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true" },
      lined ? svg("path", { class: `c${n % COLOURS} line`, d: "M1 7H29",
        "stroke-dasharray": DASHES[n % DASHES.length] }) : null,
      lined ? null : dvtr.mark(n, 15, 7)), others(name))));

  // A chart in its frame: title and description for those who do not see it, keys, table behind.
  dvtr.chart = ({ title, about, drawn, keys, lined, columns, rows }) => {
    const id = `chart-${++made}`;
    const picture = svg("svg", { class: "chart", role: "img", width: drawn.width,
      height: drawn.height, viewBox: `0 0 ${drawn.width} ${drawn.height}`,
      "aria-labelledby": `${id} ${id}-about` },
    svg("title", { id }, title), svg("desc", { id: `${id}-about` }, about), drawn.content);
    return el("figure", { class: "charted" },
      el("figcaption", {}, others(title)),
      dvtr.wide(title, picture), keys && keys.length > 1 ? dvtr.keys(keys, lined) : null,
      el("details", { class: "behind" }, el("summary", {}, "The figures as a table"),
        dvtr.wide(`${title}, as a table`, dvtr.table({ caption: about, columns, rows }))));
  };
})();
