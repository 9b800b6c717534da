import { fault } from "./faults.ts";

/** The part of a request's target before the query, as it was sent. */
export function rawPath(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}

function nameOf(segment: string): string {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    throw fault.path(segment);
  }
  // A slash or NUL that hid behind a percent sign, a step up, or an empty step: nobody who means well sends these.
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) throw fault.path(segment);
  return name;
}

/** The path of the tree that a target below `prefix` names, one way to spell each. Throws `http.path`. */
export function treePath(url: string, prefix: string): string {
  const rest = rawPath(url).slice(prefix.length);
  if (rest === "" || rest === "/") return "/";
  if (!rest.startsWith("/")) throw fault.path(rest);
  return `/${rest.slice(1).split("/").map(nameOf).join("/")}`;
}

/** A tree path as part of a URL. */
export function urlPath(path: string): string {
  return path === "/" ? "" : path.split("/").map(encodeURIComponent).join("/");
}
