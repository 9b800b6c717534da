import type { Clock } from "@skep/clock";
import { Dnp3Master, type Point } from "@skep/dnp3";
import { Connection } from "./connection.ts";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import type { RulesOf } from "./rules.ts";
import { tcpWire } from "./wires.ts";

/** An outstation, which is read and nothing else. */
export class Dnp3Device implements Device {
  readonly #rules: RulesOf<"dnp3">;
  readonly #clock: Pick<Clock, "after">;
  readonly #told: Point[] = [];
  readonly #connection = new Connection(() => this.#open());

  constructor(rules: RulesOf<"dnp3">, clock: Pick<Clock, "after">) {
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

  async read(name: string): Promise<number> {
    const found = (await this.poll()).findLast(({ point }) => point === name);
    if (!found) throw fault.device(`${name} was not told`);
    return found.value;
  }

  async write(name: string): Promise<void> {
    throw fault.refused(name);
  }

  pulses(): boolean {
    return true;
  }

  close(): void {
    this.#connection.close();
  }
}
