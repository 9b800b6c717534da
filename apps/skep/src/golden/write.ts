// Writes the golden journal of a release: node apps/skep/src/golden/write.ts v2
// Before the first release v1 may be written again with --again; a released one never is.
import { existsSync, writeFileSync } from "node:fs";
import { digestsOf, parseGolden, printGolden } from "./fold.ts";
import { playScenario } from "./scenario.test.ts";

const [name = "", again] = process.argv.slice(2);
const file = (kind: string): URL => new URL(`./testdata/${name}.${kind}`, import.meta.url);

if (!/^v[1-9]\d*$/.test(name)) throw new Error("Name the release: v1, v2, …");
if (existsSync(file("jsonl")) && again !== "--again") throw new Error(`${name} is there already`);
const text = printGolden(await playScenario());
const digests = digestsOf(parseGolden(text));
writeFileSync(file("jsonl"), text);
writeFileSync(file("digest"), `${digests.join("\n")}\n`);
console.log(`${name}: ${text.split("\n").length - 1} records, ${text.length} bytes, state ${digests.at(-1)}`);
