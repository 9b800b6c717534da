// An import of `node:http` makes every name of it at once, `WebSocket` among them, and so loads a whole client for the web:
// 14 MB and a fifth of a start. Asked for like this, only what is used is loaded.
const { createServer, request } = process.getBuiltinModule("node:http");
const { request: secureRequest } = process.getBuiltinModule("node:https");

export { createServer, request, secureRequest };
