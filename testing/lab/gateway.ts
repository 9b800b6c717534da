// What a router at home offers to those behind it: ports, asked for by PCP, NAT-PMP or UPnP. Runs in the router's namespace and
// really maps them. Options come as JSON in the first argument; every mapping is one JSON line on stdout.
import { spawnSync } from "node:child_process";
import { createSocket, type RemoteInfo } from "node:dgram";
import { createServer } from "node:http";

const { inside, outside, speaks } = JSON.parse(process.argv[2] ?? "{}") as {
  inside: string;
  outside: string;
  speaks: "pcp" | "nat-pmp" | "upnp";
};
const said = (what: object): void =>
  void process.stdout.write(`${JSON.stringify({ by: speaks, ...what })}\n`);
const octets = (ip: string): Buffer => Buffer.from(ip.split(".").map(Number));
const begun = Date.now();
const epoch = (): number => Math.floor((Date.now() - begun) / 1000);
/** By protocol and inner port: the port outside. */
const mapped = new Map<string, number>();

function nft(words: string): void {
  const { status, stderr } = spawnSync("nft", [words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`nft ${words}: ${stderr}`);
}

/** Maps a port for so many seconds; gives the one outside. A gateway chooses another than it was asked for. */
function map(protocol: "tcp" | "udp", host: string, port: number, seconds: number): number {
  const key = `${protocol} ${host} ${port}`;
  const taken = mapped.get(key) ?? 20_000 + mapped.size;
  if (seconds === 0) mapped.delete(key);
  else if (!mapped.has(key)) {
    mapped.set(key, taken);
    nft(`add rule ip nat pre iifname out0 ${protocol} dport ${taken} dnat to ${host}:${port}`);
  }
  said({ protocol, host, port, outside: taken, seconds });
  return taken;
}

function natPmp(asked: Buffer, { address }: RemoteInfo): Buffer {
  const op = asked[1] ?? 0;
  const answer = Buffer.alloc(op === 0 ? 12 : 16);
  answer.writeUInt8(128 + op, 1);
  answer.writeUInt32BE(epoch(), 4);
  if (asked[0] !== 0) answer.writeUInt16BE(1, 2);
  else if (op === 0) octets(outside).copy(answer, 8);
  else {
    const [port, seconds] = [asked.readUInt16BE(4), asked.readUInt32BE(8)];
    answer.writeUInt16BE(port, 8);
    answer.writeUInt16BE(map(op === 1 ? "udp" : "tcp", address, port, seconds), 10);
    answer.writeUInt32BE(seconds, 12);
  }
  return asked[0] === 0 ? answer : answer.subarray(0, 8);
}

function pcp(asked: Buffer, { address }: RemoteInfo): Buffer {
  const answer = Buffer.from(asked.subarray(0, 60));
  answer.writeUInt8(0x81, 1);
  answer.writeUInt16BE(0, 2);
  answer.writeUInt32BE(epoch(), 8);
  answer.fill(0, 12, 24);
  // What the asker takes for its address must be the one that it is seen at.
  if (!asked.subarray(20, 24).equals(octets(address))) answer.writeUInt8(12, 3);
  else {
    const protocol = asked[36] === 17 ? "udp" : "tcp";
    answer.writeUInt16BE(map(protocol, address, asked.readUInt16BE(40), asked.readUInt32BE(4)), 42);
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets(outside)]).copy(answer, 44);
  }
  return answer;
}

function servePorts(): void {
  const socket = createSocket("udp4");
  socket.on("message", (asked, from) =>
    socket.send(
      speaks === "pcp" && asked[0] === 2 ? pcp(asked, from) : natPmp(asked, from),
      from.port,
      from.address,
    ),
  );
  socket.bind(5351, inside);
}

const service = "urn:schemas-upnp-org:service:WANIPConnection:2";
const device = "urn:schemas-upnp-org:device:InternetGatewayDevice:2";
const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>${device}</deviceType>
<UDN>uuid:lab</UDN><deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:2</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:2</deviceType><serviceList><service><serviceType>${service}</serviceType>
<controlURL>/ctl</controlURL><SCPDURL>/scpd</SCPDURL></service></serviceList></device></deviceList></device></deviceList></device></root>`;

function soap(asked: string): string {
  const [, action = ""] = /<u:(\w+)/.exec(asked) ?? [];
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(asked)?.[1] ?? "";
  const answered = () => {
    if (action === "GetExternalIPAddress") return `<NewExternalIPAddress>${outside}</NewExternalIPAddress>`;
    if (action !== "AddAnyPortMapping") return "";
    const protocol = field("NewProtocol") === "UDP" ? "udp" : "tcp";
    const seconds = Number(field("NewLeaseDuration"));
    const port = map(protocol, field("NewInternalClient"), Number(field("NewInternalPort")), seconds);
    return `<NewReservedPort>${port}</NewReservedPort>`;
  };
  return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:${action}Response xmlns:u="${service}">${answered()}</u:${action}Response></s:Body></s:Envelope>`;
}

function serveUpnp(): void {
  const web = createServer((request, response) => {
    let asked = "";
    request.on("data", (bytes: Buffer) => (asked += bytes));
    request.on("end", () => {
      response.setHeader("content-type", "text/xml");
      response.end(request.url === "/ctl" ? soap(asked) : description);
    });
  });
  web.listen(5000, inside);
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("message", (asked, { port, address }) => {
    if (!String(asked).startsWith("M-SEARCH")) return;
    const lines = [
      "HTTP/1.1 200 OK",
      "CACHE-CONTROL: max-age=1800",
      "EXT:",
      `LOCATION: http://${inside}:5000/device.xml`,
      "SERVER: lab/1 UPnP/1.1 lab/1",
      `ST: ${device}`,
      `USN: uuid:lab::${device}`,
    ];
    socket.send(`${lines.join("\r\n")}\r\n\r\n`, port, address);
  });
  socket.bind(1900, () => socket.addMembership("239.255.255.250", inside));
}

if (speaks === "upnp") serveUpnp();
else servePorts();
