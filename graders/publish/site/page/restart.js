/* A cell that never ends: Python cannot be interrupted in a page, so it is ended and begun again, by one click. */

const PATIENCE = 10_000; // ms of one cell's run after which the reader is asked

/**
 * Make an element the line that appears while a cell takes long.
 *
 * @param show shows or hides the line's place
 */
export function restartLine(panel, line, show, patience = PATIENCE) {
  line.classList.add("sheaflab-busy");
  line.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), {type: "button", textContent: "Restart Python"});
  button.addEventListener("click", restart);
  line.append("Python is still busy with a cell. Does it hang?", button, "Your answers stay. Then run the cells again, from the top.");

  let timer = 0;
  const {sessionContext, context} = panel;
  sessionContext.statusChanged.connect((_, status) => {
    clearTimeout(timer);
    if (status === "busy") timer = setTimeout(show, patience, true);
    else show(false);
  });
  panel.disposed.connect(() => clearTimeout(timer));
  show(false);

  async function restart() {
    show(false);
    panel.content.activate(); // the keyboard goes back to the notebook
    await sessionContext.restartKernel(); // first: what floods the page with output must not hold up the rest
    await context.save();
  }
}
