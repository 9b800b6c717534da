import type { Clock } from "@skep/clock";
import { Fault } from "@skep/fault";
import { decodeValue, encodeValue, ModbusClient, registersOf, type Wire } from "@skep/modbus";
import { Connection } from "./connection.ts";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import { checkBounds, pointOf } from "./point.ts";
import type { RulesOf } from "./rules.ts";
import { serialWire, tcpWire } from "./wires.ts";

type Point = RulesOf<"modbus">["point"][number];

const isBit = ({ table }: Point): boolean => table === "coil" || table === "discrete";
const sizeOf = (point: Point): number => (isBit(point) ? 1 : registersOf(point.type));

/** Points of one unit and table that are read with one question. */
interface Group {
  readonly unit: number;
  readonly table: Point["table"];
  readonly address: number;
  count: number;
  readonly points: Point[];
}

/** Registers that no point needs are read too where that saves a question. */
const mostGap = 8;

/** Points in as few questions as their addresses let. */
export function groupsOf(points: readonly Point[]): Group[] {
  const groups: Group[] = [];
  const sorted = points.toSorted(
    (one, other) =>
      one.unit - other.unit || one.table.localeCompare(other.table) || one.address - other.address,
  );
  for (const point of sorted) {
    const last = groups.at(-1);
    const same = last?.unit === point.unit && last.table === point.table;
    const count = last ? Math.max(last.count, point.address + sizeOf(point) - last.address) : 0;
    const most = isBit(point) ? 2000 : 125;
    if (last && same && point.address <= last.address + last.count + mostGap && count <= most) {
      last.count = count;
      last.points.push(point);
    } else {
      const { unit, table, address } = point;
      groups.push({ unit, table, address, count: sizeOf(point), points: [point] });
    }
  }
  return groups;
}

function numberIn(point: Point, words: readonly number[]): number {
  const raw = isBit(point) ? (words[0] ?? 0) : decodeValue(words, point.type, point.order);
  return raw * point.scale + point.offset;
}

/** What is written for a value. Throws `bridge.bounds`, `modbus.value`. */
function wordsOf(point: Point, value: number): readonly number[] {
  checkBounds(point, value);
  const { type, order } = point;
  const raw = (value - point.offset) / point.scale;
  if (isBit(point)) return [raw === 0 ? 0 : 1];
  return encodeValue(type.startsWith("f") ? raw : Math.round(raw), type, order);
}

/** It refused, or was never asked. Whatever else comes of a write tells nothing. */
const notDone: ReadonlySet<string> = new Set(["modbus.exception", "modbus.range", "modbus.value"]);

/** Devices on a MODBUS line or behind a gateway. */
export class ModbusDevice implements Device {
  readonly #rules: RulesOf<"modbus">;
  readonly #clock: Pick<Clock, "after">;
  readonly #groups: readonly Group[];
  readonly #connection = new Connection(() => this.#open());

  constructor(rules: RulesOf<"modbus">, clock: Pick<Clock, "after">) {
    this.#rules = rules;
    this.#clock = clock;
    this.#groups = groupsOf(rules.point);
  }

  #wire(): Promise<Wire> {
    const { tcp, serial, baud, parity, timeout } = this.#rules.device;
    return serial === undefined ? tcpWire(tcp ?? "", timeout) : serialWire({ path: serial, baud, parity });
  }

  async #open(): Promise<ModbusClient> {
    const { device } = this.#rules;
    const framing = device.framing ?? (device.serial === undefined ? "tcp" : "rtu");
    const options = { framing, clock: this.#clock, timeoutMs: device.timeout };
    return new ModbusClient({ wire: await this.#wire(), ...options });
  }

  async poll(signal: AbortSignal): Promise<readonly Reading[]> {
    const client = await this.#connection.peer();
    const readings: Reading[] = [];
    for (const { unit, table, address, count, points } of this.#groups) {
      signal.throwIfAborted();
      const words = await client.read(unit, table, address, count);
      for (const point of points) {
        const at = point.address - address;
        readings.push({ point: point.name, value: numberIn(point, words.slice(at, at + sizeOf(point))) });
      }
    }
    return readings;
  }

  #point(name: string): Point {
    return pointOf(this.#rules.point, name);
  }

  async read(name: string): Promise<number> {
    const point = this.#point(name);
    const client = await this.#connection.peer();
    return numberIn(point, await client.read(point.unit, point.table, point.address, sizeOf(point)));
  }

  async write(name: string, value: number): Promise<void> {
    const point = this.#point(name);
    const { table, unit, address } = point;
    if (!point.write || (table !== "coil" && table !== "holding")) throw fault.refused(name);
    const words = wordsOf(point, value);
    const client = await this.#connection.peer();
    try {
      await client.write(unit, table, address, words);
    } catch (thrown) {
      if (thrown instanceof Fault && notDone.has(thrown.code)) throw thrown;
      throw fault.lost((thrown as Error).message, { cause: thrown });
    }
  }

  pulses(name: string): boolean {
    return this.#point(name).pulse;
  }

  repeats(): boolean {
    return true;
  }

  close(): void {
    this.#connection.close();
  }
}
