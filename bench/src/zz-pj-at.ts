import { startOver } from "./hive.ts";
const home = process.argv[2] ?? "";
const seqs = process.argv.slice(3);
await using h = await startOver(home);
const c = await h.owner();
const t = async (l: string, f: () => Promise<unknown>) => {
  const b = performance.now();
  await f();
  console.log(l, Math.round(performance.now() - b));
};
for (const s of seqs) await t(s, () => c.readAll(`/at/${s}/policy/rules`, {}));
await c.close();
