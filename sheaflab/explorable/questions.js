"use strict";
/* Questions that a reader answers first by a prediction, and then by what the reader makes the page do. */

const Questions = (() => {
  const {SLIDING} = Engine, {signed, plural, hasKink} = Drawing;

  /** Whether a neuron slides in the time that is shown. */
  const slides = ({run, until}) => run.pieces.some(({start, modes}) => start <= until && modes.includes(SLIDING));
  const seen = {noSlide: false, slideAgain: false, run: "", counts: new Map()};

  const QUESTIONS = [
    {
      asks: "Where does a flow slide along a wall? Where the arrows on its two sides …",
      choices: ["run along the wall", "point towards each other", "point away from each other"],
      right: 1,
      task: "drag the start until the flow does not slide, and then until it slides again.",
      done({view}) {
        if (!slides(view)) seen.noSlide = true;
        else if (seen.noSlide) seen.slideAgain = true;
        return seen.slideAgain;
      },
      why: () => "Where z < 0 the flow makes z larger, and where z > 0 it makes z smaller: the neuron can go neither way and its z "
        + "stays exactly 0, while the others move on. The thick striped part of a wall is where this holds. As the others move, "
        + "the flow where z > 0 makes z smaller more and more slowly. When it no longer does, the slide ends, and the neuron becomes active.",
    },
    {
      asks: "The energy’s curve can have kinks; in the panel below it a kink is a jump. At which switch does the slope not jump?",
      choices: ["where a neuron crosses its wall", "where a slide begins", "where a slide ends"],
      right: 2,
      task: "with a flow that slides, move the time to the end of the slide and look at the middle panel.",
      done: ({view, t}) => view.events.some(({before, time}) => before === SLIDING && Math.abs(time - t) < view.until / 100),
      why({view}) {
        const end = view.events.find(({before}) => before === SLIDING), bend = view.events.find(hasKink);
        const shown = (event) => `at t = ${event.time.toFixed(2)} it goes from ${signed(event.slopeBefore, 3)} to ${signed(event.slopeAfter, 3)}`;
        return "The slope is minus the sum of all squared speeds, over V. Where a neuron crosses, or begins to slide, its speed jumps, and so "
          + "does the slope. Where a slide ends the neuron sets off from rest: its speed is 0 just before and just after."
          + (end ? ` In this run the slide’s end has no jump: ${shown(end)}.` : "") + (bend ? ` At another switch there is one: ${shown(bend)}.` : "");
      },
    },
    {
      asks: "Explicit Euler makes steps of length Δt and counts sign changes. On a flow that slides, half the step makes the count …",
      choices: ["stay about the same, for it converges", "about half as large", "about twice as large"],
      right: 2,
      task: "with a flow that slides, lay Euler’s steps over it and try two steps, one at most half as long as the other.",
      done({view}) {
        if (!slides(view)) return false;
        const {euler, dt, until, sheaf, run: {pieces}} = view, run = JSON.stringify([until, sheaf, pieces[0]]);
        if (seen.run !== run) [seen.run, seen.counts] = [run, new Map()]; // counts of different runs say nothing
        if (euler && euler.stable) seen.counts.set(dt, euler.changes.length);
        const steps = [...seen.counts.keys()];
        return steps.length > 0 && Math.max(...steps) >= 2 * Math.min(...steps);
      },
      why({view}) {
        const tried = [...seen.counts].sort(([a], [b]) => b - a).map(([dt, count]) => `${count} with Δt = ${dt}`).join(", ");
        return "Euler cannot stay on a wall. It steps over it and is pushed back, at every step or two, for as long as the slide lasts: it "
          + "chatters. A shorter step chatters more often. So a count of sign changes is no number of switches, unless one "
          + `knows that nothing slides. ${tried ? `You have seen ${tried}. ` : ""}The exact flow has ${plural(view.events.length, "switch")}.`;
      },
    },
  ];

  /** A question on the page; `look` is called at every change and notes when its task is done. */
  function ask(question, number, host, scene) {
    const item = document.createElement("li"), group = document.createElement("fieldset");
    const add = (tag, properties, parent = group) => parent.appendChild(Object.assign(document.createElement(tag), properties));
    add("legend", {textContent: `${number + 1}. ${question.asks}`});
    let predicted = null, done = false;
    question.choices.forEach((choice, k) => {
      const label = add("label", {});
      const input = add("input", {type: "radio", name: `question-${number}`, value: k}, label);
      label.append(choice);
      input.addEventListener("change", () => {
        predicted = k;
        task.hidden = button.disabled = false;
        look();
      });
    });
    const task = add("p", {className: "try", hidden: true}), mark = document.createElement("span");
    mark.className = "seen";
    task.append("Now ", question.task, " ", mark);
    const button = add("button", {type: "button", textContent: "Show the answer", disabled: true});
    const answer = add("div", {className: "answer", hidden: true});
    answer.setAttribute("role", "status");
    button.addEventListener("click", () => {
      answer.hidden = false;
      const verdict = predicted === question.right ? "As you predicted: " : `You predicted “${question.choices[predicted]}”. It is: `;
      answer.replaceChildren();
      add("p", {textContent: `${verdict}${question.choices[question.right]}.`}, answer);
      add("p", {textContent: question.why(scene())}, answer);
    });
    item.append(group);
    host.append(item);

    function look() {
      if (done || predicted === null || !question.done(scene())) return;
      done = true;
      mark.textContent = "✓ done";
    }
    return {look};
  }

  /** Put the questions into `host`; `scene()` gives {view, t} as they stand. */
  const build = (host, scene) => QUESTIONS.map((question, number) => ask(question, number, host, scene));

  return {build, slides};
})();
