export type { Attr, DirEntry, Statfs } from "./answers.ts";
/** What is served, and over what. */
export type { Call, Change, Channel, DirHandle, Filesystem, Handle } from "./filesystem.ts";
export { serve, type ServeOptions } from "./server.ts";
/** What comes from the kernel, for whoever looks at it. */
export { decodeBody, decodeHead, type Head, type Request } from "./requests.ts";
