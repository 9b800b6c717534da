/**
 * The runner's first code, passed as text to `node -e`: it reads the script with everything else from standard input, so
 * that the process needs no readable file at all.
 */
function boot(): void {
  const fs = process.getBuiltinModule("node:fs");
  function take(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; ) {
      const got = fs.readSync(0, bytes, at, size - at, null);
      if (got === 0) process.exit(0);
      at += got;
    }
    return bytes;
  }
  const script = take(take(4).readUInt32LE()).toString();
  process.getBuiltinModule("node:vm").runInThisContext(script, { filename: "runner" });
}

/** Plain JavaScript: Node has already removed the types of the function. */
export const bootText = `(${boot.toString()})()`;
