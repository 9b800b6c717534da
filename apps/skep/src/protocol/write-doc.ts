// npm run docs: renews the made part of docs/protocol.md, and the types of lib/http-client.
import { readFileSync, writeFileSync } from "node:fs";
import { renewed } from "./protocol.ts";

const path = new URL("../../../../docs/protocol.md", import.meta.url);
writeFileSync(path, renewed(readFileSync(path, "utf8")));
await import("./write-client.ts");
