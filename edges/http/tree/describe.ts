import type { Session } from "@skep/kernel";
import { z } from "zod";

type Found = Session["root"];
type NodeOf = Found["place"]["node"];
type Schema = Readonly<Record<string, unknown>>;

const schemas = new WeakMap<NodeOf, Schema>();

/** The JSON schema of a control's line. */
export function schemaOf(node: Extract<NodeOf, { kind: "control" }>): Schema {
  const known = schemas.get(node);
  if (known) return known;
  const { $schema: _, ...made } = z.toJSONSchema(node.input, { unrepresentable: "any", io: "input" });
  schemas.set(node, made);
  return made;
}

// What providers leave open in their examples, filled in so that each can be sent as it stands.
const open: Readonly<Record<string, string>> = {
  "<sha256>": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "<digest>": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

/** An example as the command it is, or as its text. */
export function exampleOf(example: string): unknown {
  const line = example.replace(/<[\w ]+>/g, (word) => open[word] ?? word.slice(1, -1).replaceAll(" ", "-"));
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

/** What a file or directory is, for forms and pages: read off the tree. */
export function describe({ place, path }: Found): Record<string, unknown> {
  const { node, facet } = place;
  const kind = node.kind === "each" || node.kind === "subtree" ? "dir" : node.kind;
  return {
    path,
    kind: facet === "json" ? "text" : kind,
    doc: node.doc,
    ...(node.right !== undefined && { right: node.right }),
    ...(facet === "follow" && { follow: true }),
    ...(facet === "plain" && node.kind === "text" && node.json && { json: `${path}.json` }),
    ...(facet === "plain" && node.kind === "stream" && { follow: `${path}.follow`, json: `${path}.json` }),
    ...(node.kind === "stream" && { appendable: node.append !== undefined }),
    ...(node.kind === "control" && {
      undo: node.undo,
      line: node.parse ? "text" : "json",
      schema: schemaOf(node),
      examples: (node.examples ?? []).map(exampleOf),
    }),
  };
}
