const longest = 1024;

/** Whether a pattern of `*` and `?` fits all of the text; linear in memory, never exponential in time. */
function matches(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    const char = pattern[next];
    if (char === "*") {
      star = next++;
      retry = at;
    } else if (char === "?" || (char !== undefined && char === text[at])) {
      next += 1;
      at += 1;
    } else if (star >= 0) {
      next = star + 1;
      at = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[next] === "*") next += 1;
  return next === pattern.length;
}

/** PATTERNS of ssh_config(5): a comma list, `!` negates and wins, case counts. */
export function matchPatternList(text: string, list: string): boolean {
  let found = false;
  for (const part of list.split(",")) {
    const negated = part.startsWith("!");
    const pattern = negated ? part.slice(1) : part;
    if (pattern.length >= longest - 1) return false;
    if (!matches(text, pattern)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}
