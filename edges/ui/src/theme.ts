import { dark, light, type Palette } from "./palette.ts";

/** Dark or light. */
export type Theme = "dark" | "light";

const watchers = new Set<() => void>();
const media = matchMedia("(prefers-color-scheme: light)");
// Kept apart: a change that is read off the query before it was told is never told.
let isDay = media.matches;

/** The theme that was chosen, or the one of the machine. */
export function themeNow(): Theme {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "dark" || kept === "light") return kept;
  } catch {
    // A browser that keeps nothing has the theme of the machine.
  }
  return isDay ? "light" : "dark";
}

/** The colours that are shown. */
export function paletteNow(): Palette {
  return themeNow() === "light" ? light : dark;
}

/** Whether things should rather stand still. */
export function isStill(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Paints the page in the colours of the theme. */
export function applyTheme(): void {
  const root = document.documentElement;
  root.dataset.theme = themeNow();
  for (const [name, colour] of Object.entries(paletteNow()))
    root.style.setProperty(`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, colour);
  for (const act of watchers) act();
}

/** Chooses a theme for this browser. */
export function setTheme(theme: Theme): void {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // It holds until the page is closed.
  }
  applyTheme();
}

/** Hears of other colours. */
export function watchTheme(act: () => void): () => void {
  watchers.add(act);
  return () => watchers.delete(act);
}

media.addEventListener("change", ({ matches }) => {
  isDay = matches;
  applyTheme();
});
