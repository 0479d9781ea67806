/* The plugins of the page, in JupyterLab's own form. */

import {joinStreams} from "./streams.js";

/**
 * @param module gives a module that JupyterLite shares, by its name
 */
export async function plugins(module) {
  const {IKernelSpecs} = await module("@jupyterlite/services");
  return [
    {
      id: "@sheaflab/page:streams",
      description: "Joins what a kernel prints before the page shows it.",
      autoStart: true,
      requires: [IKernelSpecs],
      activate: (app, kernelspecs) => joinStreams(kernelspecs),
    },
  ];
}
