/** What the hive is asked by `skep test`, in the original's grammar; `{{worker}}` is the worker that was spawned last. */
export const suites = {
  quick: `# The hive answers, and tells of itself.
attach queen
EXPECT OK
ping
EXPECT OK
cat /proc/boot
EXPECT OK
cat /proc/lifecycle/state
EXPECT SUBSTR state=
cat /proc/root/reachable
EXPECT SUBSTR reachable=
cat /proc/9p/session/active
EXPECT SUBSTR active=
cat /proc/pressure/busy
EXPECT SUBSTR busy=
ls /queen
EXPECT OK
log
EXPECT OK
quit
EXPECT OK
`,
  full: `# What is written is there, a worker lives and dies, its telemetry goes with it.
attach queen
EXPECT OK
cat /proc/boot
EXPECT OK
echo "selftest full" > /log/queen.log
EXPECT OK
cat /log/queen.log
EXPECT SUBSTR selftest full
spawn heartbeat ticks=5 ttl_s=60 ops=100
EXPECT OK
ls /worker/{{worker}}
EXPECT OK
echo "selftest tick 1" > /worker/{{worker}}/telemetry
EXPECT OK
cat /worker/{{worker}}/telemetry
EXPECT SUBSTR selftest tick 1
tail /worker/{{worker}}/telemetry
EXPECT OK
cat /worker/{{worker}}/cursor/0
EXPECT SUBSTR selftest tick 1
tail /proc/ingest/watch
EXPECT OK
cat /proc/schedule/summary
EXPECT OK
cat /proc/lease/summary
EXPECT OK
kill {{worker}}
EXPECT OK
cat /worker/{{worker}}/telemetry
EXPECT ERR
quit
EXPECT OK
`,
  negative: `# What must be refused is.
attach queen
EXPECT OK
cat /no-such-file
EXPECT ERR
cat /proc/../log/queen.log
EXPECT ERR
ls /a/b/c/d/e/f/g/h/i
EXPECT ERR
echo "no" > /proc/boot
EXPECT ERR
echo "{{msize_overflow}}" > /log/queen.log
EXPECT ERR
bind /../log /selftest
EXPECT ERR
echo {"spawn":"alien"} > /queen/ctl
EXPECT ERR
echo {"spawn":"heartbeat","ticks":1,"more":true} > /queen/ctl
EXPECT ERR
kill worker-0
EXPECT ERR
lifecycle nonsense
EXPECT ERR
echo {"op":"grant"} > /queen/lease/ctl
EXPECT ERR
ping
EXPECT OK
quit
EXPECT OK
`,
  parallel: `# Run on four connections at once: each sees its own worker and no other's telemetry.
attach queen
EXPECT OK
spawn heartbeat ticks=5 ttl_s=60 ops=1000
EXPECT OK
echo "{{worker}} 1" > /worker/{{worker}}/telemetry
EXPECT OK
echo "{{worker}} 2" > /worker/{{worker}}/telemetry
EXPECT OK
cat /worker/{{worker}}/telemetry
EXPECT SUBSTR {{worker}} 1|{{worker}} 2
cat /proc/pressure/busy
EXPECT SUBSTR busy=
kill {{worker}}
EXPECT OK
quit
EXPECT OK
`,
} as const;

/** Name of a suite. */
export type Mode = keyof typeof suites;

/** Every suite's name. */
export const modes = Object.keys(suites) as readonly Mode[];
