/* Packages that are unpacked already: one file of many. A browser needs a tenth of a second for it, 1.9 s for wheels. */

/** Read an archive that `quick.py` wrote: the length of its index, the index, then the files' bytes. */
export function read(bytes) {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return {index: JSON.parse(new TextDecoder().decode(bytes.subarray(4, start))), start, bytes};
}

/** Whether a file says what a package is: Pyodide must not read these at its start, it loads what is not there yet. */
export const says = (name) => name.includes(".dist-info/");

/** Put those files of an archive that `wanted` accepts into Python's folder of packages; nothing is copied. */
export function place(FS, sitePackages, {index, start, bytes}, wanted) {
  const folders = new Map();
  let at = start;
  for (const [name, size] of index) {
    if (wanted(name)) {
      const cut = name.lastIndexOf("/"), path = `${sitePackages}/${name.slice(0, Math.max(cut, 0))}`;
      if (!folders.has(path)) {
        FS.mkdirTree(path);
        folders.set(path, FS.lookupPath(path).node);
      }
      const file = FS.filesystems.MEMFS.createNode(folders.get(path), name.slice(cut + 1), 0o100644, 0);
      file.contents = bytes.subarray(at, at + size);
      file.usedBytes = size;
    }
    at += size;
  }
}
