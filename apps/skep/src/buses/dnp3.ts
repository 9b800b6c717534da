import type { Clock } from "@skep/clock";
import { Dnp3Master, type Point } from "@skep/dnp3";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import type { RulesOf } from "./rules.ts";
import { tcpWire } from "./wires.ts";

/** An outstation, which is read and nothing else. */
export class Dnp3Device implements Device {
  readonly #rules: RulesOf<"dnp3">;
  readonly #clock: Pick<Clock, "after">;
  readonly #told: Point[] = [];
  #master: Promise<Dnp3Master> | undefined;

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

  async #connected(): Promise<Dnp3Master> {
    this.#master ??= this.#open();
    try {
      const master = await this.#master;
      if (master.isOpen) return master;
    } catch (thrown) {
      this.#master = undefined;
      throw thrown;
    }
    this.#master = this.#open();
    return this.#connected();
  }

  async poll(): Promise<readonly Reading[]> {
    const master = await this.#connected();
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
    this.#master?.then((master) => master.close()).catch(() => undefined);
  }
}
