/** The part of an answer that is used. */
export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a request carries; bytes are sent as they are. */
export type RequestBody = string | Uint8Array<ArrayBuffer>;

/** What a request says. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}

/** `fetch`, or anything like it. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;

/** What goes with a request so that the hive knows who asks. */
export interface Credentials {
  /** Headers for one request; `target` is its path and query. */
  headers(
    method: string,
    target: string,
    body: RequestBody | undefined,
  ): Promise<Readonly<Record<string, string>>>;
  /** What a socket's challenge is answered with; undefined where the connection itself tells who asks. */
  prove(challenge: string): Promise<string | undefined>;
}

/** A ticket as credentials. */
export function bearer(ticket: string): Credentials {
  return {
    headers: async () => ({ Authorization: `Bearer ${ticket}` }),
    prove: async () => undefined,
  };
}
