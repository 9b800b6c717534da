import type { Session } from "@skep/kernel";
import { type AttachRequest, type Host, NONUNAME, type Root } from "@skep/ninep";
import { type Origin, parseAname } from "./aname.ts";
import type { NinepDoor } from "./door.ts";
import { fault } from "./faults.ts";
import { SessionFile } from "./file.ts";

/** What a host tells its edge. */
export interface HostEvents {
  /** What to wait for before a ticket is verified; nothing where it may be at once. */
  turn(): Promise<void> | undefined;
  /** The connection has ended: nobody waits for the attach any more. */
  isOver(): boolean;
  attached(): void;
  refused(): void;
}

/** One connection's way in: every attach gets a session of its own, which ends with it. */
export class DoorHost implements Host {
  readonly #door: NinepDoor;
  readonly #origin: Origin;
  readonly #uid: number;
  readonly #events: HostEvents;

  constructor(door: NinepDoor, origin: Origin, uid: number, events: HostEvents) {
    this.#door = door;
    this.#origin = origin;
    this.#uid = uid;
    this.#events = events;
  }

  async attach({ aname, nUname }: AttachRequest): Promise<Root> {
    try {
      const { credential, path } = parseAname(aname, this.#origin);
      if (credential.kind === "ticket") await this.#events.turn();
      if (this.#events.isOver()) throw fault.gone();
      const session = await this.#door.attach(credential, "9p");
      const root = await this.#root(session, path, nUname === NONUNAME ? this.#uid : nUname);
      this.#events.attached();
      return root;
    } catch (thrown) {
      this.#events.refused();
      throw thrown;
    }
  }

  async #root(session: Session, path: string, uid: number): Promise<Root> {
    const ended = new AbortController();
    session.onClose((reason) => ended.abort(reason));
    try {
      const file = new SessionFile(session, await session.find(path), { uid });
      session.checkAlive();
      return { file, ended: ended.signal, close: () => session.close("connection ended") };
    } catch (thrown) {
      session.close("attach failed");
      throw thrown;
    }
  }
}
