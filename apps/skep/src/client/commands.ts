import { type Context, toned } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";

/** Shows what a command came to: `ok name=value …`, or JSON. */
export async function show({ out }: Context, told: Readonly<Record<string, unknown>>): Promise<void> {
  if (out.wantsJson) return out.json(told);
  const words = Object.entries(told).map(([name, value]) => `${name}=${String(value)}`);
  await out.line(toned("good", "ok"), ` ${words.join(" ")}`);
}

/** Connects to the hive that a command means; what that needs is loaded only now. */
export async function connected(context: Context): Promise<Client> {
  const { connectOf } = await import("./connect.ts");
  return connectOf(context);
}

/** How bytes that are sent are shown, and counted. */
export interface Sending {
  readonly bar: Disposable;
  readonly sent: (bytes: number) => void;
  readonly total: () => number;
}

/** A bar of bytes that travel to the hive. */
export function sending({ out }: Context): Sending {
  const bar = out.progress({ label: "Sending", unit: "bytes" });
  let total = 0;
  return {
    bar,
    total: () => total,
    sent: (bytes) => {
      total += bytes;
      bar.add(bytes);
    },
  };
}
