// node testing/lab/main.ts expiry|relay-death|hive-restart|sleep|all [--json]
// Makes the trouble with the shipped programs and tells how long it took until all was well again; exits 1 where it took too long.
import { labLacks } from "./lab.ts";
import { shows } from "./recovery/shows.ts";

const words = process.argv.slice(2).filter((word) => word !== "--json");
const json = process.argv.includes("--json");
const names = words.includes("all") ? Object.keys(shows) : words;
const unknown = names.find((name) => !Object.hasOwn(shows, name));
if (names.length === 0 || unknown !== undefined) {
  process.stderr.write(`node testing/lab/main.ts ${Object.keys(shows).join("|")}|all [--json]\n`);
  process.exit(2);
}
let late = false;
for (const name of names) {
  const show = shows[name];
  const lacks = show?.needsLab ? labLacks() : undefined;
  if (lacks !== undefined) {
    process.stderr.write(`Cannot show ${name}: ${lacks}\n`);
    process.exit(1);
  }
  for (const { what, took, most, says } of (await show?.run()) ?? []) {
    const ms = Math.round(took);
    late ||= took > most;
    const line = `${name}: ${what} after ${ms} ms (at most ${most})${says === undefined ? "" : `; skep why: ${says}`}`;
    process.stdout.write(json ? `${JSON.stringify({ name, what, ms, most, says })}\n` : `${line}\n`);
  }
}
process.exit(late ? 1 : 0);
