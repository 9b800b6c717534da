// The description of the hive's HTTP interface, shown; everything comes from /v1/openapi.json of the same hive.
const methods = ["get", "post", "put", "patch", "delete"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function curl(method, path, operation) {
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const example = content?.example ?? Object.values(content?.examples ?? {})[0]?.value;
  const text = typeof example === "string" ? example : JSON.stringify(example);
  const body = type ? ` \\\n  -H 'content-type: ${type}' -d '${(text ?? "").replaceAll("'", "'\\''")}'` : "";
  const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
  return `curl${verb} -H "authorization: Bearer $(cat ticket)" ${location.origin}${path}${body}`;
}

function shown(method, path, operation, shared) {
  const details = element("details");
  const word = element("span", method);
  word.className = "method";
  details.append(element("summary", "", word, element("code", path), ` ${operation.summary ?? ""}`));
  const inside = element("div");
  if (operation.description) inside.append(element("p", operation.description));
  const parameters = [...shared, ...(operation.parameters ?? [])];
  for (const { name, in: place, description, required } of parameters)
    inside.append(element("p", `${name} (${place}${required ? ", required" : ""}) ${description ?? ""}`));
  inside.append(element("pre", curl(method, path, operation)));
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {}))
    inside.append(element("p", `Body: ${type}`), element("pre", JSON.stringify(schema, null, 2)));
  for (const [status, { description }] of Object.entries(operation.responses ?? {}))
    inside.append(element("p", `${status}: ${description}`));
  details.append(inside);
  return details;
}

const answer = await fetch("/v1/openapi.json");
const { paths, info } = await answer.json();
document.title = `${info.title} ${info.version}: HTTP interface`;
const main = document.getElementById("operations");
const groups = new Map();
for (const [path, item] of Object.entries(paths))
  for (const method of methods) {
    const operation = item[method];
    if (!operation) continue;
    const tag = operation.tags?.[0] ?? "tree";
    if (!groups.has(tag)) groups.set(tag, element("section", "", element("h2", tag)));
    groups.get(tag).append(shown(method, path, operation, item.parameters ?? []));
  }
main.append(...groups.values());
document.getElementById("find").addEventListener("input", ({ target }) => {
  const wanted = target.value.toLowerCase();
  for (const details of main.querySelectorAll("details"))
    details.hidden = !details.firstChild.textContent.toLowerCase().includes(wanted);
});
