import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { fault, unreadable } from "./faults.ts";

/** One input of an array. */
export interface NamedInput {
  /** Names its output. */
  readonly name: string;
  bytes(): Promise<Buffer>;
}

/** Inputs of one array at most. */
export const mostInputs = 10_000;
/** Longest input, bytes: each is held in memory while it is handed in. */
const mostBytes = 256 * 1024 * 1024;

function checkCount(count: number): void {
  if (count === 0) throw fault.inputs("none is there");
  if (count > mostInputs) throw fault.inputs(`${count} are more than ${mostInputs}`);
}

/** Each file is an input; files of one name in two folders are told apart by their place. */
export async function fileInputs(paths: readonly string[]): Promise<NamedInput[]> {
  checkCount(paths.length);
  const names = new Map<string, number>();
  for (const path of paths) names.set(basename(path), (names.get(basename(path)) ?? 0) + 1);
  return await Promise.all(
    paths.map(async (path, at) => {
      const found = await stat(path).catch((cause: unknown) => {
        throw unreadable("file", path, cause);
      });
      if (found.isDirectory()) throw unreadable("file", path, Object.assign(new Error(), { code: "EISDIR" }));
      if (found.size > mostBytes) throw fault.inputs(`${path} is longer than ${mostBytes} bytes`);
      const name = basename(path);
      return {
        name: names.get(name) === 1 ? name : `${at}-${name}`,
        bytes: () =>
          readFile(path).catch((cause: unknown) => {
            throw unreadable("file", path, cause);
          }),
      };
    }),
  );
}

/** Each line of a file is an input, with its newline. */
export async function lineInputs(path: string): Promise<NamedInput[]> {
  await stat(path).catch((cause: unknown) => {
    throw unreadable("file", path, cause);
  });
  const inputs: NamedInput[] = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const name = String(inputs.length + 1).padStart(5, "0");
    inputs.push({ name, bytes: async () => Buffer.from(`${line}\n`) });
    if (inputs.length > mostInputs) break;
  }
  checkCount(inputs.length);
  return inputs;
}
