import { DIALECT, type Message, NOFID, NONUNAME, OPEN } from "@skep/ninep";
import { type At, Line, type Request, type Told } from "./line.ts";

/** A worker of a crowd, and where its hive is. */
export interface Given {
  readonly id: string;
  readonly ticket: string;
}

const fids = { root: 0, inbox: 1, ctl: 2, telemetry: 3 } as const;
const msize = 131_072;
const followed = 8192;
/** A record with room for its number. */
const record = Buffer.from(
  `{"seq":${" ".repeat(10)},"load":0.42,"temperature":41.5,"memory":71303168,"state":"run"}\n`,
);
const seqAt = record.indexOf(" ");

/** Walk and open, which are asked for at once. */
function opening(newfid: number, path: string, flags: number): readonly Request[] {
  const names = path.split("/").slice(1);
  return [
    { type: "Twalk", fid: fids.root, newfid, names },
    { type: "Tlopen", fid: newfid, flags },
  ];
}

function checkWalked(requests: readonly Request[], replies: readonly Message[]): void {
  for (const [at, { type, names }] of requests.entries()) {
    const reply = replies[at];
    if (type !== "Twalk" || reply?.type !== "Rwalk") continue;
    const [wanted, qids] = [names, reply.qids] as [readonly string[], readonly unknown[]];
    if (qids.length !== wanted.length) throw new Error(`the walk to /${wanted.join("/")} ended early`);
  }
}

/** One worker: a connection and a session of its own, its inbox followed, its telemetry open. */
export class ScaleWorker {
  readonly given: Given;
  readonly #told: Told;
  #line: Line | undefined;

  constructor(given: Given, told: Told) {
    this.given = given;
    this.#told = told;
  }

  /** As a worker does it: attach, follow the inbox, say hello. Resolves with a promise of the connection's end. */
  async attach(at: At): Promise<{ readonly over: Promise<void> }> {
    const line = await Line.dial(at, this.#told);
    try {
      await this.#greet(line);
    } catch (thrown) {
      await line.close();
      throw thrown;
    }
    this.#line = line;
    return {
      over: line.over.then(() => {
        this.#line = undefined;
      }),
    };
  }

  async #greet(line: Line): Promise<void> {
    const { id, ticket } = this.given;
    const [agreed] = await line.ask({ type: "Tversion", msize, version: DIALECT });
    if (agreed?.type !== "Rversion" || agreed.version !== DIALECT) throw new Error("another version");
    await line.ask({
      type: "Tattach",
      fid: fids.root,
      afid: NOFID,
      uname: "",
      aname: ticket,
      nUname: NONUNAME,
    });
    const hello = { op: "hello", incarnation: `scale-${id}`, slots: 1, kinds: ["wasm"] };
    const data = Buffer.from(`${JSON.stringify(hello)}\n`);
    const requests: Request[] = [
      ...opening(fids.inbox, `/worker/${id}/inbox.follow`, OPEN.readOnly),
      ...opening(fids.telemetry, `/worker/${id}/telemetry`, OPEN.writeOnly | OPEN.append),
      ...opening(fids.ctl, `/worker/${id}/ctl`, OPEN.writeOnly | OPEN.append),
      { type: "Twrite", fid: fids.ctl, offset: 0, data },
    ];
    const replies = await line.ask(...requests);
    checkWalked(requests, replies);
    const greeted = replies.at(-1);
    if (greeted?.type !== "Rwrite" || greeted.count !== data.length)
      throw new Error("the hello was not taken");
    await line.ask({ type: "Tclunk", fid: fids.ctl });
    line.record(fids.telemetry, record);
    void this.#follow(line);
  }

  // Nothing is given to it; the read that waits is what a session of an idle worker costs.
  async #follow(line: Line): Promise<void> {
    try {
      for (let [offset, empty] = [0, 0]; empty < 2; ) {
        const [reply] = await line.ask({ type: "Tread", fid: fids.inbox, offset, count: followed });
        const came = reply?.type === "Rread" ? (reply.data as Uint8Array).length : 0;
        empty = came === 0 ? empty + 1 : 0;
        offset += came;
      }
    } catch {
      // The connection has ended.
    }
  }

  /** One record of that number, due at that time; what becomes of it is told. */
  tell(seq: number, due: number): void {
    const line = this.#line;
    if (!line) {
      this.#told.failed("not attached");
      return;
    }
    line.tell(due, (bytes, from) => bytes.write(String(seq).padStart(10), from + seqAt, 10, "latin1"));
  }

  async close(): Promise<void> {
    await this.#line?.close();
  }
}
