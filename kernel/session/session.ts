import { Fault } from "@skep/fault";
import { fault as gate } from "../gate/checks.ts";
import type { Answer, Intent } from "../gate/intent.ts";
import { preparation } from "../gate/prepare.ts";
import type { Awaitable, Caller, ControlNode, Json, Scene, ValueNode } from "../namespace/node.ts";
import { checkName, join, parsePath } from "../namespace/path.ts";
import { type Found, isDirectory, rightPath, step } from "../namespace/place.ts";
import { refusal } from "./answers.ts";
import { type Authority, callerOf } from "./authority.ts";
import { fault } from "./faults.ts";
import type { Entry, Handle, Identity, OpenMode, Stat } from "./handle.ts";
import type { SessionHost } from "./host.ts";
import { inside } from "./inside.ts";
import { openNode } from "./open.ts";
import { pieceOf } from "./pieces.ts";
import { Rates } from "./rates.ts";
import { type Bound, Space } from "./space.ts";
import { identify, statNode, versionOf } from "./stat.ts";
import type { View } from "./view.ts";
import { readWhole } from "./whole.ts";

/** What an edge may say beside a line. */
export interface AppendOptions {
  readonly key?: string;
  readonly trace?: string;
  /** Id of the waiting intent that this line is run for. */
  readonly approved?: string;
}

/** All that an edge holds: the tree as one ticket sees it. */
export class Session implements View {
  readonly id: string;
  readonly edge: string;
  readonly authority: Authority;
  readonly caller: Caller;
  readonly rates: Rates;
  readonly kernel: SessionHost;
  /** The last answers, newest last: `/proc/9p/session/self/answers`. */
  readonly answers: Answer[] = [];
  #refused: Fault | undefined;
  readonly since: number;
  readonly root: Found;
  /** File offset 0 of streams that are open here, so that sizes and offsets agree. */
  readonly anchors = new Map<string, { readonly at: number; open: number }>();
  #state: "SETUP" | "ACTIVE" | "DRAINING" | "CLOSED" = "ACTIVE";
  readonly #onClose = new Set<(reason: string) => void>();
  readonly #budgeted: boolean;
  #reads = { ops: 0, bytes: 0 };
  #space: Space | undefined;

  constructor(kernel: SessionHost, id: string, authority: Authority, edge: string) {
    this.kernel = kernel;
    this.id = id;
    this.edge = edge;
    this.authority = authority;
    this.caller = callerOf(authority, id);
    this.rates = new Rates(kernel.limits.controlsPerSecond);
    this.since = kernel.time.now();
    this.root = { place: kernel.tree, path: "/", params: {} };
    this.#budgeted = authority.blocks.some(({ ops, bytes }) => ops !== undefined || bytes !== undefined);
  }

  /** Whoever works for the hive drains with it. */
  get state(): "SETUP" | "ACTIVE" | "DRAINING" | "CLOSED" {
    const drains = this.#state === "ACTIVE" && /^worker(-|$)/.test(this.authority.role);
    return drains && this.kernel.slices.kernel.lifecycle.get().state === "DRAINING"
      ? "DRAINING"
      : this.#state;
  }

  get subject(): string {
    return this.authority.subject;
  }

  get blocks(): readonly string[] {
    return this.caller.blocks;
  }

  scene(found: Found): Scene {
    return this.kernel.scene(found, this.caller);
  }

  /** Throws when the session has ended or its ticket has expired. */
  checkAlive(): void {
    if (this.#state === "CLOSED") throw fault.closed();
    const { expiresAt } = this.authority;
    if (expiresAt !== undefined && this.kernel.time.now() >= expiresAt) throw fault.expired();
  }

  #visible(found: Found): boolean {
    return this.authority.touches(rightPath(found)) && this.#shown(found);
  }

  #shown(found: Found): boolean {
    const { visible } = found.place.node;
    return visible === undefined || visible(this.scene(found) as Scene<never, never>);
  }

  // What was walked to may be hidden by now: rights stay as they are, state does not.
  #checkShown(found: Found): void {
    this.checkAlive();
    if (!this.#shown(found)) throw fault.absent(found.path);
  }

  /** One step down. What the caller may not see is absent. */
  walk(from: Found, name: string): Awaitable<Found> {
    this.#checkShown(from);
    if (!isDirectory(from)) throw fault.notDirectory(from.path);
    checkName(name, this.kernel.limits);
    const bound = this.#space?.at(join(from.path, name));
    return bound === undefined ? this.#step(from, name) : this.#led(bound);
  }

  #step(from: Found, name: string): Awaitable<Found> {
    const to = step(from, name, (found) => this.scene(found));
    if (to instanceof Promise) return to.then((found) => this.#release(() => this.#seen(from, name, found)));
    return from.place.node.kind !== "dir"
      ? this.#release(() => this.#seen(from, name, to))
      : this.#seen(from, name, to);
  }

  // A bound place is what stands elsewhere, under that path: rights are asked for there.
  async #led(path: string): Promise<Found> {
    let found = this.root;
    for (const name of parsePath(path, this.kernel.limits)) {
      const next = this.#step(found, name);
      found = next instanceof Promise ? await next : next;
    }
    return found;
  }

  /** Gives a place of this session's own to what stands elsewhere. Throws `space.*` and `path.*`. */
  bind(bound: Bound): void {
    this.#space ??= new Space();
    this.#space.bind(bound, this.kernel.limits);
  }

  /** Places of this session's own, in the order in which they were bound: `/proc/9p/session/self/ns`. */
  get ns(): readonly Bound[] {
    return this.#space?.all ?? [];
  }

  // What state shows, an absence too, leaves only when it is durable.
  #release<T>(look: () => T): Awaitable<T> {
    let told: () => T;
    try {
      const value = look();
      told = () => value;
    } catch (thrown) {
      told = () => {
        throw thrown;
      };
    }
    const wait = this.kernel.settled();
    return wait ? wait.then(told) : told();
  }

  #seen(from: Found, name: string, found: Found | undefined): Found {
    if (!found || !this.#visible(found)) throw fault.absent(join(from.path, name));
    return found;
  }

  /** What a path leads to; throws `session.absent`. */
  async find(path: string): Promise<Found> {
    let found = this.root;
    for (const name of parsePath(path, this.kernel.limits)) {
      const next = this.walk(found, name);
      found = next instanceof Promise ? await next : next;
    }
    return found;
  }

  stat(found: Found): Awaitable<Stat> {
    this.#checkShown(found);
    const stat = statNode(this, found);
    if (stat instanceof Promise) return stat.then((known) => this.#release(() => known));
    const wait = this.kernel.settled();
    return wait ? wait.then(() => stat) : stat;
  }

  /** What of a place never changes; asks nothing of state. */
  identify(found: Found): Identity {
    return identify(found);
  }

  /** Grows when the file changes, as in `stat`; 0 for a stream that has to be opened to know. */
  version(found: Found): number {
    return versionOf(this, found);
  }

  /**
   * Names of a directory, in order; hidden ones are left out. In brief it is what somebody looks for who has to ask for
   * each of them; the others are there all the same.
   */
  async list(found: Found, { brief = false }: { readonly brief?: boolean } = {}): Promise<Entry[]> {
    this.#checkShown(found);
    if (!isDirectory(found)) throw fault.notDirectory(found.path);
    // By name: state may change between two pieces, and then show what was there in another place.
    const entries = new Map<string, Entry>();
    let pause = pieceOf(this.kernel);
    for (const at of await inside(found, this.scene(found), brief)) {
      const wait = pause();
      if (wait) {
        await wait;
        this.#checkShown(found);
        pause = pieceOf(this.kernel);
      }
      if (!this.#visible(at) || this.#space?.at(at.path) !== undefined) continue;
      const name = at.path.slice(at.path.lastIndexOf("/") + 1);
      entries.set(name, { name, ...identify(at) });
      if (entries.size >= this.kernel.limits.entries) break;
    }
    for (const { name, from } of this.#space?.in(found.path) ?? [])
      await this.#led(from).then(
        (at) => entries.set(name, { name, ...identify(at) }),
        () => undefined,
      );
    await this.kernel.settled();
    return [...entries.values()];
  }

  /** Opens a file; rights are checked here and again by the gate for each line. */
  open(found: Found, mode: OpenMode): Awaitable<Handle> {
    this.#checkShown(found);
    const { node } = found.place;
    if (isDirectory(found)) throw fault.isDirectory(found.path);
    if (mode.read) this.#checkRead(found, node.right);
    if (mode.write) this.#checkWrite(found);
    return openNode(this, found, mode);
  }

  #checkRead(found: Found, right: string | undefined): void {
    const path = rightPath(found);
    // The answers of a control belong to whoever may write it.
    const verb = found.place.node.kind === "control" ? "write" : "read";
    const grant = this.authority.allows(path, verb);
    if (!grant || (right && verb === "read" && !this.authority.allows(path, right))) throw fault.read(path);
    if (!this.rates.take(grant, "read", this.kernel.time.monotonic())) throw fault.rate(path);
    this.charge(0);
  }

  #checkWrite(found: Found): void {
    const { node, facet } = found.place;
    const writable =
      facet === "plain" &&
      (node.kind === "control" ||
        node.kind === "value" ||
        node.kind === "blob" ||
        (node.kind === "stream" && node.append));
    if (!writable) throw fault.notWritable(found.path);
    const { right } = node;
    if (!this.authority.allows(found.path, "write") || (right && !this.authority.allows(found.path, right)))
      throw fault.write(found.path);
  }

  /** Counts bytes read against the ticket's budgets; one record a second tells the journal. */
  charge(bytes: number): void {
    this.kernel.metrics.counts.reads += 1;
    if (this.#budgeted) this.#use(bytes, fault.budget);
  }

  /** Counts bytes that are appended without a command: against the rate of the right, and budgets as for a read. */
  spend({ path }: Found, bytes: number): void {
    const grant = this.authority.allows(path, "write");
    if (!grant) throw fault.write(path);
    if (grant.meters.length > 0 && !this.rates.take(grant, "write", this.kernel.time.monotonic()))
      throw gate.rate(path);
    if (this.#budgeted) this.#use(bytes, gate.budget);
  }

  // What is refused is not counted: else a narrowed ticket could use up the budget of the one above.
  #use(more: number, refused: typeof fault.budget): void {
    const [ops, bytes] = [this.#reads.ops + 1, this.#reads.bytes + more];
    for (const block of this.authority.blocks) {
      const used = this.kernel.slices.kernel.budgets.get(block.id) ?? { ops: 0, bytes: 0 };
      if (block.ops !== undefined && used.ops + ops > block.ops) throw refused("ops");
      if (block.bytes !== undefined && used.bytes + bytes > block.bytes) throw refused("bytes");
    }
    this.#reads = { ops, bytes };
  }

  /** Once a second: what was read and appended is charged by one record. */
  beat(): void {
    this.#chargeReads();
    const { expiresAt } = this.authority;
    if (expiresAt !== undefined && this.kernel.time.now() >= expiresAt) this.close("ticket expired");
  }

  #chargeReads(): void {
    if (this.#reads.ops === 0) return;
    const { ops, bytes } = this.#reads;
    this.#reads = { ops: 0, bytes: 0 };
    const blocks = this.authority.blocks
      .filter((block) => block.ops !== undefined || block.bytes !== undefined)
      .map(({ id }) => id);
    this.kernel.system("kernel", "/", { op: "charge", session: this.id }, () => ({
      events: [{ type: "charged@1", data: { blocks, ops, bytes } }],
    }));
  }

  /** Resolves when a line can be judged at once; undefined when it can be now. Whoever may not write waits for nothing. */
  prepare(found: Found, node: ControlNode | ValueNode, line: string): Promise<void> | undefined {
    if (node.kind !== "control" || !node.prepare || line.length > this.kernel.limits.line) return undefined;
    const { path } = found;
    if (!this.authority.allows(path, "write") || !this.authority.allows(path, node.right ?? "write"))
      return undefined;
    return preparation(node, line, this.scene(found));
  }

  /** Judges one line; the answer may leave once `kernel.settled()`. Throws the fault of a refusal. */
  judge(found: Found, node: ControlNode | ValueNode, line: string, options: AppendOptions = {}): Answer {
    const intent: Intent = {
      found,
      node,
      line,
      actor: {
        id: this.id,
        authority: this.authority,
        caller: this.caller,
        rates: this.rates,
        state: this.#state,
      },
      key: options.key,
      epoch: undefined,
      issued: undefined,
      trace: options.trace,
      reason: undefined,
      command: undefined,
      stored: null,
      known: false,
      acting: undefined,
      policy: "none",
      consumed: [],
      waits: undefined,
      approved: options.approved,
    };
    return this.kernel.judge(intent);
  }

  /** An edge that can tell no more than a number leaves here what it refused. */
  refused(fault: Fault): void {
    this.#refused = fault;
  }

  /** What was refused last by such an edge: `/proc/9p/session/self/refusal`. */
  get refusal(): Answer | undefined {
    return this.#refused && refusal(this.#refused);
  }

  answered(answer: Answer): void {
    this.answers.push(answer);
    if (this.answers.length > this.kernel.limits.answers) this.answers.shift();
  }

  /** Reads a file whole, or from an offset; at most `most` bytes. */
  async read(path: string, offset = 0, most: number = this.kernel.limits.readOutside9p): Promise<Uint8Array> {
    return readWhole(await this.open(await this.find(path), { read: true, write: false }), offset, most);
  }

  /** Appends one command or some bytes; the answer comes after durability. A refusal is an answer, not a throw. */
  async append(path: string, line: string | Json, options: AppendOptions = {}): Promise<Answer> {
    const text = typeof line === "string" ? line : JSON.stringify(line);
    const found = await this.find(path);
    const { node } = found.place;
    try {
      if (node.kind === "control" || node.kind === "value") {
        this.checkAlive();
        const ready = this.prepare(found, node, text);
        if (ready) await ready;
        const answer = this.judge(found, node, text, options);
        await this.kernel.settled();
        return answer;
      }
      const handle = await this.open(found, { read: false, write: true });
      const taken = await handle.write(0, Buffer.from(text));
      await handle.close();
      return { verdict: "ok", result: { bytes: taken } };
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      await this.kernel.settled();
      return refusal(thrown);
    }
  }

  /** Called once when the session ends, whoever ends it; the answer takes that back. */
  onClose(act: (reason: string) => void): () => void {
    this.#onClose.add(act);
    return () => void this.#onClose.delete(act);
  }

  /** Ends the session: its handles are of no use any more. Ending twice is harmless. */
  close(reason = "closed"): void {
    if (this.#state === "CLOSED") return;
    this.#chargeReads();
    this.#state = "CLOSED";
    this.kernel.ended(this);
    for (const act of this.#onClose) act(reason);
    this.#onClose.clear();
  }
}
