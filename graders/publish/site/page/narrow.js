/* A narrow screen shows one notebook and nothing beside it. */

const NARROW = matchMedia("(max-width: 899px)");

/** Fit JupyterLab's frame to the screen, now and whenever the screen is turned. */
export function fit(app, shell) {
  let untouched = true; // JupyterLab opens its list of files by itself; the reader may do so, too
  for (const touch of ["pointerdown", "keydown"]) {
    document.addEventListener(touch, () => { untouched = false; }, {capture: true, once: true});
  }
  shell.layoutModified.connect(() => {
    if (untouched && NARROW.matches && !shell.leftCollapsed) collapse();
  });
  app.restored.then(() => NARROW.matches && turn(true));
  NARROW.addEventListener("change", () => turn(NARROW.matches));

  function turn(narrow) {
    shell.mode = narrow ? "single-document" : "multiple-document";
    for (const side of ["left", "right"]) {
      if (shell.isSideTabBarVisible(side) === narrow) shell.toggleSideTabBarVisibility(side);
    }
    if (narrow) collapse();
  }

  function collapse() {
    shell.collapseLeft();
    shell.collapseRight();
    const toolbar = shell.currentWidget?.toolbar;
    toolbar?.hide(); // it looks how many buttons fit when it is shown, and misses the last of quick changes of width
    toolbar?.show();
  }
}
