import { HEADER } from "./constants.ts";
import { Reader, u16At, u32At, Writer } from "./cursor.ts";
import { fault } from "./faults.ts";
import { type Arbitraries, type Arbitrary, type Field, type Fields, struct, type Values } from "./fields.ts";
import { hot } from "./hot.ts";
import { type MessageName, messages } from "./messages.ts";

/** The fields of a message, by name. */
export type Body<N extends MessageName> = Values<(typeof messages)[N][1]>;
/** A message as decoded: its name, its tag and its fields. */
export type Message<N extends MessageName = MessageName> = {
  [Name in N]: { type: Name; tag: number } & Body<Name>;
}[N];
/** Names of requests. */
export type RequestName = Exclude<Extract<MessageName, `T${string}`>, "Tlerror">;
/** The name of the answer to a request. */
export type ReplyName<N extends RequestName> = N extends `T${infer Rest}`
  ? Extract<`R${Rest}`, MessageName>
  : never;

interface Kind {
  readonly name: MessageName;
  readonly number: number;
  readonly body: Field<Record<string, unknown>>;
}

const byName = {} as Record<MessageName, Kind>;
const byNumber: (Kind | undefined)[] = new Array(256).fill(undefined);
for (const [name, [number, fields]] of Object.entries(messages) as [
  MessageName,
  readonly [number, Fields],
][]) {
  const kind = { name, number, body: { ...struct(fields), ...(hot[name] as object) } };
  byName[name] = kind;
  byNumber[number] = kind;
}

/** The number of a message on the wire. */
export function numberOf(name: MessageName): number {
  return byName[name].number;
}

/** The name behind a number, or undefined where 9P2000.L has none. */
export function nameOf(number: number): MessageName | undefined {
  return byNumber[number]?.name;
}

/** Bytes that a message takes, its header included; throws `ninep.unencodable`. */
export function sizeOf(name: MessageName, body: object): number {
  return HEADER + byName[name].body.size(body as Record<string, unknown>);
}

/** Writes a message of `size` bytes at `at`, where that much room is. */
export function encodeAt(
  bytes: Buffer,
  at: number,
  size: number,
  name: MessageName,
  tag: number,
  body: object,
): void {
  const kind = byName[name];
  const to = new Writer(bytes, at);
  to.u32(size);
  to.u8(kind.number);
  to.u16(tag);
  kind.body.write(to, body as Record<string, unknown>);
}

/** Encodes one message; throws `ninep.unencodable` for a value that has no form on the wire. */
export function encode(message: Message): Buffer {
  const size = sizeOf(message.type, message);
  const bytes = Buffer.allocUnsafe(size);
  encodeAt(bytes, 0, size, message.type, message.tag, message);
  return bytes;
}

/** The fields of the frame `bytes[start..end)`, whose type is `name`; nothing may be left over. */
export function decodeBody<N extends MessageName>(
  name: N,
  bytes: Buffer,
  start: number,
  end: number,
): Body<N> {
  const from = new Reader(bytes, start + HEADER, end);
  const body = byName[name].body.read(from);
  if (from.at !== end) throw fault.malformed(`${end - from.at} bytes left over after ${name}`);
  return body as Body<N>;
}

/** Decodes exactly one message; throws `ninep.malformed` for anything less, more or else. */
export function decode(frame: Uint8Array): Message {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (bytes.length < HEADER) throw fault.malformed("shorter than a header");
  if (u32At(bytes, 0) !== bytes.length) throw fault.malformed("its size is not that of the frame");
  const number = bytes[4] as number;
  const name = nameOf(number);
  if (name === undefined) throw fault.malformed(`no message has number ${number}`);
  const body = decodeBody(name, bytes, 0, bytes.length);
  return { type: name, tag: u16At(bytes, 5), ...body } as Message;
}

/** One line for a log; text and bytes from outside are escaped. */
export function print(message: Message): string {
  const body = byName[message.type].body.print(message as unknown as Record<string, unknown>);
  return `${message.type} tag=${message.tag}${body === "" ? "" : ` ${body}`}`;
}

/** Test data for one message, made by the fast-check that is given. */
export function arbitraryOf<N extends MessageName>(make: Arbitraries, name: N): Arbitrary<Message<N>> {
  const made = make.record({
    tag: make.integer({ min: 0, max: 0xffff }),
    body: byName[name].body.arbitrary(make),
  });
  return made.map(({ tag, body }) => ({ type: name, tag, ...(body as object) }) as unknown as Message<N>);
}

/** The names of all messages, in the order of their numbers. */
export const messageNames: readonly MessageName[] = Object.keys(messages) as MessageName[];
