"use strict";
/* What JupyterLab asks of an extension: a container, as webpack would write it. The plugins are modules beside this file. */

(() => {
  const beside = new URL(".", document.currentScript.src);
  let shared; // the modules that JupyterLite shares with its extensions: by name, then by version

  async function module(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

  (window._JUPYTERLAB ??= {})["@sheaflab/page"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      document.head.append(Object.assign(document.createElement("link"), {rel: "stylesheet", href: new URL("page.css", beside)}));
      const {plugins} = await import(new URL("plugins.js", beside));
      const found = await plugins(module);
      return () => ({__esModule: true, default: found});
    },
  };
})();
