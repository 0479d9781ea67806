"use strict";
/* Energy, slope and bands over one time axis, and the moments at which Euler sees a sign change. */

const Panels = (() => {
  const {ACTIVE, SLIDING} = Engine, {FONT, name, modeText, hasKink, prepare, stroke, polyline, stretch, marker, hatched, tickStep} = Drawing;
  const SHOWN_ENERGY = 1e-20; // of the start's; below, V is the square of rounding errors
  const GUTTER = {left: 58, right: 12}, ROW = 16, GAP = 26;

  /** The panels' places from top to bottom, and the height of all. */
  function placesFor(width, h, withEuler) {
    const panels = {}, roomy = width > 480 ? 1.35 : 1;
    const heights = {energy: 140 * roomy, slope: 110 * roomy, bands: h * ROW, ...(withEuler ? {euler: 24} : {})};
    let top = 0;
    for (const [key, height] of Object.entries(heights)) {
      panels[key] = {top: top + 20, height};
      top += 20 + height + 8;
    }
    return {panels, height: top + GAP - 4, left: GUTTER.left, width: width - GUTTER.left - GUTTER.right};
  }

  /** Draw them all; `view` is what the page has computed. */
  function draw(canvas, width, view, palette) {
    const places = placesFor(width, view.h, Boolean(view.euler)), ctx = prepare(canvas, width, places.height);
    const x = (t) => places.left + t / view.until * places.width;
    const visible = view.curves.map(({piece, points}) => (
      {piece, points: points.filter(({energy}) => energy > SHOWN_ENERGY * view.startEnergy)}
    )).filter(({points}) => points.length > 1);
    const events = view.events.filter(({energy}) => energy > SHOWN_ENERGY * view.startEnergy);
    timeAxis(ctx, places, view, x, palette);
    energyPanel(ctx, places, view, visible, events, x, palette);
    slopePanel(ctx, places, view, visible, events, x, palette);
    bands(ctx, places, view, x, palette);
    if (view.euler) eulerStrip(ctx, places, view, x, palette);
    verticals(ctx, places, [x(view.t)]);
    stroke(ctx, palette.ink, 2);
  }

  function title(ctx, places, key, text, palette) {
    ctx.font = `600 ${FONT}`;
    ctx.fillStyle = palette.ink;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(text, places.left, places.panels[key].top - 3);
    ctx.font = FONT;
  }

  /** Lines through all panels, not through their titles. */
  function verticals(ctx, {panels}, xs) {
    ctx.beginPath();
    for (const x of xs) {
      for (const {top, height} of Object.values(panels)) {
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
      }
    }
  }

  function timeAxis(ctx, places, view, x, palette) {
    const bottom = places.height - GAP, ticks = range(0, view.until, tickStep(view.until, places.width < 360 ? 5 : 8));
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.fillStyle = palette.soft;
    for (const tick of ticks) ctx.fillText(tick ? String(+tick.toPrecision(3)) : "t = 0", x(tick), bottom + 5);
    verticals(ctx, places, ticks.map(x));
    stroke(ctx, palette.line, 1);
    verticals(ctx, places, view.events.map(({time}) => x(time)));
    stroke(ctx, palette.soft, 1, [3, 3]);
  }

  /** The vertical scale of a panel with its ticks. */
  function scaleOf(ctx, places, key, low, high, ticks, label, palette) {
    const {top, height} = places.panels[key];
    const y = (value) => top + (high - value) / (high - low) * height;
    ctx.strokeStyle = palette.line;
    ctx.lineWidth = 1;
    ctx.strokeRect(places.left, top, places.width, height);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillStyle = palette.soft;
    for (const tick of ticks) ctx.fillText(label(tick), places.left - 6, y(tick));
    return y;
  }

  const SUPERSCRIPTS = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};

  function range(low, high, step) {
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) found.push(k * step);
    return found;
  }

  function energyPanel(ctx, places, view, visible, events, x, palette) {
    title(ctx, places, "energy", "energy V, on a logarithmic axis", palette);
    const lowest = Math.min(...visible.map(({points}) => points[points.length - 1].energy));
    const high = Math.ceil(Math.log10(view.startEnergy) + 0.1), low = Math.min(Math.floor(Math.log10(lowest)), high - 2);
    const ticks = range(low, high, Math.max(1, Math.ceil((high - low) / 5)));
    const y = scaleOf(ctx, places, "energy", low, high, ticks,
      (tick) => `10${[...String(tick)].map((sign) => SUPERSCRIPTS[sign]).join("")}`, palette);
    const {top, height} = places.panels.energy;
    ctx.save();
    ctx.beginPath();
    ctx.rect(places.left, top - 4, places.width, height + 4);
    ctx.clip();
    const bound = (t) => y(Math.log10(view.startEnergy) - 2 * view.rate * t / Math.LN10);
    polyline(ctx, [[x(0), bound(0)], [x(view.until), bound(view.until)]]);
    stroke(ctx, palette.ink, 1.5, [7, 5]);
    for (const {piece, points} of visible) {
      const path = points.map(({t, energy}) => [x(t), y(Math.log10(energy))]);
      stretch(ctx, path, view.colours.get(modeText(piece.modes)), piece.modes.includes(SLIDING), palette.paper);
    }
    for (const event of events) marker(ctx, x(event.time), y(Math.log10(event.energy)), !hasKink(event), palette);
    ctx.restore();
  }

  function slopePanel(ctx, places, view, visible, events, x, palette) {
    title(ctx, places, "slope", "slope d(log V)/dt: a kink is a jump", palette);
    const lowest = Math.min(...visible.flatMap(({points}) => points.map(({slope}) => slope)));
    const step = tickStep(-lowest, 3), low = step * Math.floor(lowest / step - 0.05);
    const y = scaleOf(ctx, places, "slope", low, 0, range(low, 0, step),
      (tick) => String(+tick.toPrecision(3)).replace("-", "−"), palette);
    polyline(ctx, [[x(0), y(-2 * view.rate)], [x(view.until), y(-2 * view.rate)]]);
    stroke(ctx, palette.ink, 1.5, [7, 5]);
    for (const event of events) {
      polyline(ctx, [[x(event.time), y(event.slopeBefore)], [x(event.time), y(event.slopeAfter)]]);
      stroke(ctx, palette.ink, 2);
    }
    for (const {piece, points} of visible) {
      const path = points.map(({t, slope}) => [x(t), y(slope)]);
      stretch(ctx, path, view.colours.get(modeText(piece.modes)), piece.modes.includes(SLIDING), palette.paper);
    }
    for (const event of events) {
      if (hasKink(event)) marker(ctx, x(event.time), y(event.slopeBefore), false, palette);
      marker(ctx, x(event.time), y(event.slopeAfter), !hasKink(event), palette);
    }
  }

  function bands(ctx, places, view, x, palette) {
    title(ctx, places, "bands", "active: filled; sliding: striped", palette);
    const {top, height} = places.panels.bands;
    ctx.fillStyle = palette.card;
    ctx.fillRect(places.left, top, places.width, height);
    for (const {piece, points} of view.curves) {
      const from = x(piece.start), colour = view.colours.get(modeText(piece.modes));
      const wide = Math.max(x(points[points.length - 1].t) - from, 0.5);
      piece.modes.forEach((mode, i) => {
        ctx.fillStyle = colour;
        if (mode === ACTIVE) ctx.fillRect(from, top + i * ROW + 1.5, wide, ROW - 3);
        if (mode === SLIDING) hatched(ctx, from, top + i * ROW + 1.5, wide, ROW - 3, colour);
      });
    }
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (let i = 0; i < view.h; i++) {
      ctx.fillStyle = view.pair.includes(i) ? palette.ink : palette.soft;
      ctx.font = `${view.pair.includes(i) ? "700 " : ""}${FONT}`;
      ctx.fillText(name(i), places.left - 8, top + (i + 0.5) * ROW);
    }
    ctx.font = FONT;
    ctx.strokeStyle = palette.line;
    ctx.strokeRect(places.left, top, places.width, height);
  }

  function eulerStrip(ctx, places, view, x, palette) {
    title(ctx, places, "euler", `Euler, Δt = ${view.dt}: ${view.euler.changes.length} sign changes`, palette);
    const {top, height} = places.panels.euler;
    ctx.beginPath();
    for (const {time} of view.euler.changes) {
      ctx.moveTo(x(time), top);
      ctx.lineTo(x(time), top + height);
    }
    ctx.lineCap = "butt";
    stroke(ctx, palette.ink, 1);
    ctx.lineCap = "round";
    ctx.strokeStyle = palette.line;
    ctx.strokeRect(places.left, top, places.width, height);
  }

  return {draw, placesFor};
})();
