import { sha256 } from "./manifest.ts";
import { pageScript } from "./page-script.ts";

// Red is how it begins: a page whose script was broken stays red.
const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; color: #1d2422; background: #fff; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
.bad { background: #b3261e; color: #fff; }
.status { font-weight: 600; }
.good .status { color: #0b6b3a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { color: #5a6663; } dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #dde3e1; vertical-align: top; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f5f4; padding: .75rem; }
summary { cursor: pointer; padding: .25rem 0; }
`;

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

// Written as a browser writes it back, so that the page can come to its own bytes from what it became.
const before =
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">` +
  `<title>Skep evidence</title><style>${style}</style></head><body class="bad"><main><h1>Not verified</h1>` +
  `<p class="status">This page verifies itself with a script; without one it says nothing.</p></main>` +
  `<script type="application/json" id="data">`;
const after = `</script><script>${pageScript}</script></body></html>`;

/** JSON in one form, all ASCII, without what could end a script element. */
function encode(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]|</g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** SHA-256 of the page without its data, hex: the same for all packs of this program. */
export function shellDigest(): string {
  return sha256(before + after);
}

/** The page with its data: manifest, seal and every file that the manifest lists. */
export function pageOf(manifest: string, seal: string, files: ReadonlyMap<string, string>): string {
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  return before + encode({ manifest, seal, files: Object.fromEntries(sorted) }) + after;
}
