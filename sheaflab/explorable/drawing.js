"use strict";
/* What both pictures of the page draw with. A unit is a CSS pixel. */

const Drawing = (() => {
  const {SLIDING} = Engine;
  const FONT = "13px system-ui, sans-serif";
  const SMOOTH = 1e-9; // of the slope of log V: a jump that small is rounding
  const PER_PIECE = 40;

  const name = (i) => `z¹${"₀₁₂₃₄₅₆₇₈₉"[i]}`;
  const modeText = (modes) => modes.map((mode) => "01~"[mode]).join("");
  const hasKink = (event) => Math.abs(event.slopeAfter - event.slopeBefore) > SMOOTH * Math.abs(event.slopeBefore);

  const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : word.endsWith("ch") ? "es" : "s"}`;

  /** The colours of the present scheme, as the style sheet has them. */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    const get = (key) => style.getPropertyValue(`--${key}`).trim();
    return {
      ink: get("ink"), soft: get("soft"), line: get("line"), paper: get("paper"), card: get("card"), wall: get("wall"),
      modes: [0, 1, 2, 3, 4, 5, 6, 7].map((k) => get(`mode-${k}`)),
    };
  }

  /** One colour for each mode vector of a run: that which it had before, so that a colour keeps its meaning while a start is
  dragged. A new one takes a colour that nobody had, else one that nobody has in this run. `places` keeps who had which. */
  function modeColours(run, palette, places) {
    const met = [...new Set(run.pieces.map(({modes}) => modeText(modes)))], all = [...palette.modes.keys()], mine = new Map();
    const has = (map, place) => [...map.values()].includes(place);
    for (const text of met) {
      if (places.has(text) && !has(mine, places.get(text))) mine.set(text, places.get(text));
    }
    for (const text of met.filter((one) => !mine.has(one))) {
      const free = all.find((place) => !has(places, place)) ?? all.find((place) => !has(mine, place));
      mine.set(text, free ?? mine.size % all.length);
      places.set(text, mine.get(text));
    }
    return new Map(met.map((text) => [text, palette.modes[mine.get(text)]]));
  }

  /** The points that draw a run until `until`, by piece: [{piece, points: [{t, state, energy, slope}]}]. */
  function curves(run, until) {
    return run.pieces.filter((piece) => piece.start < until).map((piece) => {
      const end = Math.min(piece.end, until), points = [];
      for (let k = 0; k <= PER_PIECE; k++) {
        const t = piece.start + (end - piece.start) * (k / PER_PIECE) ** 2;
        points.push({t, ...Engine.at(run, t, piece)});
      }
      return {piece, points};
    });
  }

  /** Fit a canvas to its place on the page; returns its context, in which a unit is a CSS pixel. */
  function prepare(canvas, width, height) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.lineJoin = ctx.lineCap = "round";
    ctx.font = FONT;
    return ctx;
  }

  function stroke(ctx, colour, width, dash = []) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.setLineDash(dash);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  function polyline(ctx, points) {
    ctx.beginPath();
    points.forEach(([x, y], k) => k ? ctx.lineTo(x, y) : ctx.moveTo(x, y));
  }

  /** A stretch of a run: striped while a neuron slides, as in the bands. */
  function stretch(ctx, points, colour, slides, paper) {
    polyline(ctx, points);
    stroke(ctx, colour, slides ? 6 : 3);
    if (slides) {
      ctx.lineCap = "butt";
      stroke(ctx, paper, 3, [4, 4]);
      ctx.lineCap = "round";
    }
  }

  function marker(ctx, x, y, square, {ink, paper}) {
    ctx.beginPath();
    if (square) ctx.rect(x - 4, y - 4, 8, 8); else ctx.arc(x, y, 4.5, 0, 2 * Math.PI);
    ctx.fillStyle = paper;
    ctx.fill();
    stroke(ctx, ink, 1.8);
  }

  function star(ctx, x, y, {ink, paper}) {
    ctx.beginPath();
    for (let k = 0; k < 10; k++) {
      const size = k % 2 ? 4.5 : 11, angle = k * Math.PI / 5 - Math.PI / 2;
      ctx.lineTo(x + size * Math.cos(angle), y + size * Math.sin(angle));
    }
    ctx.closePath();
    ctx.fillStyle = ink;
    ctx.fill();
    stroke(ctx, paper, 1);
  }

  function hatched(ctx, x, y, width, height, colour) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, width, height);
    ctx.clip();
    ctx.beginPath();
    for (let k = x - height - (x % 6); k < x + width; k += 6) {
      ctx.moveTo(k, y + height);
      ctx.lineTo(k + height, y);
    }
    stroke(ctx, colour, 2);
    ctx.restore();
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1;
    ctx.strokeRect(x + 0.5, y + 0.5, Math.max(width - 1, 0), height - 1);
  }

  /** A round step for so many ticks over a span. */
  function tickStep(span, count) {
    const rough = span / count, size = 10 ** Math.floor(Math.log10(rough));
    return size * [1, 2, 5, 10].find((k) => k * size >= rough * 0.999);
  }

  return {
    FONT, SLIDING, name, modeText, hasKink, colours, modeColours, curves, prepare, stroke, polyline, stretch, marker, star,
    hatched, tickStep, signed, plural,
  };
})();
