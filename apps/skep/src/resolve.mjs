// A short way from a specifier to a file for what lies in this repository. Node's own asks for each import what kind of
// file it is, whose package it belongs to and whether it is a link: half of the time that loading takes.
import { registerHooks } from "node:module";

/** What a package of ours resolved to: each is imported from many files, and is the same to all. */
const packages = new Map();

registerHooks({
  resolve(specifier, context, next) {
    // Files of ours name each other with their ending, and none is a link.
    if (specifier.startsWith(".") && specifier.endsWith(".ts") && context.parentURL)
      return {
        url: new URL(specifier, context.parentURL).href,
        format: "module-typescript",
        shortCircuit: true,
      };
    if (!specifier.startsWith("@skep/")) return next(specifier, context);
    const known = packages.get(specifier);
    if (known) return known;
    const found = { ...next(specifier, context), shortCircuit: true };
    packages.set(specifier, found);
    return found;
  },
});
