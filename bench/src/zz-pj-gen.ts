import { addEndedJobs } from "./generate.ts";
import { startOver } from "./hive.ts";
const home = process.argv[2] ?? "";
const jobs = Number(process.argv[3]);
await (await startOver(home))[Symbol.asyncDispose]();
for (let done = 0; done < jobs; done += 17_000) {
  const b = performance.now();
  const { records } = await addEndedJobs(home, Math.min(17_000, jobs - done), () => undefined);
  const m = performance.now();
  await using _h = await startOver(home);
  console.log(records, Math.round(m - b), Math.round(performance.now() - m));
}
