/* Python begins once while the first page is read, and ends: browsers keep what they compiled for the notebook's page. */

import {loadPyodide} from "./begin.mjs";

const silent = () => {};
loadPyodide({stdout: silent, stderr: silent})
  .catch(silent)
  .finally(() => setTimeout(() => close(), 2000)); // code that ran often is compiled once more, in the background
