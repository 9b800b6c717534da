import { Fault } from "@skep/fault";
import { limits } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { scan } from "@skep/evidence";

/**
 * Files that go into a pack: this list and no other. None holds a secret, and none changes by being looked at, so that the
 * same state gives the same pack.
 */
const paths: readonly string[] = [
  "/proc/lifecycle/state",
  "/proc/lifecycle/reason",
  "/proc/lifecycle/since",
  "/proc/lifecycle/clock",
  "/proc/manifest",
  "/proc/pressure/busy",
  "/proc/pressure/quota",
  "/proc/pressure/cut",
  "/proc/pressure/policy",
  "/policy/rules",
  "/policy/versions",
  "/policy/signers",
  "/net/nodes",
  "/net/invites",
  "/log/queen.log",
  "/kmesg",
];

/** Most bytes of one file; of a longer one the end is kept. */
const most = 256 * 1024;

// A line that looks like a secret is told as such: logs have what people typed.
function redacted(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [hit] = scan(line);
      return hit ? `[withheld: ${hit.rule}]` : line;
    })
    .join("\n");
}

// Where the home lies on this machine is nobody else's concern, and another machine would pack other bytes.
const plain = (text: string, home: string): string => redacted(text.replaceAll(home, "$SKEP_HOME"));

/** The files of the list that there are, by the name they have in a pack. */
export async function textsOf(
  home: string,
  client: Client | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  texts.set("bounds.json", `${JSON.stringify(limits)}\n`);
  if (!client) return texts;
  for (const path of paths)
    try {
      const bytes = Buffer.from(await client.readAll(path, { signal }));
      texts.set(path.slice(1), plain(bytes.subarray(-most).toString(), home));
    } catch (thrown) {
      // Not every hive has every file.
      if (!(thrown instanceof Fault) || (thrown.kind !== "absent" && thrown.kind !== "denied")) throw thrown;
    }
  return texts;
}
