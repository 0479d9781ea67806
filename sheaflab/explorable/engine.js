"use strict";
/* The heat equation of one hidden layer and one output, followed exactly: what sheaflab's `Exact` does, in a page.

A sheaf is {a, w, b}: a = W¹x + b¹ (the drive of each hidden neuron), w the row W², b the output's bias. A state is
[z of each hidden neuron, output]. With the output's residual r = output − b − Σ w·relu(z):

    ż_i = a_i − z_i           inactive (z_i ≤ 0)
    ż_i = a_i − z_i + w_i r   active (z_i > 0)
    ż_i = 0                   sliding: both sides push to the wall, a_i > 0 > a_i + w_i r

In every mode r and p = Σ w·(z − a) over the active neurons obey a linear system with the rates l1 · l2 = 1, so each
event function is a constant and at most three exponentials. Formulas and proof: sheaflab/engine/shallow.py. */

const Engine = (() => {
  const INACTIVE = 0, ACTIVE = 1, SLIDING = 2;
  const EPS = 2 ** -52;

  /** The two rates of a mode, and the amplitudes of r and of what it does to active neurons. */
  function law(s, p, r) {
    const q = Math.sqrt(s * s + 4 * s);
    if (q < 1e-150) return {l1: 1, l2: 1, R1: r, R2: 0, B1: 0, B2: 0, share: 0};
    const d1 = 2 * s / (s + q), d2 = (s + q) / 2;
    const R1 = (p + d1 * r) / q, R2 = (d2 * r - p) / q;
    return {l1: 2 / (2 + s + q), l2: 1 + d2, R1, R2, B1: R1 / d1, B2: -R2 / d2, share: p / s};
  }

  /** The slowest rate λ* of Theorem 9.4: that of the pattern with every neuron active. */
  function slowestRate({w}) {
    return law(w.reduce((sum, v) => sum + v * v, 0), 0, 0).l1;
  }

  function residual({w, b}, c) {
    return w.reduce((rest, v, i) => rest - v * Math.max(c[i], 0), c[w.length] - b);
  }

  /** The velocity at a state outside the walls; `c` is not changed. */
  function velocity(sheaf, c) {
    const {a, w} = sheaf, r = residual(sheaf, c);
    return [...a.map((drive, i) => drive - c[i] + (c[i] > 0 ? w[i] * r : 0)), -r];
  }

  /** The mode in which a neuron on its wall starts; a speed that vanishes has the sign of its derivative. */
  function firstMode({a, w}, i, r, rate) {
    if (a[i] <= 0) return INACTIVE;
    const up = a[i] + w[i] * r;
    return (up === 0 ? w[i] * rate >= 0 : up > 0) ? ACTIVE : SLIDING;
  }

  /** Filippov's rule at an event; the side that the neuron comes from decides one of the two signs. */
  function settle(before, down, up) {
    if (before === INACTIVE) return down <= 0 ? INACTIVE : up > 0 ? ACTIVE : SLIDING;
    if (before === ACTIVE) return up >= 0 ? ACTIVE : down <= 0 ? INACTIVE : SLIDING;
    return ACTIVE; // a slide ends only so: the speed of the inactive side is a_i > 0 and does not change
  }

  /** The sum of coefficient · exp(−rate · t) over [coefficient, rate], times exp(shift · t); and its slope. */
  function sum(terms, shift, t) {
    let value = 0, slope = 0;
    for (const [coefficient, rate] of terms) {
      const term = coefficient * Math.exp((shift - rate) * t);
      value += term;
      slope += (shift - rate) * term;
    }
    return {value, slope};
  }

  /** The sign change in [low, high], between whose ends the scaled sum is monotone: Newton's method in a bracket. */
  function solve(terms, shift, low, high, falls) {
    let t = (low + high) / 2;
    for (let count = 0; count < 200; count++) {
      const {value, slope} = sum(terms, shift, t);
      if (value > 0 === falls) low = t; else high = t;
      let next = t - value / slope;
      if (count > 30 || !(next > low && next < high)) next = (low + high) / 2;
      if (Math.abs(next - t) <= 2 * EPS * t) return next;
      t = next;
    }
    return t;
  }

  /** All sign changes of a sum of exponentials in (0, limit), in order. Its rates must rise.

  Divided by its slowest exponential the sum has the derivative of a sum with one term less. Between two zeros of that
  the quotient is monotone (Rolle), so none is overlooked, however close two of them are. */
  function signChanges(terms, limit) {
    if (terms.length < 2) return [];
    const shift = terms[0][1];
    const bends = signChanges(terms.slice(1).map(([coefficient, rate]) => [coefficient * (rate - shift), rate]), limit);
    const found = [];
    let low = 0, before = sum(terms, shift, 0).value;
    for (const high of [...bends, limit]) {
      const after = sum(terms, shift, high).value;
      if (before > 0 !== after > 0) found.push(solve(terms, shift, low, high, before > 0));
      [low, before] = [high, after];
    }
    return found;
  }

  /** When c + a1 e^(−l1 t) + a2 e^(−t) + a3 e^(−l2 t) first falls through 0, Infinity if not before `limit`.

  `start` is its value at 0, where rounding does not blur it. One that starts at 0 has left the wall: that zero is over. */
  function firstFall([c, a1, a2, a3], {l1, l2}, start, limit) {
    const terms = [[c, 0], [a1, l1], [a2, 1], [a3, l2]].filter(([coefficient]) => coefficient !== 0);
    if (terms.length < 2) return Infinity;
    const shift = terms[0][1], slower = terms.slice(1).map(([coefficient, rate]) => [coefficient * (rate - shift), rate]);
    let low = 0, above = start > 0;
    for (const high of [...signChanges(slower, limit), limit]) {
      const {value} = sum(terms, shift, high);
      if (above && value <= 0) return solve(terms, shift, low, high, true);
      above ||= value > 0;
      low = high;
    }
    return Infinity;
  }

  /** The wait until the first event of a piece and the neurons that have it. */
  function firstEvents({a, w}, {modes, z, now}, horizon) {
    let best = horizon;
    const hits = [];
    for (let i = 0; i < a.length; i++) {
      let wait;
      if (modes[i] === INACTIVE) {
        wait = a[i] > 0 ? Math.log1p(-z[i] / a[i]) : Infinity;
      } else if (modes[i] === SLIDING) {
        const toWall = -a[i] - w[i] * (now.R1 + now.R2);
        wait = firstFall([-a[i], -w[i] * now.R1, 0, -w[i] * now.R2], now, toWall, best);
      } else {
        const share = w[i] * now.share;
        wait = firstFall([a[i], w[i] * now.B1, z[i] - a[i] - share, w[i] * now.B2], now, z[i], best);
      }
      if (wait <= best) {
        best = wait;
        hits.push([wait, i]);
      }
    }
    return [best, hits.filter(([wait]) => wait <= best * (1 + 4 * EPS)).map(([, i]) => i)];
  }

  /** Hidden coordinates and residual a time `wait` after the start of a piece, measured from there. */
  function moved({a, w}, {modes, z, now}, wait) {
    const drop = Math.expm1(-wait);
    const pull = now.B1 * Math.expm1(-now.l1 * wait) + now.B2 * Math.expm1(-now.l2 * wait);
    return {
      z: z.map((v, i) =>
        modes[i] === ACTIVE ? v + (v - a[i] - w[i] * now.share) * drop + w[i] * pull
        : modes[i] === INACTIVE ? v + (v - a[i]) * drop : 0),
      r: now.R1 * Math.exp(-now.l1 * wait) + now.R2 * Math.exp(-now.l2 * wait),
    };
  }

  /** Energy V, slope d(log V)/dt and output at hidden coordinates and residual, in a mode. */
  function measures({a, w, b}, modes, z, r) {
    let twice = r * r, square = r * r, output = r + b;
    for (let i = 0; i < a.length; i++) {
      const u = a[i] - z[i], v = modes[i] === SLIDING ? 0 : modes[i] === ACTIVE ? u + w[i] * r : u;
      twice += u * u;
      square += v * v;
      if (modes[i] === ACTIVE) output += w[i] * z[i];
    }
    return {energy: twice / 2, slope: twice > 0 ? -square / (twice / 2) : 0, output};
  }

  function piece({a, w}, start, modes, z, r) {
    let s = 0, p = 0;
    for (let i = 0; i < a.length; i++) {
      if (modes[i] !== ACTIVE) continue;
      s += w[i] * w[i];
      p += w[i] * (z[i] - a[i]);
    }
    return {start, end: start, modes, z, r, now: law(s, p, r)};
  }

  /** Follow the flow from the state `c0` until `tEnd`.

  Returns {sheaf, pieces, events, tEnd}; an event is {time, neuron, before, after, energy, slopeBefore, slopeAfter}. A run
  of more than `most` events stops there and has a smaller tEnd. */
  function run(sheaf, c0, tEnd, most = 2000) {
    const {a, w} = sheaf, h = a.length, r0 = residual(sheaf, c0);
    const z0 = c0.slice(0, h), speed = velocity(sheaf, c0);
    const rate = w.reduce((rest, v, i) => rest - (z0[i] > 0 ? v * speed[i] : 0), speed[h]);
    const modes0 = z0.map((v, i) => v > 0 ? ACTIVE : v < 0 ? INACTIVE : firstMode(sheaf, i, r0, rate));
    let current = piece(sheaf, 0, modes0, z0, r0);
    const pieces = [current], events = [];
    for (;;) {
      const [wait, who] = firstEvents(sheaf, current, tEnd - current.start);
      if (!who.length) break;
      const {z, r} = moved(sheaf, current, wait);
      const time = Math.min(current.start + wait, tEnd), modes = current.modes.slice();
      for (const i of who) {
        z[i] = 0;
        modes[i] = settle(current.modes[i], a[i], a[i] + w[i] * r);
      }
      const {energy, slope} = measures(sheaf, current.modes, z, r), after = measures(sheaf, modes, z, r);
      for (const i of who) {
        if (modes[i] === current.modes[i]) continue; // touched within rounding
        const [before, next] = [current.modes[i], modes[i]];
        events.push({time, neuron: i, before, after: next, energy, slopeBefore: slope, slopeAfter: after.slope});
      }
      current.end = time;
      if (events.length >= most) return {sheaf, pieces, events, tEnd: time};
      current = piece(sheaf, time, modes, z, r);
      pieces.push(current);
    }
    current.end = tEnd;
    return {sheaf, pieces, events, tEnd};
  }

  /** The piece of a run to which a time belongs: at an event the later one. */
  function pieceAt({pieces}, t) {
    let low = 0, high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle].start <= t) low = middle; else high = middle - 1;
    }
    return pieces[low];
  }

  /** What there is at one time of a run: {state, modes, energy, slope}; of a given piece if one is named. */
  function at(result, t, within = pieceAt(result, t)) {
    const {z, r} = moved(result.sheaf, within, t - within.start);
    const {energy, slope, output} = measures(result.sheaf, within.modes, z, r);
    return {state: [...z, output], modes: within.modes, energy, slope};
  }

  /** Explicit Euler with the step `dt`: {times, states, changes, stable}; a change is a sign that differs after a step. */
  function euler(sheaf, c0, dt, tEnd) {
    const {a, w, b} = sheaf, h = a.length, steps = Math.max(1, Math.ceil(tEnd / dt * (1 - 1e-12)));
    const times = [0], states = [c0.slice()], changes = [];
    for (let k = 1; k <= steps; k++) {
      const before = states[k - 1], next = new Array(h + 1), t = k === steps ? tEnd : k * dt, step = t - times[k - 1];
      let r = before[h] - b;
      for (let i = 0; i < h; i++) if (before[i] > 0) r -= w[i] * before[i];
      for (let i = 0; i < h; i++) {
        next[i] = before[i] + step * (a[i] - before[i] + (before[i] > 0 ? w[i] * r : 0));
        if (next[i] > 0 !== before[i] > 0) changes.push({time: t, neuron: i});
      }
      next[h] = before[h] - step * r;
      times.push(t);
      states.push(next);
      if (!(Math.abs(next[h]) < 1e100)) return {times, states, changes, stable: false};
    }
    return {times, states, changes, stable: true};
  }

  /** What happens on the wall z_i = 0 in the plane of z_i and z_j, the other coordinates being those of the state `c`.

  Returns [{from, to, kind}], parts of the wall by z_j; kind is "cross", "slide" or "repel". */
  function wall(sheaf, c, i, j, extent) {
    const {a, w} = sheaf, flat = c.slice();
    flat[i] = flat[j] = 0;
    const speed = a[i] + w[i] * residual(sheaf, flat), bend = -w[i] * w[j]; // a_i + w_i r is speed + bend · relu(z_j)
    const turn = bend === 0 ? NaN : -speed / bend;
    const cuts = [-extent, 0, ...(turn > 0 && turn < extent ? [turn] : []), extent];
    const parts = cuts.slice(1).map((to, k) => {
      const up = speed + bend * Math.max((cuts[k] + to) / 2, 0);
      return {from: cuts[k], to, kind: a[i] > 0 ? (up < 0 ? "slide" : "cross") : up > 0 ? "repel" : "cross"};
    });
    return parts.reduce((joined, part) => {
      const last = joined[joined.length - 1];
      if (last && last.kind === part.kind) last.to = part.to; else joined.push(part);
      return joined;
    }, []);
  }

  return {INACTIVE, ACTIVE, SLIDING, run, at, pieceAt, euler, wall, velocity, slowestRate, firstFall};
})();
