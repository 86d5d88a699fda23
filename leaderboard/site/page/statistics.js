"use strict";
// The paired bootstrap over videos, as dvtr_bench/ranking has it: the same draws, the same sums in
// the same order, so the same figures to the last digit. A test holds the two against each other.
(() => {
  const MULTIPLIER = limbs("2360ed051fc65da44385df649fccf645");
  const DEPTHS = [1, 5, 10];
  const DIRECTIONS = ["t2v", "v2t", "v2t_caption"];

  // 128 bits as eight numbers of 16 bits, the lowest first.
  function limbs(hex) {
    return Float64Array.from({ length: 8 }, (_, place) =>
      parseInt(hex.slice(28 - 4 * place, 32 - 4 * place), 16));
  }

  // PCG64 (XSL-RR), of which the upper 32 bits of each number are used.
  function generator(stateHex, incrementHex) {
    let state = limbs(stateHex);
    let fresh = new Float64Array(8);
    const increment = limbs(incrementHex);
    return () => {
      let carry = 0;
      for (let place = 0; place < 8; place++) {
        let sum = increment[place] + carry;
        for (let i = 0; i <= place; i++) sum += state[i] * MULTIPLIER[place - i];
        carry = Math.floor(sum / 65536);
        fresh[place] = sum - carry * 65536;
      }
      [state, fresh] = [fresh, state];
      let low = ((state[5] ^ state[1]) * 65536 + (state[4] ^ state[0])) >>> 0;
      let high = ((state[7] ^ state[3]) * 65536 + (state[6] ^ state[2])) >>> 0;
      let turn = state[7] >>> 10;
      if (turn >= 32) {
        [low, high] = [high, low];
        turn -= 32;
      }
      return turn === 0 ? high : ((high >>> turn) | (low << (32 - turn))) >>> 0;
    };
  }

  // How often each video was drawn in each resample: B rows of as many counts as videos.
  function drawVideos(draws, videos) {
    const next = generator(draws.state, draws.increment);
    const counts = new Uint16Array(draws.resamples * videos);
    for (let row = 0; row < draws.resamples; row++) {
      for (let turn = 0; turn < videos; turn++) {
        counts[row * videos + Math.floor((next() * videos) / 4294967296)] += 1;
      }
    }
    return counts;
  }

  // The videos that have captions, ascending, and the place of each caption's among them.
  function clustersOf(own) {
    const videos = [...new Set(own)].sort((a, b) => a - b);
    const place = new Map(videos.map((video, number) => [video, number]));
    return { videos, ofCaptions: Int32Array.from(own, (video) => place.get(video)) };
  }

  dvtr.makeDraws = (draws, own) => {
    const clusters = clustersOf(own);
    const count = clusters.videos.length;
    return {
      ...draws, ...clusters, count,
      counts: drawVideos(draws, count),
      once: new Uint16Array(count).fill(1),
      each: Int32Array.from({ length: count }, (_, number) => number),
    };
  };

  // Figures of one direction of a run for each row of draws.
  function directionFigures(ranks, clusters, gallery, counts, rows, width) {
    const distinct = Float64Array.from(new Set(ranks)).sort();
    const place = new Map(Array.from(distinct, (rank, number) => [rank, number]));
    const at = Int32Array.from(ranks, (rank) => place.get(rank));
    const depths = DEPTHS.filter((k) => k <= gallery);
    const within = depths.map((k) => distinct.filter((rank) => rank <= k).length);
    const names = [...depths.map((k) => `R@${k}`), "MdR", "MdR-lower", "MnR"];
    const found = Object.fromEntries(names.map((name) => [name, new Float64Array(rows)]));
    const histogram = new Float64Array(distinct.length), hits = new Float64Array(depths.length);
    for (let row = 0; row < rows; row++) {
      histogram.fill(0);
      const start = row * width;
      for (let query = 0; query < at.length; query++) {
        histogram[at[query]] += counts[start + clusters[query]];
      }
      let total = 0, sum = 0;
      for (let n = 0; n < histogram.length; n++) {
        total += histogram[n];
        sum += histogram[n] * distinct[n];
      }
      // The ranks before those of the middle two queries, and the sums up to the depths of R@k.
      let lower = 0, upper = 0, upTo = 0;
      for (let n = 0; n < histogram.length && upTo <= total / 2; n++) {
        upTo += histogram[n];
        if (upTo <= (total - 1) / 2) lower += 1;
        if (upTo <= total / 2) upper += 1;
      }
      hits.fill(0);
      for (let depth = 0; depth < within.length; depth++) {
        for (let n = 0; n < within[depth]; n++) hits[depth] += histogram[n];
      }
      depths.forEach((k, depth) => { found[`R@${k}`][row] = (100 * hits[depth]) / total; });
      found.MdR[row] = (distinct[lower] + distinct[upper]) / 2;
      found["MdR-lower"][row] = distinct[lower];
      found.MnR[row] = sum / total;
    }
    return found;
  }

  function runFigures(ranks, draws, gallery, counts, rows) {
    const figures = {};
    const sizes = { t2v: gallery, v2t: draws.count, v2t_caption: ranks.t2v.length };
    for (const direction of DIRECTIONS) {
      const clusters = direction === "t2v" ? draws.ofCaptions : draws.each;
      const found = directionFigures(
        ranks[direction], clusters, sizes[direction], counts, rows, draws.count);
      for (const [name, values] of Object.entries(found)) figures[`${direction}/${name}`] = values;
    }
    const recalls = ["t2v", "v2t"].flatMap((direction) =>
      DEPTHS.map((k) => figures[`${direction}/R@${k}`])).filter(Boolean);
    if (recalls.length === 6) {
      figures["both/mR"] = new Float64Array(rows);
      figures["both/RSum"] = new Float64Array(rows);
      for (let row = 0; row < rows; row++) {
        let sum = recalls[0][row];
        for (let n = 1; n < 6; n++) sum += recalls[n][row];
        figures["both/RSum"][row] = sum;
        figures["both/mR"][row] = sum / 6;
      }
    }
    return figures;
  }

  function meanOf(several) {
    if (several.length === 1) return several[0];
    return Object.fromEntries(Object.keys(several[0]).map((place) => {
      const mean = new Float64Array(several[0][place].length);
      for (let row = 0; row < mean.length; row++) {
        let sum = several[0][place][row];
        for (let n = 1; n < several.length; n++) sum += several[n][place][row];
        mean[row] = sum / several.length;
      }
      return [place, mean];
    }));
  }

  // The value of a figure if every query is a hit; null for one that is no share of queries.
  function fullShare(place) {
    const name = place.split("/")[1];
    return name === "RSum" ? 600 : name === "mR" || name.startsWith("R@") ? 100 : null;
  }

  // The figures of a row of the table: the mean over its runs, itself and in every resample.
  dvtr.rowFigures = (runs, draws, gallery) => ({
    square: draws.square, full: fullShare, videosOf: () => draws.count, wholeRun: true,
    points: meanOf(runs.map((ranks) => runFigures(ranks, draws, gallery, draws.once, 1))),
    resampled: meanOf(
      runs.map((ranks) => runFigures(ranks, draws, gallery, draws.counts, draws.resamples))),
  });

  // T2V R@1 of each group; NaN in a resample that draws no video of a group.
  dvtr.groupFigures = (runs, draws, axis, own) => {
    const codes = Int32Array.from(
      axis.unit === "caption" ? axis.codes : own.map((video) => axis.codes[video]));
    const groups = axis.groups.length;
    const figures = (counts, rows) => meanOf(runs.map((ranks) => {
      const found = axis.groups.map(() => new Float64Array(rows));
      const first = Uint8Array.from(ranks.t2v, (rank) => (rank <= 1 ? 1 : 0));
      const hits = new Float64Array(groups), all = new Float64Array(groups);
      for (let row = 0; row < rows; row++) {
        hits.fill(0);
        all.fill(0);
        for (let query = 0; query < codes.length; query++) {
          const weight = counts[row * draws.count + draws.ofCaptions[query]];
          all[codes[query]] += weight;
          hits[codes[query]] += weight * first[query];
        }
        for (let group = 0; group < groups; group++) {
          found[group][row] = all[group] ? (100 * hits[group]) / all[group] : NaN;
        }
      }
      return Object.fromEntries(found.map((values, group) => [group, values]));
    }));
    const queries = new Array(groups).fill(0);
    const videos = axis.groups.map(() => new Set());
    codes.forEach((code, query) => {
      queries[code] += 1;
      videos[code].add(draws.ofCaptions[query]);
    });
    const sizes = videos.map((one) => one.size);
    return {
      points: figures(draws.once, 1),
      resampled: figures(draws.counts, draws.resamples),
      square: draws.square, full: () => 100, videosOf: (group) => sizes[group],
      queries, videos: sizes,
    };
  };

  function interval(values, level) {
    const ordered = Float64Array.from(values).sort();
    const outside = Math.floor((ordered.length * (1 - level)) / 2 + 1e-9);
    return [ordered[outside], ordered[ordered.length - 1 - outside]];
  }

  // Wilson's interval where no query is a hit, or every one is: the bootstrap has no width there.
  function boundInterval(value, full, videos, square) {
    const width = (full * square) / (videos + square);
    return value === 0 ? [0, width] : [full - width, full];
  }

  function differenceInterval(one, other, moved, level, { full, videos, square }) {
    const atBound = (value) => value === 0 || value === full;
    if (full === null || !atBound(one) || !atBound(other)) return interval(moved, level);
    const [oneLow, oneHigh] = boundInterval(one, full, videos, square);
    const [otherLow, otherHigh] = boundInterval(other, full, videos, square);
    const length = (a, b) => Math.sqrt(a * a + b * b);
    const below = length(other - otherLow, oneHigh - one);
    const above = length(otherHigh - other, one - oneLow);
    return [other - one - below, other - one + above];
  }

  function twoSidedP(differences) {
    let below = 1, above = 1;
    for (const one of differences) {
      if (one <= 0) below += 1;
      if (one >= 0) above += 1;
    }
    return Math.min(1, (2 * Math.min(below, above)) / (1 + differences.length));
  }

  // Two rows with equal figures in every resample are one run: they differ nowhere.
  const equalEverywhere = (first, second) => Object.entries(first.resampled).every(([place, values]) =>
    values.every((value, row) => value === second.resampled[place][row]));

  // second - first, from figures made by rowFigures or groupFigures.
  dvtr.difference = (first, second, place, level) => {
    const moved = second.resampled[place].map((value, row) => value - first.resampled[place][row])
      .filter((value) => !Number.isNaN(value));
    const one = first.points[place][0], other = second.points[place][0];
    const [low, high] = differenceInterval(one, other, moved, level, {
      full: first.wholeRun && equalEverywhere(first, second) ? null : first.full(place),
      videos: first.videosOf(place), square: first.square });
    return { first: one, second: other, difference: other - one, low, high, p: twoSidedP(moved) };
  };

  // As many resamples as a family of tests needs: see dvtr_bench/ranking/holm.py.
  dvtr.drawsFor = (draws, tests) =>
    ({ ...draws, resamples: Math.max(draws.resamples, Math.min(100000, 40 * tests)) });

  // Holm's step-down: p-values of several comparisons, corrected for their number.
  dvtr.holm = (pValues) => {
    const order = pValues.map((_, n) => n).sort((a, b) => pValues[a] - pValues[b] || a - b);
    const corrected = new Array(pValues.length);
    let largest = 0;
    order.forEach((n, step) => {
      largest = Math.max(largest, pValues[n] * (pValues.length - step));
      corrected[n] = Math.min(1, largest);
    });
    return corrected;
  };
})();
