/** A colour scheme; everything that is coloured is coloured by one of these. */
export interface Palette {
  readonly bg: string;
  readonly surface: string;
  readonly raised: string;
  readonly line: string;
  readonly text: string;
  readonly dim: string;
  readonly honey: string;
  readonly honeyText: string;
  readonly onHoney: string;
  readonly ok: string;
  readonly warn: string;
  readonly bad: string;
  readonly info: string;
  readonly violet: string;
  readonly cell: string;
  readonly cellLine: string;
}

/** For the night. */
export const dark: Palette = {
  bg: "#14120e",
  surface: "#1c1914",
  raised: "#27231b",
  line: "#433c2f",
  text: "#f4eee1",
  dim: "#b8ae9b",
  honey: "#f5b83d",
  honeyText: "#f5b83d",
  onHoney: "#241800",
  ok: "#74cf96",
  warn: "#f2a65a",
  bad: "#ff8577",
  info: "#86bcff",
  violet: "#c9a3ff",
  cell: "#2c271e",
  cellLine: "#5b5140",
};

/** For the day. */
export const light: Palette = {
  bg: "#fbf8f1",
  surface: "#ffffff",
  raised: "#f3eddf",
  line: "#d6cbb5",
  text: "#231f17",
  dim: "#5f5645",
  honey: "#efae2b",
  honeyText: "#7d5200",
  onHoney: "#241800",
  ok: "#1a6b3f",
  warn: "#8a4b00",
  bad: "#b0261c",
  info: "#1a5aa8",
  violet: "#6b3fb0",
  cell: "#e9e0cc",
  cellLine: "#b9ab8d",
};

/** The names of colours that stand for something. */
export type Tone = "honey" | "ok" | "warn" | "bad" | "info" | "violet" | "dim";

/** Why something was refused, as the hive counts it. */
export const reasons = ["busy", "quota", "cut", "policy"] as const;
/** One of the four. */
export type Reason = (typeof reasons)[number];

/** The colour of a reason, on the scene and in words alike. */
export const toneOf: Readonly<Record<Reason, Tone>> = {
  busy: "warn",
  quota: "violet",
  cut: "info",
  policy: "bad",
};

function channelsOf(colour: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

/** Relative luminance, as WCAG has it. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = channelsOf(colour).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** How far two colours stand apart: 1 to 21. */
export function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/** A colour seen through: so much of it, the rest of what is behind. */
export function through(colour: string, alpha: number, behind: string): string {
  const back = channelsOf(behind);
  const mixed = channelsOf(colour).map((part, at) =>
    Math.round(part * alpha + (back[at] ?? 0) * (1 - alpha)),
  );
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** The colour of words on a ground that is none of the page's own. */
export function inkOn(ground: string, { text, bg }: Palette): string {
  return contrast(text, ground) >= contrast(bg, ground) ? text : bg;
}

/** A colour as the number that the stage draws with. */
export function numberOf(colour: string): number {
  return Number.parseInt(colour.slice(1), 16);
}
