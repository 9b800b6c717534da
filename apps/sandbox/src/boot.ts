/**
 * The runner's first code, passed as text to `node -e`: it reads the sources of everything else from standard input and
 * loads them from memory, so that the process needs no readable file at all.
 */
function boot(): void {
  const fs = process.getBuiltinModule("node:fs");
  const loader = process.getBuiltinModule("node:module");
  function take(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; ) {
      const got = fs.readSync(0, bytes, at, size - at, null);
      if (got === 0) process.exit(0);
      at += got;
    }
    return bytes;
  }
  const sources: Record<string, string> = JSON.parse(take(take(4).readUInt32LE()).toString());
  loader.registerHooks({
    resolve(specifier, _context, next) {
      if (Object.hasOwn(sources, specifier)) return { url: specifier, format: "module", shortCircuit: true };
      return next(specifier);
    },
    load(url, context, next) {
      const source = sources[url];
      return source === undefined ? next(url, context) : { source, format: "module", shortCircuit: true };
    },
  });
  const entry: string = "skep:runner";
  import(entry).catch((error: unknown) => {
    console.error(error);
    process.exit(70);
  });
}

/** Plain JavaScript: Node has already removed the types of the function. */
export const bootText = `(${boot.toString()})()`;
