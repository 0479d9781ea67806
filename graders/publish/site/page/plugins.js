/* The plugins of the page, in JupyterLab's own form. */

import {fit} from "./narrow.js";
import {bar, known, showTitles} from "./notebooks.js";
import {restartLine} from "./restart.js";
import {joinStreams} from "./streams.js";

/**
 * @param module gives a module that JupyterLite shares, by its name
 */
export async function plugins(module) {
  const [{IKernelSpecs}, {ILabShell}, {INotebookTracker}, {Widget}] = await Promise.all(
    ["@jupyterlite/services", "@jupyterlab/application", "@jupyterlab/notebook", "@lumino/widgets"].map(module));
  return [
    {
      id: "@sheaflab/page:streams",
      description: "Joins what a kernel prints before the page shows it.",
      autoStart: true,
      requires: [IKernelSpecs],
      activate: (app, kernelspecs) => joinStreams(kernelspecs),
    },
    {
      id: "@sheaflab/page:notebooks",
      description: "Titles, links between the notebooks, a button against a cell that never ends.",
      autoStart: true,
      requires: [ILabShell, INotebookTracker],
      activate: (app, shell, tracker) => {
        const notebooks = known(), show = showTitles(shell, notebooks);
        tracker.widgetAdded.connect((_, panel) => {
          const open = async (path) => {
            await panel.context.save();
            await app.commands.execute("docmanager:open", {path});
          };
          const busy = new Widget();
          restartLine(panel, busy.node, (shown) => busy.setHidden(!shown));
          panel.contentHeader.addWidget(new Widget({node: bar(panel, notebooks, open)}));
          panel.contentHeader.addWidget(busy);
          show(panel);
        });
      },
    },
    {
      id: "@sheaflab/page:narrow",
      description: "One notebook and nothing beside it where the screen is narrow.",
      autoStart: true,
      requires: [ILabShell],
      activate: (app, shell) => fit(app, shell),
    },
  ];
}
