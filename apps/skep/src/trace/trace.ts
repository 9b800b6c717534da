import { createHash } from "node:crypto";
import { faults } from "@skep/fault";

export const fault = faults("trace", {
  form: ["invalid", "Cannot read the trace", { cure: "Name a file that SKEP_TRACE=record:FILE wrote" }],
  unread: [
    "absent",
    "Cannot read the trace: there is no such file, or not for this user",
    { cure: "Name a file that SKEP_TRACE=record:FILE wrote" },
  ],
  changed: ["corrupt", "Cannot replay the trace: it is not what was recorded", { cure: "Record it again" }],
  large: ["oversize", "Cannot keep a trace of more than 1 MiB, 8192 frames or 256 acknowledgements"],
  request: ["conflict", "Cannot replay: trace request mismatch"],
  setting: [
    "invalid",
    "Cannot read SKEP_TRACE",
    { cure: "Write SKEP_TRACE=record:FILE or SKEP_TRACE=replay:FILE" },
  ],
});

/** What a client said and heard: 9P messages as they were, and a line for each write. */
export interface Trace {
  /** An empty response: the request was flushed, or the connection ended first. */
  readonly frames: readonly { readonly request: Uint8Array; readonly response: Uint8Array }[];
  readonly acks: readonly string[];
}

/** The form is that of the original's traces. */
const magic = Buffer.from("COHTRACE");
const version = 1;
const most = { bytes: 1024 * 1024, frames: 8192, acks: 256 } as const;
const digestSize = 32;
const headSize = magic.length + 2 + 8;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const counted = (bytes: Uint8Array): Uint8Array[] => [u32(bytes.length), bytes];
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** The bytes of a trace, with their SHA-256 at the end. Throws `trace.large`. */
export function printTrace({ frames, acks }: Trace): Buffer {
  const body = Buffer.concat([
    magic,
    Buffer.from([version, 0]),
    u32(frames.length),
    u32(acks.length),
    ...frames.flatMap(({ request, response }) => [...counted(request), ...counted(response)]),
    ...acks.flatMap((line) => counted(Buffer.from(line))),
  ]);
  const size = body.length + digestSize;
  if (size > most.bytes || frames.length > most.frames || acks.length > most.acks)
    throw fault.large(`${size} bytes, ${frames.length} frames, ${acks.length} acknowledgements`);
  return Buffer.concat([body, sha256(body)]);
}

/** Reads it back. Throws `trace.large`, `.form`, and `.changed` where one byte is other than it was. */
export function parseTrace(bytes: Buffer): Trace {
  if (bytes.length > most.bytes) throw fault.large(`${bytes.length} bytes`);
  if (bytes.length < headSize + digestSize || !bytes.subarray(0, magic.length).equals(magic))
    throw fault.form();
  const body = bytes.subarray(0, -digestSize);
  if (!sha256(body).equals(bytes.subarray(-digestSize))) throw fault.changed();
  if (body[magic.length] !== version) throw fault.form(`version ${body[magic.length]}`);
  const [frameCount, ackCount] = [body.readUInt32LE(magic.length + 2), body.readUInt32LE(magic.length + 6)];
  if (frameCount > most.frames || ackCount > most.acks) throw fault.large(`${frameCount} frames`);
  let at = headSize;
  const next = (): Buffer => {
    if (at + 4 > body.length) throw fault.form("it is cut off");
    const end = at + 4 + body.readUInt32LE(at);
    if (end > body.length) throw fault.form("it is cut off");
    const part = body.subarray(at + 4, end);
    at = end;
    return part;
  };
  const frames = Array.from({ length: frameCount }, () => ({ request: next(), response: next() }));
  const acks = Array.from({ length: ackCount }, () => next().toString());
  if (at !== body.length) throw fault.form("there is more than it counts");
  return { frames, acks };
}
