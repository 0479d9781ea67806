// node run.mjs PYODIDE_DIR SCRIPT [--packages a,b] [--mount HOST=GUEST]... [-- ARGS...]
// Runs a Python script in the Pyodide of PYODIDE_DIR, without a browser, and ends with its exit code.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [dist, script, ...rest] = process.argv.slice(2);
const mounts = [];
let packages = [];
let args = [];
while (rest.length) {
  const flag = rest.shift();
  if (flag === "--") args = rest.splice(0);
  else if (flag === "--packages") packages = rest.shift().split(",").filter(Boolean);
  else if (flag === "--mount") mounts.push(rest.shift().split("="));
  else throw new Error(`unknown argument ${flag}`);
}

const home = path.resolve(dist) + path.sep;
const { loadPyodide } = await import(pathToFileURL(path.join(home, "pyodide.mjs")));
const pyodide = await loadPyodide({ indexURL: home, packageCacheDir: home });
for (const [host, guest] of mounts) {
  pyodide.FS.mkdirTree(guest);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: path.resolve(host) }, guest);
}
// A package that cannot be loaded is only logged by Pyodide; here it is an error.
const failed = [];
await pyodide.loadPackage(packages, { messageCallback: () => {}, errorCallback: (text) => failed.push(text) });
if (failed.length) throw new Error(failed.join("\n"));

pyodide.globals.set("_argv", pyodide.toPy([path.basename(script), ...args]));
pyodide.globals.set("_source", fs.readFileSync(script, "utf8"));
process.exitCode = await pyodide.runPythonAsync(`
import sys
sys.argv = _argv
try:
    exec(compile(_source, _argv[0], "exec"), {"__name__": "__main__"})
    _code = 0
except SystemExit as stop:
    _code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if isinstance(stop.code, str):
        print(stop.code, file=sys.stderr)
sys.stdout.flush()
sys.stderr.flush()
_code
`);
