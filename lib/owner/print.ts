import { fields, gpuFields, type Rules } from "./rules.ts";

/** A file with every rule, each commented out but those that most owners want. */
export function exampleOwner(): string {
  const wanted = new Set([
    "when.idle",
    "stop.cpu",
    "stop.memory_pressure",
    "stop.temperature",
    "stop.battery",
  ]);
  const lines = [
    "# What others may do with this machine. It is read here, and obeyed here; the hive may read it and change nothing.",
    "# A rule that is left out does not exist. A change counts as soon as the file is saved.",
  ];
  let table = "";
  for (const { key, doc, example } of fields) {
    const [own = "", name = ""] = key.split(".");
    if (own !== table) lines.push("", `[${own}]`);
    table = own;
    lines.push(`${`${wanted.has(key) ? "" : "# "}${name} = ${example}`.padEnd(46)} # ${doc}`);
  }
  lines.push("", "# One table for each GPU that has rules of its own.", "# [gpu.0]");
  for (const { key, doc, example } of gpuFields) lines.push(`${`# ${key} = ${example}`.padEnd(46)} # ${doc}`);
  return `${lines.join("\n")}\n`;
}

/** The rules as plain JSON, without those that are as usual where nothing is. */
export function rulesJson(rules: Rules): Record<string, unknown> {
  const kept = Object.entries(rules).flatMap(([name, value]) => {
    if (value === null || value === false || value === 0) return [];
    if (Array.isArray(value)) return value.length === 0 ? [] : [[name, value]];
    if (typeof value !== "object") return [[name, value]];
    const within = rulesJson(value as Rules);
    return Object.keys(within).length === 0 ? [] : [[name, within]];
  });
  return Object.fromEntries(kept);
}
