import { kinds } from "@skep/fault";
import { verbs } from "@skep/grammar";
import { checks, type ControlNode, createTree, limits, type Place, type Provider } from "@skep/kernel";
import { z } from "zod";
import { foldedMounts } from "../hive/folded.ts";

interface Row {
  readonly path: string;
  readonly place: Place;
}

const order = (name: string): number => (name === "shard" ? 1 : 0);

/** Every place of a tree with its path; names that a state gives stand as `<id>`. */
function rowsOf(place: Place, path = "", seen = new Set<Place>()): Row[] {
  const rows: Row[] = [];
  const entries = [...place.entries].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1));
  for (const [name, entry] of entries) {
    // What an alias shows once more was told at its first name.
    if (entry.facet !== "plain" || seen.has(entry)) continue;
    seen.add(entry);
    const below = `${path}/${name}`;
    rows.push({ path: below, place: entry }, ...rowsOf(entry, below, seen));
  }
  const { node, child } = place;
  if (node.kind === "each" && child) {
    const below = `${path}/<${node.param}>`;
    rows.push({ path: below, place: child }, ...rowsOf(child, below, seen));
  }
  return rows;
}

function kindOf({ node }: Place): string {
  if (node.kind === "each") return node.rows ? "dir, `.json`" : "dir";
  if (node.kind === "text" && node.json) return node.cbor ? "text, `.json`, `.cbor`" : "text, `.json`";
  if (node.kind === "stream") return node.append ? "stream, appendable" : "stream";
  return node.kind;
}

function rightOf({ node }: Place): string {
  if (node.kind === "control") return node.right ?? "write";
  return node.right ?? "read";
}

function treeTable(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ path, place }) => `| \`${path}\` | ${kindOf(place)} | ${rightOf(place)} | ${place.node.doc} |`,
  );
  return ["| path | kind | right | what |", "|---|---|---|---|", ...lines].join("\n");
}

function actsText({ acts = {}, undo }: ControlNode): string {
  const lines = Object.entries(acts).map(([name, { class: kind, data, compensation }]) => {
    const how =
      compensation === undefined ? "" : `: ${compensation.toLowerCase().slice(0, 1)}${compensation.slice(1)}`;
    return `- \`${name}\` is ${kind}${data ? ", and bears data" : ""}${how}`;
  });
  return lines.length === 0 ? `Every act is ${undo}.` : `${lines.join("\n")}\n`;
}

function controlsText(rows: readonly Row[]): string {
  const parts: string[] = [];
  for (const { path, place } of rows) {
    const { node } = place;
    if (node.kind !== "control") continue;
    const schema = JSON.stringify(
      z.toJSONSchema(node.input, { unrepresentable: "any", io: "input" }),
      null,
      1,
    )
      .replace(/\n\s*/g, " ")
      .replace(/([[{]) | ([\]}])/g, "$1$2");
    const examples = (node.examples ?? []).map((line) => `\n    ${line}`).join("");
    parts.push(
      `### \`${path}\`\n\n${node.doc}.\n\n${actsText(node)}\n${examples}\n\nSchema of a line: \`${schema}\``,
    );
  }
  return parts.join("\n\n");
}

function kindsTable(): string {
  const lines = Object.entries(kinds).map(
    ([name, row]) =>
      `| ${name} | ${row.reason} | ${row.errnoName} (${row.errno}) | ${row.http} | ${row.exit} |`,
  );
  return ["| kind | reason | errno | HTTP | exit |", "|---|---|---|---|---|", ...lines].join("\n");
}

function verbsTable(): string {
  const lines = Object.values(verbs).map(
    ({ usage, doc, ends }) => `| \`${usage.replaceAll("|", "\\|")}\` | ${doc} | ${ends} |`,
  );
  return ["| line | what | ends with |", "|---|---|---|", ...lines].join("\n");
}

function limitsTable(): string {
  const lines = Object.entries(limits).map(([name, value]) => `| ${name} | ${value} |`);
  return ["| limit | default |", "|---|---|", ...lines].join("\n");
}

/** The part of `docs/protocol.md` that is made from the tree. */
export function protocolText(
  providers: readonly Provider[] = foldedMounts("/nonexistent", undefined),
): string {
  // Index 0 is the kernel's own slice when a hive runs; here only names and docs matter.
  const rows = rowsOf(createTree(providers));
  return [
    "## The tree",
    treeTable(rows),
    "## Controls",
    controlsText(rows),
    "## The gate",
    `A line passes, in order: ${checks.map(({ name }) => `\`${name}\``).join(" → ")} → the provider's decision.`,
    "## Verbs of the console",
    verbsTable(),
    "## Failures",
    kindsTable(),
    "## Limits",
    limitsTable(),
    "",
  ].join("\n\n");
}

/** What stands between the hand-written part and the made one. */
export const marker = "<!-- Made from the tree by `npm run docs`; do not edit below. -->";

/** The document with its made part renewed. */
export function renewed(document: string): string {
  const at = document.indexOf(marker);
  const head = at < 0 ? `${document.trimEnd()}\n\n` : document.slice(0, at);
  return `${head}${marker}\n\n${protocolText()}`;
}
