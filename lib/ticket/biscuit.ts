// biome-ignore lint/style/noRestrictedImports: reads the library's own code, the only way to it that prints nothing
import { readFile } from "node:fs/promises";

/** A key as the library holds it. */
export interface LibraryKey {
  free(): void;
}
interface Source {
  addCode(source: string): void;
}
/** A token whose signatures hold. */
export interface Token {
  [Symbol.dispose](): void;
  appendBlock(block: Source): Token;
  sealToken(): Token;
  countBlocks(): number;
  getBlockSource(index: number): string;
  getRevocationIdentifiers(): string[];
  toBase64(): string;
}
/** The part of @biscuit-auth/biscuit-wasm that is used here. */
export interface Library {
  readonly Biscuit: {
    builder(): Source & { build(key: LibraryKey): Token; setRootKeyId(id: number): void };
    block_builder(): Source;
    fromBase64(text: string, root: LibraryKey): Token;
  };
  readonly PrivateKey: { fromBytes(bytes: Uint8Array, algorithm: 0): LibraryKey };
  readonly PublicKey: { fromBytes(bytes: Uint8Array, algorithm: 0): LibraryKey };
}
type Glue = Library & Record<string, unknown> & { __wbg_set_wasm(exports: unknown): void };

/** The standard functions that the installed types leave out. */
const engine = WebAssembly as unknown as {
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>;
  instantiate(program: WebAssembly.Module, imports: object): Promise<{ readonly exports: unknown }>;
};

let program: Promise<WebAssembly.Module> | undefined;
let instance: Promise<Library> | undefined;
let generation = 0;

async function compile(at: URL): Promise<WebAssembly.Module> {
  return engine.compile(await readFile(at));
}

/**
 * Importing the package would print a line and a warning, and measure run limits by the machine's clock. Instead
 * its module is instantiated here without its start function, and with a clock that stands still: what it does is
 * then bounded by counts alone, and ends alike on every machine.
 */
async function instantiate(): Promise<Library> {
  const entry = import.meta.resolve("@biscuit-auth/biscuit-wasm");
  program ??= compile(new URL("./biscuit_bg.wasm", entry));
  const glue = (await import(new URL(`./biscuit_bg.js?${generation}`, entry).href)) as Glue;
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module, name } of WebAssembly.Module.imports(await program)) {
    const given = name === "performance_now" ? () => 0 : glue[name];
    imports[module] = { ...imports[module], [name]: given };
  }
  const { exports } = await engine.instantiate(await program, imports);
  glue.__wbg_set_wasm(exports);
  return glue;
}

/** The library, loaded at the first call; it draws the randomness of each block's next key from the engine. */
export function library(): Promise<Library> {
  instance ??= instantiate();
  return instance;
}

/** After a trap the memory of an instance means nothing: the next call gets a fresh one. */
export function discardAfter(thrown: unknown): void {
  if (!(thrown instanceof WebAssembly.RuntimeError)) return;
  generation += 1;
  instance = undefined;
}
