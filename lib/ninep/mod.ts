export {
  arbitraryOf,
  type Body,
  decode,
  encode,
  type Message,
  messageNames,
  nameOf,
  numberOf,
  print,
  type ReplyName,
  type RequestName,
} from "./codec.ts";
export { DIALECT, DT, GETATTR, LOCK, MODE, NOFID, NONUNAME, NOTAG, OPEN, QT, SETATTR } from "./constants.ts";
/** A 64-bit number: a number while that is exact, else a bigint. */
export type { U64 } from "./cursor.ts";
export { type Arbitraries, type Arbitrary, type Dirent, escapeText, type Qid } from "./fields.ts";
/** What serves a connection, and what it is told. */
export type {
  AttachRequest,
  Attr,
  Awaitable,
  Call,
  DirEntry,
  Host,
  HostFile,
  HostHandle,
  OpenMode,
  Root,
  Statfs,
} from "./host.ts";
export { linesOf } from "./lines.ts";
/** What a client needs of its event loop to stay awake between request and answer. */
export type { Loop } from "./lookout.ts";
export { type MessageName, messages } from "./messages.ts";
export { type Connection, type ServeOptions, serve } from "./server.ts";
/** What connections of one loop share. */
export { Turns } from "./turns.ts";
export { memoryWires, type SocketLike, type Wire, type WireEvents, wireFromSocket } from "./wire.ts";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export { createPool, type Pool, type PoolOptions } from "./pool.ts";
/** What a client gives and takes. */
export type { CallOptions, OpenAs, RemoteAttr, RemoteFile } from "./remote-file.ts";
