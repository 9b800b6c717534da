// A fleet that exists only in time; options come as JSON in the first argument, the report is one JSON line on stdout.
import { type FleetOptions, runFleet } from "./fleet.ts";

const usual: FleetOptions = { seed: 1, workers: 10_000, jobs: 20_000, vanish: 0.1 };
const given = JSON.parse(process.argv[2] ?? "{}") as Partial<FleetOptions>;
process.stdout.write(`${JSON.stringify(await runFleet({ ...usual, ...given }))}\n`);
process.exit(0);
