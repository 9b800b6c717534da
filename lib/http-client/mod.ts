export { type ConsoleVerbs, consoleCompletions, consoleLines } from "./console.ts";
export {
  type AppendOptions,
  type ClientOptions,
  type CommandOptions,
  HttpClient,
  Refused,
  type RequestOptions,
  type SessionState,
  type Stat,
  treeTarget,
} from "./client.ts";
export {
  bearer,
  type Credentials,
  type Fetch,
  type FetchAnswer,
  type FetchInit,
  type RequestBody,
} from "./fetch.ts";
export { Live, type LiveEvent, type LiveOptions, type LiveSocket, type LiveState } from "./live.ts";
export { Lines, textOf } from "./lines.ts";
export {
  keptPageKey,
  makePageKey,
  pageCredentials,
  type PageDeps,
  type PageKey,
  type PageKeyPair,
  type PageKeyStore,
} from "./page-key.ts";
/** What the tree takes and gives, made from it. */
export type { Answer, Description, Entry, FsReply, Listing, Problem } from "./answers.table.ts";
export type { Controls } from "./tree.table.ts";
