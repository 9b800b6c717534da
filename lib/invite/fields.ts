import { faults } from "@skep/fault";

const fault = faults("invite", {
  damaged: [
    "corrupt",
    "Cannot read invitation: it is damaged",
    { cure: "Copy the whole line that `skep invite` printed" },
  ],
});

/** Thrown for bytes that are no invitation, whatever is wrong with them. */
export const damaged = (why: string): Error => fault.damaged(why);

/** What can stand in an invitation; a list's tag is repeated for each of its entries. */
export const tags = {
  hiveKey: 1,
  hive: 2,
  id: 3,
  class: 4,
  role: 5,
  expiresAt: 6,
  ticket: 7,
  address: 8,
} as const;

type Tag = (typeof tags)[keyof typeof tags];

/** One field: its tag, then its bytes behind a length of 16 bits. */
export type Field = readonly [tag: Tag, bytes: Uint8Array];

/** The bytes of fields in the order given. */
export function printFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([tag, bytes]) => {
      const head = Buffer.alloc(3);
      head.writeUInt8(tag, 0);
      head.writeUInt16BE(bytes.length, 1);
      return [head, bytes];
    }),
  );
}

/** Reads fields that stand in ascending order, only the last of them repeated. Throws `invite.damaged`. */
export function parseFields(bytes: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  let last = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 3) throw damaged("a field is cut short");
    const tag = bytes.readUInt8(at);
    const end = at + 3 + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) throw damaged("a field is cut short");
    if (tag < last || (tag === last && tag !== tags.address)) throw damaged("fields are out of order");
    if (tag > tags.address) throw damaged(`it has a field ${tag}`);
    found.set(tag, [...(found.get(tag) ?? []), bytes.subarray(at + 3, end)]);
    last = tag;
    at = end;
  }
  return found;
}
