import { useMemo } from "preact/hooks";
import { type Code, codeOf } from "./qr.ts";

/** Light modules that readers need around a code. */
const margin = 4;

/** The dark modules, each run of a row as one box. */
function pathOf(code: Code): string {
  const runs: string[] = [];
  for (let y = 0; y < code.side; y += 1)
    for (let x = 0; x < code.side; x += 1) {
      if (!code.isDark(x, y) || (x > 0 && code.isDark(x - 1, y))) continue;
      let end = x + 1;
      while (end < code.side && code.isDark(end, y)) end += 1;
      runs.push(`M${x + margin} ${y + margin}h${end - x}v1h${x - end}z`);
    }
  return runs.join("");
}

/** A text for a camera: black on white in either scheme, because not every reader knows the other way round. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const code = useMemo(() => codeOf(text), [text]);
  if (!code) return <p class="dim">It is too long for a code: a QR code holds 2,953 bytes.</p>;
  const side = code.side + 2 * margin;
  return (
    <svg class="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label}>
      <rect class="ground" width={side} height={side} />
      <path d={pathOf(code)} shape-rendering="crispEdges" />
    </svg>
  );
}
