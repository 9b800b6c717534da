/** A path rule of the original: what is written there needs an approval in the queue. */
export interface PathRule {
  readonly id: string;
  /** A path in which `*` stands for one name. */
  readonly target: string;
}

function conditionOf(target: string): string {
  const path = JSON.stringify(target);
  if (!target.includes("*")) return `resource == Path::${path}`;
  // A star of Cedar also passes over slashes; with as many names as the pattern has, it cannot.
  return `resource.depth == ${target.split("/").length - 1} && resource.path like ${path}`;
}

/** The same as Cedar: everything is permitted, and what a rule names once an approval is presented. */
export function rulesToCedar(rules: readonly PathRule[]): string {
  const base = `@id("default")\npermit (principal, action, resource);\n`;
  const each = rules.map(
    ({ id, target }) =>
      `\n@id(${JSON.stringify(id)})\n@mode("present")\n@by("ticket")\n` +
      `forbid (principal, action, resource) when { ${conditionOf(target)} };\n`,
  );
  return base + each.join("");
}
