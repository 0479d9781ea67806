"use strict";
/* The plane of two neurons: regions, arrows, walls, and the path of the flow. */

const Plane = (() => {
  const {FONT, SLIDING, name, modeText, prepare, stroke, polyline, stretch, marker, star, tickStep} = Drawing;
  const MONO = "12px ui-monospace, monospace";
  const MARGIN = {left: 38, right: 8, top: 16, bottom: 30}; // both ways the same, so that angles are true

  /** Where the plane's points are on its canvas, and back. */
  function scaleOf(size, extent) {
    const [width, height] = [size - MARGIN.left - MARGIN.right, size - MARGIN.top - MARGIN.bottom];
    return {
      x: (v) => MARGIN.left + (v + extent) / (2 * extent) * width,
      y: (v) => MARGIN.top + (extent - v) / (2 * extent) * height,
      back: (x, y) => [(x - MARGIN.left) / width * 2 * extent - extent, extent - (y - MARGIN.top) / height * 2 * extent],
      left: MARGIN.left, top: MARGIN.top, width, height,
    };
  }

  /** The plane of two neurons; the others have their values of the time `view.t`. */
  function draw(canvas, size, view, palette) {
    const ctx = prepare(canvas, size, size), scale = scaleOf(size, view.extent);
    const {sheaf, pair: [i, j], extent, now} = view, here = [...now.state];
    ctx.save();
    ctx.beginPath();
    ctx.rect(scale.left, scale.top, scale.width, scale.height);
    ctx.clip();
    const labels = regions(ctx, scale, view, palette);
    arrows(ctx, scale, sheaf, here, i, j, extent, palette, size);
    wallLine(ctx, Engine.wall(sheaf, here, i, j, extent), (v) => [scale.x(0), scale.y(v)], palette);
    wallLine(ctx, Engine.wall(sheaf, here, j, i, extent), (v) => [scale.x(v), scale.y(0)], palette);
    names(ctx, labels, palette);
    for (const {piece, points} of view.curves) {
      const path = points.map(({state}) => [scale.x(state[i]), scale.y(state[j])]);
      stretch(ctx, path, view.colours.get(modeText(piece.modes)), piece.modes.includes(SLIDING), palette.paper);
    }
    if (view.euler) eulerPath(ctx, scale, view, palette);
    for (const {time, neuron, before} of view.events) {
      const {state} = Engine.at(view.run, time);
      marker(ctx, scale.x(state[i]), scale.y(state[j]), before === SLIDING, palette);
    }
    star(ctx, scale.x(sheaf.a[i]), scale.y(sheaf.a[j]), palette);
    ctx.beginPath();
    ctx.arc(scale.x(here[i]), scale.y(here[j]), 7, 0, 2 * Math.PI);
    ctx.fillStyle = view.colours.get(modeText(now.modes));
    ctx.fill();
    stroke(ctx, palette.ink, 2);
    ctx.restore();
    axes(ctx, scale, view, palette);
  }

  /** The quadrants, in the colours of their patterns if the run meets these, with the patterns' names. */
  function regions(ctx, scale, {pair: [i, j], now, colours: known}, palette) {
    const [x0, y0] = [scale.x(0), scale.y(0)];
    const labels = [];
    ctx.font = MONO;
    for (const right of [0, 1]) {
      for (const upper of [0, 1]) {
        const modes = now.modes.slice();
        [modes[i], modes[j]] = [right, upper];
        const text = modeText(modes), colour = known.get(text);
        const [x, y] = [right ? x0 : scale.left, upper ? scale.top : y0];
        const [w, h2] = [right ? scale.left + scale.width - x0 : x0 - scale.left, upper ? y0 - scale.top : scale.top + scale.height - y0];
        ctx.globalAlpha = colour ? 0.22 : 0.08 + 0.14 * (right + upper);
        ctx.fillStyle = colour || palette.line;
        ctx.fillRect(x, y, w, h2);
        ctx.globalAlpha = 1;
        const label = `σ = ${text}`, wide = ctx.measureText(label).width + 8;
        labels.push([label, right ? x + w - 4 - wide : x + 4, upper ? y + 4 : y + h2 - 24, wide]);
      }
    }
    return labels;
  }

  /** The patterns' names, over arrows and walls. */
  function names(ctx, labels, palette) {
    ctx.font = MONO;
    for (const [text, x, y, wide] of labels) boxed(ctx, text, x, y, wide, palette);
    ctx.font = FONT;
  }

  /** A text on paper, which no line cuts through: `x`, `y` is the corner at its top left. */
  function boxed(ctx, text, x, y, wide, palette) {
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = palette.paper;
    ctx.fillRect(x, y, wide, 20);
    ctx.globalAlpha = 1;
    ctx.fillStyle = palette.ink;
    ctx.fillText(text, x + 4, y + 10);
  }

  function arrows(ctx, scale, sheaf, here, i, j, extent, palette, size) {
    const count = size < 420 ? 9 : 13, cell = scale.width / count, point = here.slice();
    ctx.beginPath();
    for (let p = 0; p < count; p++) {
      for (let q = 0; q < count; q++) {
        [point[i], point[j]] = [((p + 0.5) / count * 2 - 1) * extent, ((q + 0.5) / count * 2 - 1) * extent];
        const speed = Engine.velocity(sheaf, point), length = Math.hypot(speed[i], speed[j]);
        if (length < 1e-12) continue;
        const reach = cell * (0.25 + 0.55 * length / (length + extent)) / length;
        const [dx, dy] = [speed[i] * reach, -speed[j] * reach];
        const [x, y] = [scale.x(point[i]) - dx / 2, scale.y(point[j]) - dy / 2];
        ctx.moveTo(x, y);
        ctx.lineTo(x + dx, y + dy);
        for (const turn of [2.6, -2.6]) {
          const [cos, sin] = [Math.cos(turn), Math.sin(turn)], k = 5 / Math.hypot(dx, dy);
          ctx.moveTo(x + dx, y + dy);
          ctx.lineTo(x + dx + k * (dx * cos - dy * sin), y + dy + k * (dx * sin + dy * cos));
        }
      }
    }
    stroke(ctx, palette.soft, 1.2);
  }

  function wallLine(ctx, parts, place, palette) {
    for (const {from, to, kind} of parts) {
      polyline(ctx, [place(from), place(to)]);
      ctx.lineCap = "butt";
      if (kind === "slide") {
        stroke(ctx, palette.wall, 9);
        stroke(ctx, palette.paper, 5, [3, 5]);
      } else {
        stroke(ctx, palette.ink, 1.4, kind === "repel" ? [2, 5] : []);
      }
      ctx.lineCap = "round";
    }
  }

  function eulerPath(ctx, scale, {euler, pair: [i, j], extent}, palette) {
    const points = [];
    let last = null;
    for (const state of euler.states) { // of steps closer than half a pixel one is drawn
      const x = scale.x(state[i]), y = scale.y(state[j]);
      if (last && Math.abs(x - last[0]) + Math.abs(y - last[1]) < 0.5) continue;
      if (!(Math.abs(state[i]) < 10 * extent && Math.abs(state[j]) < 10 * extent)) break;
      points.push(last = [x, y]);
    }
    polyline(ctx, points);
    stroke(ctx, palette.paper, 4.5); // also where it runs along the path of the exact flow it shows
    stroke(ctx, palette.ink, 1.4);
    ctx.fillStyle = palette.ink;
    let marked = null;
    for (const [x, y] of points) {
      if (marked && Math.hypot(x - marked[0], y - marked[1]) < 4) continue;
      ctx.fillRect(x - 1.6, y - 1.6, 3.2, 3.2);
      marked = [x, y];
    }
  }

  function axes(ctx, scale, {pair: [i, j], extent}, palette) {
    ctx.strokeStyle = palette.line;
    ctx.lineWidth = 1;
    ctx.strokeRect(scale.left, scale.top, scale.width, scale.height);
    ctx.fillStyle = palette.soft;
    const step = tickStep(2 * extent, 6);
    for (let k = -Math.floor(extent / step); k <= extent / step; k++) {
      const value = k * step, text = String(+value.toPrecision(3)).replace("-", "−");
      ctx.textAlign = "center";
      ctx.textBaseline = "top";
      ctx.fillText(text, scale.x(value), scale.top + scale.height + 6);
      ctx.textAlign = "right";
      ctx.textBaseline = "middle";
      ctx.fillText(text, scale.left - 6, scale.y(value));
    }
    ctx.font = `600 15px system-ui, sans-serif`;
    const [across, up] = [`${name(i)} →`, `↑ ${name(j)}`], wide = ctx.measureText(across).width + 8;
    boxed(ctx, across, scale.left + scale.width - 4 - wide, scale.y(0) - 27, wide, palette);
    boxed(ctx, up, scale.x(0) + 7, scale.top + 4, ctx.measureText(up).width + 8, palette);
  }

  return {draw, scaleOf};
})();
