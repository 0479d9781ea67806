/* Packages that Python finds in its folder without being unpacked: a file's bytes are inflated when it is opened first. */

const INFLATED = 8; // a ZIP file's number of its method; the other is 0, stored

/** Read the directory of a ZIP file, a wheel among them. */
export function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), decoder = new TextDecoder();
  const end = bytes.byteLength - 22; // `quick.py` and wheels have no comment after it
  if (view.getUint32(end, true) !== 0x06054b50) throw new Error("a ZIP file must end with its directory");
  const files = [];
  for (let at = view.getUint32(end + 16, true), left = view.getUint16(end + 10, true); left; left--) {
    const length = view.getUint16(at + 28, true), local = view.getUint32(at + 42, true);
    const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    files.push({
      name: decoder.decode(bytes.subarray(at + 46, at + 46 + length)),
      deflated: view.getUint16(at + 10, true) === INFLATED,
      packed: bytes.subarray(data, data + view.getUint32(at + 20, true)),
      size: view.getUint32(at + 24, true),
    });
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files.filter(({name}) => !name.endsWith("/"));
}

/** Put files into Python's folder of packages. */
export function place({FS}, sitePackages, files, inflate) {
  const folders = new Map(), {MEMFS} = FS.filesystems;
  const {node_ops, stream_ops} = MEMFS.createNode(null, "", 0o100644, 0);
  const unpack = (file) => {
    if (file.packed) [file.contents, file.packed] = [inflate(file.packed, file.usedBytes), null];
  };
  // Not at the first read: Python's memory may grow, and a read holds where it was.
  const opened = {...stream_ops, open: ({node}) => unpack(node)};
  const changed = {...node_ops, setattr: (file, values) => (unpack(file), node_ops.setattr(file, values))};
  for (const {name, deflated, packed, size} of files) {
    const cut = name.lastIndexOf("/"), path = `${sitePackages}/${name.slice(0, Math.max(cut, 0))}`;
    if (!folders.has(path)) {
      FS.mkdirTree(path);
      folders.set(path, FS.lookupPath(path).node);
    }
    const file = MEMFS.createNode(folders.get(path), name.slice(cut + 1), 0o100644, 0);
    file.usedBytes = size;
    if (deflated) Object.assign(file, {packed, node_ops: changed, stream_ops: opened});
    else file.contents = packed;
  }
}

/** What inflates bytes at once, as a browser's own DecompressionStream cannot: Python's zlib. */
export function inflating(python) {
  const zlib = python._module;
  const SIZE = 56, stream = zlib._calloc(1, SIZE + 2); // a z_stream, and its version as C's text
  zlib.HEAPU8[stream + SIZE] = "1".charCodeAt(0);
  if (zlib._inflateInit2_(stream, -15, stream + SIZE, SIZE)) throw new Error("zlib of this Pyodide is another one");
  return (packed, size) => {
    const from = zlib._malloc(packed.length + size), to = from + packed.length;
    if (!from) throw new Error("no memory is left for a file of a package");
    zlib.HEAPU8.set(packed, from);
    zlib._inflateReset(stream);
    [from, packed.length, 0, to, size].forEach((value, field) => { // next_in, avail_in, total_in, next_out, avail_out
      zlib.HEAPU32[(stream >>> 2) + field] = value;
    });
    const done = zlib._inflate(stream, 4); // Z_FINISH; 1 is Z_STREAM_END
    const contents = zlib.HEAPU8.slice(to, to + size);
    zlib._free(from);
    if (done !== 1) throw new Error(`a file of a package cannot be inflated: zlib's ${done}`);
    return contents;
  };
}
