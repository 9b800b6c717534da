/**
 * The verifier in the page: plain JavaScript for any browser with WebCrypto. It begins with red, and shows nothing but
 * what it verified.
 */
export const pageScript = String.raw`
"use strict";
const source = "<!DOCTYPE html>" + document.documentElement.outerHTML;
const raw = document.getElementById("data").textContent;
const utf8 = new TextEncoder();
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const digest = async (text) => hex(await sha256(utf8.encode(text)));
const base64 = (text) => {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  if (btoa(String.fromCharCode(...bytes)) !== text) throw new Error("base64 that is not in its one form");
  return bytes;
};
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const encode = (value) =>
  JSON.stringify(value).replace(/[^\x20-\x7e]|</g, (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"));
const need = (holds, what) => { if (!holds) throw new Error(what); };
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const lines = (text) => (text === "" ? [] : text.slice(0, -1).split("\n"));

async function keyOf(vkey) {
  const found = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  need(found, "the key of the log cannot be read");
  const [, name, id, encoded] = found;
  const typed = base64(encoded);
  need(typed.length === 33 && typed[0] === 1, "the key of the log is of another kind");
  const digested = await sha256(join(utf8.encode(name + "\n"), typed));
  need(hex(digested.subarray(0, 4)) === id, "the key of the log has another id");
  const key = await crypto.subtle.importKey("raw", typed.subarray(1), { name: "Ed25519" }, false, ["verify"]);
  return { name, id, key };
}

async function noteText(note, { name, id, key }, what) {
  const at = note.lastIndexOf("\n\n");
  need(at > 0 && note.endsWith("\n"), what + " is no signed note");
  const text = note.slice(0, at + 1);
  let signed = false;
  for (const line of lines(note.slice(at + 2))) {
    const found = /^— (\S+) (\S+)$/.exec(line);
    need(found, what + " has a line that is no signature");
    const bytes = base64(found[2]);
    if (found[1] !== name || hex(bytes.subarray(0, 4)) !== id) continue;
    need(await crypto.subtle.verify("Ed25519", key, bytes.subarray(4), utf8.encode(text)), what + " has a wrong signature");
    signed = true;
  }
  need(signed, what + " is not signed by the key of the log");
  return text;
}

async function rootOf(index, size, leaf, proof) {
  let fn = index, sn = size - 1, root = leaf;
  need(index < size, "a proof is of another log");
  for (const hash of proof) {
    need(sn > 0, "a proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      root = await sha256(join(new Uint8Array([1]), hash, root));
      while (fn % 2 === 0 && fn > 0) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
    } else root = await sha256(join(new Uint8Array([1]), root, hash));
    fn = Math.floor(fn / 2); sn = Math.floor(sn / 2);
  }
  need(sn === 0, "a proof is too short");
  return root;
}

async function records(files, manifest, key) {
  const [origin, size, root] = (await noteText(files.checkpoint, key, "the checkpoint")).split("\n");
  need(origin === manifest.origin && Number(size) === manifest.size, "the checkpoint is of another log");
  const journal = lines(files["journal.ndjson"]), proofs = lines(files["proofs.ndjson"]);
  need(journal.length === manifest.to - manifest.from && proofs.length === journal.length, "records are missing");
  const shown = [];
  for (let at = 0; at < journal.length; at += 1) {
    const record = JSON.parse(journal[at]), proof = JSON.parse(proofs[at]);
    const seq = record.withheld === undefined ? record.seq : record.withheld;
    need(seq === manifest.from + at && proof.seq === seq, "record " + seq + " is not at its place");
    const leaf = record.withheld === undefined
      ? await sha256(join(new Uint8Array([0]), utf8.encode(journal[at])))
      : base64(proof.leaf);
    need(same(await rootOf(seq, manifest.size, leaf, proof.hashes.map(base64)), base64(root)), "record " + seq + " is not in the log that was signed");
    shown.push(record);
  }
  return shown;
}

async function verify() {
  const data = JSON.parse(raw);
  need(encode(data) === raw, "the data are not in their one form");
  const { manifest: text, seal, files } = data;
  const manifest = JSON.parse(text);
  const key = await keyOf(manifest.key);
  need(key.name === manifest.origin, "the key is of another log");
  const names = Object.keys(manifest.files).sort();
  need(names.join("\n") === Object.keys(files).sort().join("\n"), "files are missing, or more than the manifest names");
  for (const name of names)
    need((await digest(files[name])) === manifest.files[name].sha256, "the file " + name + " was changed");
  const root = await digest(text);
  const shell = await digest(source.replace(raw, ""));
  const sealed = "skep evidence v1\n" + manifest.origin + "\ndata sha256:" + root + "\npage sha256:" + shell + "\n";
  need((await noteText(seal, key, "the seal")) === sealed, "the seal is over other data or another page");
  return { manifest, files, root, shown: await records(files, manifest, key), page: await digest(source) };
}

const add = (to, tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  to.append(made);
  return made;
};

function fact(list, name, value, id) {
  add(list, "dt", name);
  add(list, "dd", value).id = id || "";
}

const act = ({ command, outcome }) =>
  outcome !== undefined ? "outcome" : command === null ? "command" : typeof command === "object" ? command.op || Object.keys(command)[0] || "write" : "write";
const verdict = ({ verdict: v }) => (v.ok ? "accepted" : (v.kind === "waiting" ? "waiting " : "refused ") + (v.code || ""));

function show({ manifest, files, root, shown, page }) {
  const main = document.querySelector("main");
  main.replaceChildren();
  add(main, "h1", "Evidence of " + manifest.hive);
  add(main, "p", "Verified: every file, the seal, the checkpoint, and the proof of each of " + shown.length + " records", "status").id = "status";
  const list = add(main, "dl");
  fact(list, "Data root", root, "root");
  fact(list, "SHA-256 of this file", page, "page");
  fact(list, "Key of the log", manifest.key, "key");
  fact(list, "Log", manifest.origin + ", " + manifest.size + " records, newest at " + new Date(manifest.time).toISOString());
  fact(list, "Policies", manifest.policy);
  fact(list, "Withheld", manifest.withheld + " records in which something looked like a secret");
  add(main, "p", "Compare data root and SHA-256 with what skep evidence verify prints, and the key with that of the hive.");
  const table = add(main, "table");
  const head = add(add(table, "thead"), "tr");
  for (const name of ["Record", "Time", "Who", "Act", "Where", "Verdict", "Rule"]) add(head, "th", name);
  const body = add(table, "tbody");
  for (const record of shown) {
    const row = add(body, "tr");
    if (record.withheld !== undefined) { add(row, "td", String(record.withheld)); add(row, "td", "withheld: " + record.why).colSpan = 6; continue; }
    const cells = [record.seq, new Date(record.time).toISOString(), record.subject, act(record), record.path, verdict(record), record.policy];
    for (const cell of cells) add(row, "td", String(cell));
    row.title = JSON.stringify(record);
  }
  for (const name of Object.keys(files).sort()) {
    const part = add(main, "details");
    add(part, "summary", name + ", " + manifest.files[name].bytes + " bytes");
    add(part, "pre", files[name]);
  }
  document.body.className = "good";
}

verify().then(show).catch((thrown) => {
  document.body.className = "bad";
  const main = document.querySelector("main");
  main.replaceChildren();
  add(main, "h1", "Not to be believed");
  add(main, "p", "This file was changed, or this browser cannot verify it: " + thrown.message, "status").id = "status";
});
`;
