export {
  type ClientOptions,
  type CommandOptions,
  HttpClient,
  Refused,
  type SessionState,
  type Stat,
  treeTarget,
} from "./client.ts";
export { bearer, type Credentials, type Fetch, type FetchAnswer, type FetchInit } from "./fetch.ts";
export { Live, type LiveEvent, type LiveOptions, type LiveSocket, type LiveState } from "./live.ts";
export { makePageKey, pageCredentials, type PageDeps, type PageKey } from "./page-key.ts";
/** What the tree takes and gives, made from it. */
export type { Answer, Controls, Description, Entry, FsReply, Listing, Problem } from "./tree.table.ts";
