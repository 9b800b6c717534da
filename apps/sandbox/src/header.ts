/** The JSON of a run frame. */
export interface RunHeader {
  /** Of the original module, sha256 in hex: names what a module frame brought before. */
  readonly digest: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly fuel: string;
  readonly memoryPages: number;
  readonly stdoutLimit: number;
  readonly stderrLimit: number;
  readonly startTimeMs: number;
  /** Hex. */
  readonly seed: string;
  /** The file that the module may keep; what it holds came in a frame before, where it holds anything. */
  readonly checkpoint?: { readonly directory: string; readonly name: string; readonly limit: number };
}
