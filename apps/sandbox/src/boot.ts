/**
 * The first code of every process, passed as text to `node -e`: it reads the script with everything else from standard
 * input, so that the process needs no readable file at all. Input: the lengths of script and of compiled code as u32 LE,
 * then both. Compiled code that is not this engine's is passed over.
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
  const head = take(8);
  const script = take(head.readUInt32LE(0)).toString("latin1");
  const cachedData = take(head.readUInt32LE(4));
  const { Script } = process.getBuiltinModule("node:vm");
  new Script(script, {
    filename: "runner",
    ...(cachedData.length > 0 ? { cachedData } : {}),
  }).runInThisContext();
}

/**
 * Runs a script of ours against the frames that follow it on standard input, and writes what the engine compiled of it to
 * standard output. The script sees no other file: its reads come from those frames, its writes go nowhere.
 */
function precompile(): void {
  const fs = process.getBuiltinModule("node:fs");
  const { Script } = process.getBuiltinModule("node:vm");
  const input = fs.readFileSync(0);
  const length = input.readUInt32LE(0);
  const script = input.toString("latin1", 4, 4 + length);
  let at = 4 + length;
  const over = new Error("the input has ended");
  const real = process.getBuiltinModule;
  const played = {
    readSync: (_: number, into: Buffer, from: number, size: number) => {
      const got = input.copy(into, from, at, at + size);
      at += got;
      return got;
    },
    writeSync: (_: number, bytes: Uint8Array, from = 0, size = bytes.length - from) => size,
  };
  process.getBuiltinModule = ((name: string) =>
    name === "node:fs" ? played : real(name)) as typeof process.getBuiltinModule;
  process.exit = () => {
    throw over;
  };
  const compiled = new Script(script, { filename: "runner" });
  try {
    compiled.runInThisContext();
  } catch (thrown) {
    if (thrown !== over) throw thrown;
  }
  const code = compiled.createCachedData();
  for (let sent = 0; sent < code.length; ) sent += fs.writeSync(1, code, sent);
}

/** Plain JavaScript: Node has already removed the types of the functions. */
export const bootText = `(${boot.toString()})()`;
export const precompileText = `(${precompile.toString()})()`;
