import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createCosignatureVerifier, parseWitnessRecord, printVkey, printWitnessRecord } from "@skep/tlog";
import type { StoredWitnessRecord, WitnessRecord } from "@skep/tlog";
import { replacePrivate } from "../client/files.ts";
import { type HomeKey, homeKey, privateFile, shortName } from "../hive/keys.ts";

/** Where a hive keeps the newest checkpoint with enough cosignatures. */
export const cosignedFile = (home: string): string => join(home, "hive", "cosigned.checkpoint");

/** The key of a witness and the name it signs with. */
export interface WitnessKey {
  readonly name: string;
  readonly key: HomeKey;
  /** The line for a tlog-policy: C2SP verifier key. */
  readonly vkey: string;
}

/** The key in a folder, made at its first use and never again. */
export function witnessKey(dir: string): WitnessKey {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const key = homeKey(join(dir, "key"));
  const publicKey = Buffer.from(key.publicKey, "hex");
  const stored = privateFile(join(dir, "name"), () =>
    Buffer.from(`skep.invalid/witness-${shortName(publicKey)}`),
  );
  const name = Buffer.from(stored).toString().trim();
  return { name, key, vkey: printVkey(createCosignatureVerifier(name, publicKey)) };
}

/** What a witness remembers, one small file for each log, each replaced whole and synced before anybody is answered. */
export class WitnessState {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(join(dir, "logs"), { recursive: true, mode: 0o700 });
    mkdirSync(join(dir, "forks"), { recursive: true, mode: 0o700 });
  }

  #file(origin: string): string {
    return join(this.#dir, "logs", createHash("sha256").update(origin).digest("hex"));
  }

  /** Throws `tlog.record` where it is damaged: a witness that begins anew would sign a second history. */
  read(origin: string): StoredWitnessRecord | undefined {
    const file = this.#file(origin);
    return existsSync(file) ? parseWitnessRecord(readFileSync(file)) : undefined;
  }

  keep(origin: string, record: WitnessRecord): void {
    replacePrivate(this.#file(origin), printWitnessRecord({ origin, ...record }));
  }

  /** Keeps the request of a log that showed two histories: it is the proof. */
  keepFork(body: Uint8Array): void {
    const name = createHash("sha256").update(body).digest("hex");
    replacePrivate(join(this.#dir, "forks", name), body);
  }
}
