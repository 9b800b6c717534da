import { faults } from "@skep/fault";
import type { Limits } from "../limits.ts";

const fault = faults("path", {
  relative: ["invalid", "Cannot use a path that does not begin with a slash"],
  dots: ["invalid", "Cannot use a path with an empty, dot or dot-dot component"],
  deep: ["nameTooLong", "Cannot use a path that is deeper than the limit"],
  long: ["nameTooLong", "Cannot use a name that is longer than the limit"],
  bytes: ["invalid", "Cannot use a name with a NUL or a slash"],
});

/** Checks one component of a path: 1 to 255 bytes, no NUL, no slash, neither `.` nor `..`. */
export function checkName(name: string, limits: Limits): void {
  if (name === "" || name === "." || name === "..") throw fault.dots(name);
  if (name.length > limits.component || Buffer.byteLength(name) > limits.component) throw fault.long(name);
  if (name.includes("\0") || name.includes("/")) throw fault.bytes(name);
}

/** The components of an absolute path; `/` has none. A trailing slash is refused like any empty component. */
export function parsePath(path: string, limits: Limits): string[] {
  if (!path.startsWith("/")) throw fault.relative(path);
  if (path === "/") return [];
  const names = path.slice(1).split("/");
  if (names.length > limits.pathDepth) throw fault.deep(path);
  for (const name of names) checkName(name, limits);
  return names;
}

/** A path below another: `join("/", "a")` is `/a`. */
export function join(dir: string, name: string): string {
  return dir === "/" ? `/${name}` : `${dir}/${name}`;
}

/** Whether `path` is `prefix` or lies below it, on a segment boundary. */
export function within(path: string, prefix: string): boolean {
  if (prefix === "/") return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}
