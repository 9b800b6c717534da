import { createHash } from "node:crypto";

/** 256 numbers of 32 bits that look random and are the same for everybody: a change of them makes every old chunk new. */
export const gear: Int32Array = Int32Array.from({ length: 256 }, (_, byte) =>
  createHash("sha256").update(`skep-chunks/v1 gear ${byte}`).digest().readInt32BE(0),
);
