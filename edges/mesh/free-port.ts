import { once } from "node:events";
import { createServer } from "node:net";

/** A port that is free now: the same one is then used for every family and transport. */
export async function freePort(host: string): Promise<number> {
  const probe = createServer();
  probe.listen(0, host === "*" ? "::" : host);
  await once(probe, "listening");
  const at = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof at === "object" && at ? at.port : 0;
}
