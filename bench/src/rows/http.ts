import { idlers, subscribers } from "../http/crowd.ts";
import { startHttp } from "../http/hive.ts";
import { polling, rates } from "../http/rates.ts";
import type { Bench } from "../row.ts";

/** Requests, polling, subscribers and idle connections of the HTTP edge. */
export const http: Bench = {
  name: "http",
  async run(tell) {
    const rows = [];
    {
      await using hive = await startHttp();
      rows.push(...(await rates(hive, tell)), ...(await polling(hive, tell)));
    }
    await using hive = await startHttp();
    tell("1,000 subscribers of one stream");
    rows.push(...(await subscribers(hive, 1000)));
    tell("10,000 idle connections");
    rows.push(...(await idlers(hive, 10_000)));
    return rows;
  },
};
