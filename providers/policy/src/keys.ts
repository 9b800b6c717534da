import type { Json, KernelSlice } from "@skep/kernel";
import { escapeForeign } from "@skep/text";

/** Keys that are shown: the newest; the others answer all the same. */
const shown = 1000;

interface Held {
  readonly subject: string;
  readonly key: string;
  readonly seq: number;
  readonly time: number;
}

function newest({ keys }: KernelSlice): readonly Held[] {
  const all = [...keys.entries()].map(([name, { seq, time }]): Held => {
    const at = name.indexOf("\n");
    return { subject: name.slice(0, at), key: name.slice(at + 1), seq, time };
  });
  return all.sort((one, other) => other.seq - one.seq).slice(0, shown);
}

/** Idempotency keys that are remembered, newest first, one per line. */
export function keysText(kernel: KernelSlice): string {
  const word = (text: string): string => escapeForeign(text, { form: "wire" });
  return newest(kernel)
    .map(
      ({ subject, key, seq, time }) => `record=${seq} at_ms=${time} by=${word(subject)} key=${word(key)}\n`,
    )
    .join("");
}

/** The same, and how many there are in all. */
export function keysJson(kernel: KernelSlice): Json {
  return { held: kernel.keys.size, shown: newest(kernel) as unknown as Json };
}
