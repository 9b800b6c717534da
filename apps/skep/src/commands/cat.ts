import { type Command, type Context, command } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";
import { bytesOf, openToRead } from "../client/tree.ts";

function asJson(path: string, bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  const exact = Buffer.from(text).equals(bytes);
  return exact ? { path, text } : { path, base64: bytes.toString("base64") };
}

/** Prints a file as `skep cat` does. */
export async function showFile(context: Context, client: Client, path: string, raw: boolean): Promise<void> {
  const { out, signal } = context;
  await using file = await openToRead(client, path, signal);
  if (out.wantsJson) return out.json(asJson(path, await file.readAll({ signal })));
  for await (const bytes of bytesOf(file, signal)) await out.data(bytes, { raw });
}

/** `skep cat`. */
export const cat: Command = command({
  name: "cat",
  group: "files",
  summary: "Print files of the hive",
  doc: "A terminal is shown what it must not obey as escapes; a pipe gets the bytes as they are.",
  examples: [
    { run: "skep cat /proc/boot", doc: "One file" },
    { run: "skep cat /jobs/7/stdout > out.bin", doc: "The bytes as they are" },
  ],
  args: [{ name: "paths", kind: "path", doc: "The files", rest: true }],
  flags: { raw: { kind: "boolean", doc: "Bytes as they are on a terminal too" } },
  run: async (context) => {
    await using client = await connectOf(context);
    for (const path of context.args.paths) await showFile(context, client, path, context.flags.raw);
  },
});
