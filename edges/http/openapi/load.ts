import type { Session } from "@skep/kernel";

/** OpenAPI 3.1 of a tree and of what this edge has beside it; what makes it is loaded when it is asked for. */
export async function openApi(
  tree: Session["root"]["place"],
  version: string,
): Promise<Readonly<Record<string, unknown>>> {
  const made = await import("./document.ts");
  return made.openApi(tree, version);
}
