/** Rules of a yard: a relay that stays, one that falls back, a setpoint, and a relay that nobody may operate. */
export const yardRules = (port: number, timeout = "10s"): string => `[device]
protocol = "dnp3"
tcp = "127.0.0.1:${port}"
outstation = 1024
every = "50ms"
timeout = "${timeout}"
settle = "300ms"
[[point]]
name = "lamp"
kind = "binary-output"
index = 0
write = true
[[point]]
name = "breaker"
kind = "binary-output"
index = 1
write = true
relay = "trip-close"
operate = "direct"
[[point]]
name = "setpoint"
kind = "analog-output"
index = 0
scale = 0.5
write = true
least = 5
most = 35
[[point]]
name = "fixed"
kind = "binary-output"
index = 2
`;
