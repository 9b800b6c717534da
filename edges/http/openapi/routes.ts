import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import type { Session } from "@skep/kernel";
import type { Parts } from "../parts.ts";
import { type Asset, assetOf, sendAsset } from "../ui.ts";
import { openApi } from "./document.ts";

const files: Readonly<Record<string, string>> = {
  "/docs": "docs.html",
  "/docs/page.js": "page.js",
  "/docs/page.css": "page.css",
};

function fileAsset(name: string): Asset | undefined {
  return assetOf(name, readFileSync(new URL(`docs/${name}`, import.meta.url)));
}

/** The description of everything here, and the page that shows it; both need no ticket and tell of no state. */
export function documentRoutes(app: FastifyInstance, parts: Parts, tree: Session["root"]["place"]): void {
  const config = { open: true };
  const method = ["GET", "HEAD"];
  let made: Asset | undefined;
  app.route({
    method,
    url: "/v1/openapi.json",
    config,
    handler: (request, reply) => {
      if (!made) {
        const body = Buffer.from(`${JSON.stringify(openApi(tree, parts.about.version), null, 1)}\n`);
        const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
        made = { ...(assetOf("openapi.json", body) as Asset), tag };
      }
      return sendAsset(request, reply, made);
    },
  });
  for (const [url, name] of Object.entries(files)) {
    let asset: Asset | undefined;
    app.route({
      method,
      url,
      config,
      handler: (request, reply) => {
        asset ??= fileAsset(name);
        return sendAsset(request, reply, asset as Asset);
      },
    });
  }
}
