import { clientLine, parseScript, runScript, type ScriptTransport, type Statement } from "@skep/grammar";

/** One command of a suite and what was expected of it. */
export interface Check {
  readonly name: string;
  readonly line: number;
  readonly result: "ok" | "failed" | "skipped";
  readonly why?: string;
}

/** A command with the statements that are about its answer; what comes before the first command stands alone. */
function groups(script: readonly Statement[]): Statement[][] {
  const found: Statement[][] = [];
  for (const statement of script)
    if (statement.kind === "expect") found.at(-1)?.push(statement);
    else found.push([statement]);
  return found;
}

function writes(text: string): boolean {
  try {
    return /^(ECHO|SPAWN|KILL)\b/.test(clientLine(text)) || text.includes("{{worker}}");
  } catch {
    return false;
  }
}

function filledBy(statement: Statement, { fill }: { readonly fill?: (text: string) => string }): Statement {
  if (statement.kind !== "expect") return statement;
  try {
    return { ...statement, text: fill?.(statement.text) ?? statement.text };
  } catch {
    // Nothing was spawned: the expectation then is not met.
    return statement;
  }
}

/** What a suite does, check by check; a failed one does not end it. */
export async function runSuite(
  text: string,
  transport: ScriptTransport & { readonly fill?: (text: string) => string },
  mutate: boolean,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const group of groups(parseScript(text))) {
    const [first] = group;
    if (first?.kind !== "command") continue;
    const { line, text: name } = first;
    if (!mutate && writes(name)) {
      checks.push({ name, line, result: "skipped" });
      continue;
    }
    // What is expected may name the worker, as what is sent does.
    const filled = group.map((each) => filledBy(each, { fill: (text) => transport.fill?.(text) ?? text }));
    const { pass, ...rest } = await runScript(filled, transport);
    checks.push({
      name,
      line,
      result: pass ? "ok" : "failed",
      ...("why" in rest ? { why: rest.why } : {}),
    });
  }
  return checks;
}
