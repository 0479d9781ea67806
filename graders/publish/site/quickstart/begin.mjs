/* Python in a kernel's worker. It begins when this module is loaded, long before JupyterLab asks for it. */

import {loadPyodide as load} from "./pyodide.mjs";
import {OWN} from "./own.mjs";
import {place, read, says} from "./unpacked.mjs";

const HERE = new URL(".", import.meta.url).href;
// What the kernel and every notebook of the course import first, and a figure that nobody sees: fonts and formulas are ready then.
// What a cell imports later costs more: Python looks for it among the notebook's files first, and asks the page for each.
const FIRST = `
import io
import piplite.piplite, pyodide_kernel
import matplotlib.pyplot, matplotlib_inline.backend_inline, numpy.random, sheaflab
from matplotlib.figure import Figure
figure = Figure((1, 1))
figure.subplots().set_title("$x^1$")
figure.savefig(io.BytesIO())
del io, piplite, pyodide_kernel, matplotlib, matplotlib_inline, numpy, sheaflab, Figure, figure`;

const streams = {stdout: console.log, stderr: console.error};
let begun = begin();
begun.catch(() => {}); // told when the kernel asks

/** What the kernel calls in the place of Pyodide's own function; the packages that it lists are loaded. */
export async function loadPyodide({stdout, stderr}) {
  Object.assign(streams, {stdout, stderr});
  return begun.catch((error) => { // a file that could not be fetched may be there by now
    console.warn("Python begins once more:", error);
    return (begun = begin());
  });
}

async function begin() {
  const unpacked = inflated("python.unpacked").then(read); // while Python's own code is fetched and compiled
  let folder;
  const python = await load({
    indexURL: HERE,
    stdout: (text) => streams.stdout(text),
    stderr: (text) => streams.stderr(text),
    fsInit: async (FS, {sitePackages}) => {
      folder = sitePackages;
      await unpacked.then((archive) => place(FS, folder, archive, (name) => !says(name)), () => {}); // an error is told below
    },
  });
  const archive = await unpacked;
  place(python.FS, folder, archive, says);
  for (const name of archive.index.map(([name]) => name).filter((name) => name.endsWith(".dist-info/METADATA"))) {
    python.loadedPackages[name.split("-")[0].toLowerCase().replaceAll("_", "-")] = "default channel";
  }
  await python.loadPackage(OWN, {messageCallback: () => {}});
  try {
    python.runPython(FIRST);
  } catch (error) { // the cell that needs what is missing will say so
    console.warn(error);
  }
  return python;
}

async function inflated(name) {
  const response = await fetch(HERE + name);
  if (!response.ok) throw new Error(`${name}: the server answers ${response.status}`);
  return new Uint8Array(await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}
