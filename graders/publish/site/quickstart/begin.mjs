/* Python in a kernel's worker. It begins when this module is loaded, long before JupyterLab asks for it. */

import {loadPyodide as load} from "./pyodide.mjs";
import {FIRST, LASTING, OWN} from "./own.mjs";
import {inflating, place, read} from "./unpacked.mjs";

const HERE = new URL(".", import.meta.url).href;
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
  const packed = Promise.all([`${LASTING}python.packages`, ...OWN].map(fetched)); // while Python's own code is fetched and compiled
  packed.catch(() => {}); // told below
  const python = await load({
    indexURL: HERE + LASTING,
    lockFileURL: `${HERE}pyodide-lock.json`,
    stdout: (text) => streams.stdout(text),
    stderr: (text) => streams.stderr(text),
  });
  const files = (await packed).flatMap(read);
  place(python, python.runPython("__import__('site').getsitepackages()[0]"), files, inflating(python));
  for (const {name} of files.filter(({name}) => name.endsWith(".dist-info/METADATA"))) {
    python.loadedPackages[name.split("-")[0].toLowerCase().replaceAll("_", "-")] = "default channel";
  }
  try {
    python.runPython(FIRST, {globals: python.toPy({__name__: "first"})}); // not among the names of a notebook
  } catch (error) { // the cell that needs what is missing will say so
    console.warn(error);
  }
  return python;
}

async function fetched(name) {
  const response = await fetch(HERE + name);
  if (!response.ok) throw new Error(`${name}: the server answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
