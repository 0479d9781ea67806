/* The notebooks of the site: titles that a person can read, and the way from one to the next. */

/** The notebooks that the site was built with: their files and titles, in their order. */
export function known() {
  const {litePluginSettings} = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  return litePluginSettings["@sheaflab/page:notebooks"].notebooks;
}

/** Show a title where JupyterLab shows a file's name: a name with a version in it is for the grader. */
export function showTitles(shell, notebooks) {
  const heading = (widget) => notebooks.find(({file}) => file === widget?.context?.path)?.title;

  function show() {
    const found = heading(shell.currentWidget);
    const place = document.getElementById("jp-title-panel-title"); // where a narrow page has a title
    if (found) {
      if (place) place.dataset.heading = found;
      if (document.title !== found) document.title = found;
    } else {
      delete place?.dataset.heading;
    }
  }

  shell.currentChanged.connect(show);
  new MutationObserver(show).observe(document.querySelector("title"), {childList: true}); // JupyterLab writes it now and then
  show();
  return (panel) => {
    const found = heading(panel);
    if (found) panel.title.dataset = {...panel.title.dataset, heading: found}; // its label would rename the file
    show();
  };
}

/** A bar above a notebook: to the one before, to all of them, to the next. */
export function bar(panel, notebooks, open) {
  const nav = document.createElement("nav");
  nav.className = "sheaflab-bar";
  nav.setAttribute("aria-label", "Notebooks");
  const place = notebooks.findIndex(({file}) => file === panel.context.path);
  const all = Object.assign(document.createElement("a"), {href: "../index.html", textContent: "All notebooks"});
  nav.append(link(notebooks[place - 1], "Before: "), all, link(notebooks[place + 1], "Next: "));
  return nav;

  function link(notebook, before) {
    if (!notebook || place < 0) return document.createElement("span");
    const a = Object.assign(document.createElement("a"), {
      href: `?path=${encodeURIComponent(notebook.file)}`, textContent: before + notebook.title,
    });
    a.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab: the browser's own way
      event.preventDefault();
      open(notebook.file);
    });
    return a;
  }
}
