import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { dial, homeTarget } from "../client/connect.ts";
import { explainer } from "../client/explain.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";
import { publicHex } from "./pack.ts";

/** Bytes that look random and are the same each time. */
export function noise(length: number, seed: string): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, block = 0; at < length; at += 64, block += 1)
    createHash("sha512").update(`${seed}${block}`).digest().copy(bytes, at);
  return bytes;
}

/** A hive that takes what one release key signed, and the key as a file. */
export async function startUpdatesHive(): Promise<
  TestHive & { readonly key: KeyObject; readonly keyFile: string; readonly publicKey: string }
> {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  const place = makeTestPlace();
  const publicKey = publicHex(key);
  const hive = await startTestHive(place, { SKEP_UPDATES_KEYS: publicKey });
  const keyFile = join(place.dir, "release.pem");
  writeFileSync(keyFile, key.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  return { ...hive, key, keyFile, publicKey };
}

/** A client whose bytes are counted, and that is cut after so many of them. */
export async function countedClient(
  home: string,
  env: Readonly<Record<string, string>>,
  cutAfter = Number.POSITIVE_INFINITY,
): Promise<{ readonly client: Client; readonly travelled: () => number }> {
  const socket = await dial(homeTarget(home, env));
  const travelled = (): number => socket.bytesRead + socket.bytesWritten;
  const wire = wireFromSocket(socket);
  socket.on("data", () => {
    if (travelled() > cutAfter) socket.destroy();
  });
  return { client: await createClient(wire, { uname: "skep", aname: "", explain: explainer() }), travelled };
}
