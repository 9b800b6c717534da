import { createHash } from "node:crypto";

/** The five fields that a receipt of version 0.1 signs. */
export interface LegacyReceipt {
  readonly version: string;
  readonly module_hash: string;
  readonly exit_code: number;
  readonly wall_time_ms: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** The 32 bytes that a receipt of version 0.1 signs: neither output nor job nor worker is among them. */
export function legacyDigest(receipt: LegacyReceipt): Buffer {
  const { version, module_hash, exit_code, wall_time_ms, timestamp } = receipt;
  const text = [version, module_hash, exit_code, wall_time_ms, timestamp].join("|");
  return createHash("sha256").update(text, "utf8").digest();
}

/** True for the shape of version 0.1, which is recognised in order to be refused by name. */
export function isLegacy(value: object): boolean {
  return !("schema_version" in value) && "node_pubkey" in value && "wall_time_ms" in value;
}
