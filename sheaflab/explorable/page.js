"use strict";
/* What the reader changes, and what follows from it. */

(() => {
  const {SLIDING} = Engine, {name, modeText, signed, plural} = Drawing;
  const get = (id) => document.getElementById(id);
  const [NUMBERS, GIVEN] = ["numbers", "settings"].map((id) => JSON.parse(get(id).textContent));
  const STEPS = [0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2];
  const EXTENTS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
  const T_END = 60, PLAY_SECONDS = 9, QUIET = 350; // ms without a change, after which the run is told in words
  const MODES = ["inactive", "active", "sliding"];

  const planeCanvas = document.querySelector("#plane canvas"), timesCanvas = get("times"), handle = get("handle");
  const settings = {hidden: 4, network: 0, direction: 1, magnitude: 2, pair: [0, 3], until: 6, euler: false, dt: 0.05, framed: false, ...GIVEN};
  let palette = Drawing.colours();
  let vector; // the start over its magnitude: its direction, until somebody drags
  const colourPlaces = new Map(); // which mode vector has which colour
  let extent = 4, t = 0, playing = null, queued = false, quiet = 0, view = null;

  const sheaf = () => NUMBERS[settings.hidden].sheaves[settings.network];
  const start = () => vector.map((v) => v * settings.magnitude);

  function reset() {
    vector = NUMBERS[settings.hidden].directions[settings.direction].slice();
    rewind();
  }

  function rewind() {
    pause();
    t = 0;
  }

  /** Compute all that the pictures show. */
  function follow() {
    const c0 = start(), {until, pair} = settings, run = Engine.run(sheaf(), c0, T_END);
    const events = run.events.filter(({time}) => time <= until);
    view = {
      sheaf: sheaf(), h: settings.hidden, run, pair, until, events, rate: Engine.slowestRate(sheaf()), dt: settings.dt,
      later: run.events.length - events.length,
      startEnergy: Engine.at(run, 0).energy, curves: Drawing.curves(run, until), colours: Drawing.modeColours(run, palette, colourPlaces),
      euler: settings.euler ? Engine.euler(sheaf(), c0, settings.dt, until) : null,
    };
  }

  /** Choose the plane's size so that all of the run is in it. Not while dragging: the disc would run away. */
  function fit() {
    const [i, j] = settings.pair, {a} = sheaf();
    let far = Math.max(Math.abs(a[i]), Math.abs(a[j]));
    for (const {points} of view.curves) {
      for (const {state} of points) far = Math.max(far, Math.abs(state[i]), Math.abs(state[j]));
    }
    extent = EXTENTS.find((size) => size >= 1.12 * far) || EXTENTS[EXTENTS.length - 1];
  }

  /** Something has changed: compute at once, draw with the next frame, tell it in words when it is quiet. */
  function changed({refit = true} = {}) {
    follow();
    if (refit) fit();
    draw();
    get("said").setAttribute("aria-busy", true);
    clearTimeout(quiet);
    quiet = setTimeout(tell, QUIET);
    questions.forEach((question) => question.look());
  }

  function draw() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      paint();
    });
  }

  function paint() {
    t = Math.min(t, settings.until);
    Object.assign(view, {t, extent, now: Engine.at(view.run, t)});
    const size = planeCanvas.parentElement.clientWidth, width = timesCanvas.parentElement.clientWidth;
    Plane.draw(planeCanvas, size, view, palette);
    timesCanvas.style.height = `${Panels.placesFor(width, view.h, Boolean(view.euler)).height}px`;
    Panels.draw(timesCanvas, width, view, palette);
    const scale = Plane.scaleOf(size, extent), [x, y] = corner();
    handle.style.transform = `translate(${scale.x(x)}px, ${scale.y(y)}px)`;
    readouts(x, y);
  }

  const corner = () => settings.pair.map((i) => vector[i] * settings.magnitude);

  function readouts(x, y) {
    const {now} = view, [i, j] = settings.pair;
    get("now").textContent = `t = ${t.toFixed(2)} · V = ${now.energy.toPrecision(3)} · slope ${signed(now.slope, 2)} · σ = ${modeText(now.modes)}`;
    get("counts").textContent = counts();
    get("time").value = Math.round(1000 * t / settings.until);
    get("time").setAttribute("aria-valuetext", `t = ${t.toFixed(2)}, ${activity(now.modes)}`);
    handle.setAttribute("aria-valuemin", -extent);
    handle.setAttribute("aria-valuemax", extent);
    handle.setAttribute("aria-valuenow", x.toFixed(2));
    handle.setAttribute("aria-valuetext", `${name(i)} = ${signed(x, 2)}, ${name(j)} = ${signed(y, 2)}`);
    for (const [field, value] of [[get("across"), x], [get("up"), y]]) {
      if (document.activeElement !== field) field.value = +value.toFixed(3);
    }
    get("magnitude-value").textContent = settings.magnitude.toFixed(1);
    get("step-value").textContent = settings.dt;
    get("play").textContent = playing ? "Pause" : "Play";
  }

  function activity(modes) {
    const who = (code) => modes.flatMap((mode, i) => mode === code ? [i] : []).join(", ") || "none";
    return `active: ${who(Engine.ACTIVE)}; sliding: ${who(SLIDING)}`;
  }

  function counts() {
    const exact = `Exact: ${plural(view.events.length, "switch")} until t = ${settings.until}`;
    if (!view.euler) return exact;
    if (!view.euler.stable) return `${exact}. Euler: the numbers overflow; Δt is too long for this network`;
    return `${exact}. Euler, Δt = ${settings.dt}: ${plural(view.euler.changes.length, "sign change")}`;
  }

  /** The run in words: for those who listen, and with more digits. */
  function tell() {
    const last = Engine.at(view.run, settings.until).energy;
    const later = view.later ? ` ${plural(view.later, "switch")} more after that.` : "";
    get("said").textContent = `${counts()}. The flow ${Questions.slides(view) ? "slides" : "does not slide"}.${later} `
      + `The energy falls from ${view.startEnergy.toPrecision(3)} to ${last.toPrecision(2)}.`;
    planeCanvas.setAttribute("aria-label", `The plane of ${settings.pair.map(name).join(" and ")}: the path from the start to the forward pass. ${counts()}.`);
    timesCanvas.setAttribute("aria-label", `Energy V, slope of log V and active neurons from t = 0 to ${settings.until}. The table below has the switches.`);
    const cell = (text, number) => Object.assign(document.createElement("td"), {textContent: text, className: number ? "number" : ""});
    get("log").replaceChildren(...view.run.events.map((event) => {
      const row = document.createElement("tr");
      row.append(
        cell(event.time.toFixed(6), true), cell(name(event.neuron)), cell(MODES[event.before]), cell(MODES[event.after]),
        cell(event.energy.toPrecision(4), true), cell(signed(event.slopeBefore, 4), true), cell(signed(event.slopeAfter, 4), true));
      return row;
    }));
    get("said").setAttribute("aria-busy", false);
  }

  // Time: play, pause, scrub.

  function pause() {
    playing = null;
    draw();
  }

  function play() {
    if (t >= settings.until) t = 0;
    playing = {from: t, at: performance.now()};
    requestAnimationFrame(function step(moment) {
      if (!playing) return;
      t = playing.from + (moment - playing.at) / 1000 * settings.until / PLAY_SECONDS;
      if (t >= settings.until) [t, playing] = [settings.until, null];
      moveTo(Math.max(t, 0));
      if (playing) requestAnimationFrame(step);
    });
  }

  function moveTo(time) {
    t = Math.min(Math.max(time, 0), settings.until);
    draw();
    questions.forEach((question) => question.look());
  }

  get("play").addEventListener("click", () => playing ? pause() : play());
  get("time").addEventListener("input", (event) => {
    pause();
    moveTo(event.target.value / 1000 * settings.until);
  });

  function scrub(event) {
    const box = timesCanvas.getBoundingClientRect(), places = Panels.placesFor(box.width, view.h, Boolean(view.euler));
    moveTo((event.clientX - box.left - places.left) / places.width * settings.until);
  }

  drags(timesCanvas, (event) => {
    pause();
    scrub(event);
  }, scrub);

  // The start: dragged, moved by keys, typed.

  function put(x, y) {
    rewind();
    settings.pair.forEach((i, k) => {
      vector[i] = Math.min(Math.max([x, y][k], -extent), extent) / settings.magnitude;
    });
    changed({refit: false});
  }

  function dragTo(event) {
    const box = planeCanvas.getBoundingClientRect();
    put(...Plane.scaleOf(box.width, extent).back(event.clientX - box.left, event.clientY - box.top));
  }

  /** Call `begin` and then `move` while a pointer is down on an element, wherever it goes. */
  function drags(element, begin, move) {
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      begin(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  drags(handle, () => handle.focus({preventScroll: true}), dragTo);
  planeCanvas.addEventListener("pointerdown", (event) => { // a finger on the plane scrolls the page, a mouse drags
    if (event.pointerType !== "mouse" || event.button) return;
    event.preventDefault();
    handle.focus({preventScroll: true});
    handle.setPointerCapture(event.pointerId);
    dragTo(event);
  });
  planeCanvas.addEventListener("click", (event) => event.pointerType === "touch" && dragTo(event));
  handle.addEventListener("keydown", (event) => {
    const turn = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    if (!turn) return;
    event.preventDefault();
    const [x, y] = corner(), size = extent / (event.shiftKey ? 400 : 40);
    put(x + turn[0] * size, y + turn[1] * size);
  });
  for (const id of ["across", "up"]) {
    get(id).addEventListener("change", () => {
      const [x, y] = [get("across"), get("up")].map((field) => field.valueAsNumber);
      if (!Number.isFinite(x) || !Number.isFinite(y)) return changed();
      rewind();
      settings.pair.forEach((i, k) => { vector[i] = Math.min(Math.max([x, y][k], -100), 100) / settings.magnitude; });
      changed();
    });
  }

  // The other settings.

  function choosePair() {
    const names = Array.from({length: settings.hidden}, (_, i) => name(i));
    [get("first"), get("second")].forEach((select, k) => {
      select.replaceChildren(...names.map((text, i) => new Option(text, i, false, i === settings.pair[k])));
    });
    get("across-label").textContent = `${name(settings.pair[0])} of the start`;
    get("up-label").textContent = `${name(settings.pair[1])} of the start`;
  }

  /** A whole number of a field, brought into its bounds. */
  function whole(field) {
    const value = Math.min(Math.max(Math.round(field.valueAsNumber || 0), +field.min), +field.max);
    field.value = value;
    return value;
  }

  get("hidden").addEventListener("change", (event) => {
    colourPlaces.clear();
    settings.hidden = +event.target.value;
    settings.pair = [0, Math.min(3, settings.hidden - 1)];
    choosePair();
    reset();
    changed();
  });
  get("network").addEventListener("change", (event) => {
    colourPlaces.clear();
    settings.network = whole(event.target);
    rewind();
    changed();
  });
  get("direction").addEventListener("change", (event) => {
    settings.direction = whole(event.target);
    reset();
    changed();
  });
  get("again").addEventListener("click", () => {
    reset();
    changed();
  });
  get("magnitude").addEventListener("input", (event) => {
    settings.magnitude = event.target.valueAsNumber;
    rewind();
    changed();
  });
  [get("first"), get("second")].forEach((select, k) => select.addEventListener("change", () => {
    const chosen = +select.value;
    if (settings.pair[1 - k] === chosen) settings.pair[1 - k] = settings.pair[k]; // the same twice: they change places
    settings.pair[k] = chosen;
    choosePair();
    changed();
  }));
  get("window").addEventListener("change", (event) => {
    settings.until = +event.target.value;
    changed();
  });
  get("euler").addEventListener("change", (event) => {
    settings.euler = event.target.checked;
    changed({refit: false});
  });
  get("step").addEventListener("input", (event) => {
    settings.dt = STEPS[event.target.value];
    event.target.setAttribute("aria-valuetext", `Δt = ${settings.dt}`);
    if (!settings.euler) get("euler").checked = settings.euler = true;
    changed({refit: false});
  });

  /** Show in the fields what the page was given to begin with. */
  function showSettings() {
    document.documentElement.classList.toggle("framed", settings.framed);
    get("magnitude").max = Math.max(+get("magnitude").max, settings.magnitude);
    get("magnitude").value = settings.magnitude;
    get("window").value = settings.until;
    get("euler").checked = settings.euler;
    get("step").value = STEPS.indexOf(settings.dt);
  }

  const questions = [];
  showSettings();
  choosePair();
  reset();
  changed();
  questions.push(...Questions.build(get("questions"), () => ({view, t})));
  new ResizeObserver(draw).observe(get("stage"));
  if (settings.framed) { // the frame cannot see how high the page is
    new ResizeObserver(() => parent.postMessage({height: document.documentElement.offsetHeight}, "*")).observe(document.documentElement);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette = Drawing.colours();
    changed({refit: false});
  });
})();
