import type { Clock } from "@skep/clock";
import { type Control, type CrobCode, Dnp3Master, type Point } from "@skep/dnp3";
import { Fault } from "@skep/fault";
import { Connection } from "./connection.ts";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import { checkBounds, pointOf, settled, stands } from "./point.ts";
import { acts, type RulesOf } from "./rules.ts";
import { tcpWire } from "./wires.ts";

type Rule = RulesOf<"dnp3">["point"][number];

/** It refused, or was never asked to operate. Whatever else comes of a control tells nothing. */
const notDone: ReadonlySet<string> = new Set([
  ...["dnp3.refused", "dnp3.unselected", "dnp3.control", "dnp3.closed"],
]);
/** So often an output is looked at that has not settled, milliseconds. */
const look = 100;

const codes: Readonly<Record<Rule["relay"], readonly [CrobCode, CrobCode]>> = {
  latch: ["latch-off", "latch-on"],
  pulse: ["pulse-off", "pulse-on"],
  "trip-close": ["trip", "close"],
};

/** The control that a value is. Throws `bridge.bounds`. */
function controlOf(point: Rule, value: number): Control {
  checkBounds(point, value);
  const { name, index } = point;
  const raw = (value - point.offset) / point.scale;
  if (point.kind === "analog-output") {
    const { type } = point;
    return { kind: "analog", index, type, value: type.startsWith("f") ? raw : Math.round(raw) };
  }
  if (raw !== 0 && raw !== 1) throw fault.bounds(`${name}: ${value} is neither off nor on`);
  const code = codes[point.relay][raw];
  return { kind: "crob", index, code, count: point.count, onMs: point.on_ms, offMs: point.off_ms };
}

/** An outstation: read, and operated where the rules name the point. */
export class Dnp3Device implements Device {
  readonly #rules: RulesOf<"dnp3">;
  readonly #clock: Clock;
  readonly #told: Point[] = [];
  readonly #connection = new Connection(() => this.#open());

  constructor(rules: RulesOf<"dnp3">, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  async #open(): Promise<Dnp3Master> {
    const { tcp, timeout, master, outstation } = this.#rules.device;
    return new Dnp3Master({
      ...{ wire: await tcpWire(tcp, timeout), master, outstation, clock: this.#clock, timeoutMs: timeout },
      unsolicited: (points) => void this.#told.push(...points),
    });
  }

  async poll(): Promise<readonly Reading[]> {
    const master = await this.#connection.peer();
    const { points } = await master.read();
    return this.#readings([...this.#told.splice(0), ...points]);
  }

  #readings(points: readonly Point[]): Reading[] {
    const known = new Map(this.#rules.point.map((one) => [`${one.kind} ${one.index}`, one]));
    return points.flatMap(({ kind, index, value, time }) => {
      const one = known.get(`${kind} ${index}`);
      if (!one) return [];
      const changed = time === undefined ? {} : { changed: time };
      return [{ point: one.name, value: value * one.scale + one.offset, ...changed }];
    });
  }

  #point(name: string): Rule {
    return pointOf(this.#rules.point, name);
  }

  // The outputs alone: a poll would take events away from those who wait for them.
  async read(name: string): Promise<number> {
    const { kind, index } = this.#point(name);
    const group = groups[kind];
    const master = await this.#connection.peer();
    const { points } = await master.read([{ group, variation: 0, range: { start: index, stop: index } }]);
    const found = this.#readings(points).findLast(({ point }) => point === name);
    if (!found) throw fault.device(`${name} was not told`);
    return found.value;
  }

  async write(name: string, value: number): Promise<void> {
    const point = this.#point(name);
    if (!point.write) throw fault.refused(name);
    const control = controlOf(point, value);
    const master = await this.#connection.peer();
    try {
      await master.operate(control, point.operate);
    } catch (thrown) {
      if (thrown instanceof Fault && notDone.has(thrown.code)) throw thrown;
      throw fault.lost((thrown as Error).message, { cause: thrown });
    }
    if (!acts(point)) await this.#settled(point, value);
  }

  // An outstation accepts what its output does a moment later, or not at all.
  #settled({ name, scale }: Rule, value: number): Promise<void> {
    const read = () =>
      this.read(name).catch((thrown: Error) => {
        throw fault.lost(`it was accepted, and then: ${thrown.message}`, { cause: thrown });
      });
    const what = `it was accepted, and ${name}`;
    const within = this.#rules.device.settle;
    return settled(read, (now) => stands(now, value, scale), { clock: this.#clock, within, look, what });
  }

  pulses(name: string): boolean {
    return acts(this.#point(name));
  }

  // What was accepted may show late: that it does not show is no word that it was not done.
  repeats(): boolean {
    return false;
  }

  close(): void {
    this.#connection.close();
  }
}

const groups: Readonly<Record<Rule["kind"], number>> = {
  ...{ binary: 1, "double-bit": 3, "binary-output": 10, counter: 20, "frozen-counter": 21, analog: 30 },
  "analog-output": 40,
};
