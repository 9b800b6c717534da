import { fault } from "./faults.ts";
import { decodeBase64 } from "./wire.ts";

const begin = "-----BEGIN SSH SIGNATURE-----\n";
const end = "\n-----END SSH SIGNATURE-----";
/** Characters of a whole armoured signature: a certificate of an RSA key needs about 8 KiB. */
export const maxArmour = 128 * 1024;

/** Bytes of an armoured signature. Nothing may stand around it but one last newline. Throws `sshsig.armour`. */
export function parseArmour(source: string | Uint8Array): Buffer {
  if (source.length > maxArmour) throw fault.oversize(`signature of ${source.length} bytes`);
  const text = typeof source === "string" ? source : Buffer.from(source).toString("latin1");
  const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (!whole.startsWith(begin)) throw fault.armour("no first line");
  if (!whole.endsWith(end) || whole.length < begin.length + end.length) throw fault.armour("no last line");
  const base64 = whole.slice(begin.length, -end.length).replaceAll("\n", "");
  const bytes = decodeBase64(base64);
  if (!bytes || bytes.length === 0) throw fault.armour("its base64");
  return bytes;
}

/** The armour as ssh-keygen writes it: lines of 70 characters, a last newline. */
export function printArmour(bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,70}/g) ?? [];
  return `${begin}${lines.join("\n")}${end}\n`;
}
