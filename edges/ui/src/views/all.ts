import { later } from "../parts/later.tsx";
import type { View } from "../parts/views.ts";
import { Hive } from "./hive.tsx";
import { Machines } from "./machines.tsx";

/** The views of the page, in the order in which they are offered. */
export const views: readonly View[] = [
  {
    name: "hive",
    title: "Hive",
    key: "h",
    doc: "The hive alive: machines, work on its way, refusals",
    icon: "M12 2l8.7 5v10L12 22l-8.7-5V7zm0 2.3L5.3 8.2v7.6l6.7 3.9 6.7-3.9V8.2zM12 8l3.5 2v4L12 16l-3.5-2v-4z",
    Show: Hive,
  },
  {
    name: "jobs",
    title: "Jobs",
    key: "j",
    doc: "Work: submit, watch, verify",
    icon: "M4 5h16v2H4zm0 6h16v2H4zm0 6h10v2H4zm13-1l5 3-5 3z",
    ...later("Jobs", async () => (await import("./jobs.tsx")).Jobs),
  },
  {
    name: "machines",
    title: "Machines",
    key: "m",
    doc: "Every machine with its state and reason",
    icon: "M4 4h16v6H4zm2 2v2h3V6zM4 14h16v6H4zm2 2v2h3v-2z",
    Show: Machines,
  },
  {
    name: "schedule",
    title: "Schedule",
    key: "s",
    doc: "What waits, what runs where, and what ended",
    icon: "M3 4h2v16h16v2H3zm4 2h8v3H7zm4 5h9v3h-9zm-3 5h7v3H8z",
    ...later("Schedule", async () => (await import("./schedule.tsx")).Schedule),
  },
  {
    name: "telemetry",
    title: "Telemetry",
    key: "t",
    doc: "What the hive and its machines measure",
    icon: "M3 4h2v14h16v2H3zm4 10l4-5 3 3 5-7 1.6 1.2-6.4 9-3.1-3.1-2.5 3.2z",
    ...later("Telemetry", async () => (await import("./telemetry.tsx")).Telemetry),
  },
  {
    name: "files",
    title: "Files",
    key: "f",
    doc: "The tree, as your ticket sees it",
    icon: "M3 5h7l2 2h9v12H3zm2 4v8h14V9z",
    ...later("Files", async () => (await import("./files.tsx")).Files),
  },
  {
    name: "approvals",
    title: "Approvals",
    key: "p",
    doc: "What waits for people, and the statement to sign",
    icon: "M12 2l8 3v6c0 5-3.4 9.4-8 11-4.6-1.6-8-6-8-11V5zm-1 13.6l6-6-1.4-1.4-4.6 4.6-2.1-2.1-1.4 1.4z",
    ...later("Approvals", async () => (await import("./approvals.tsx")).Approvals),
  },
  {
    name: "audit",
    title: "Audit",
    key: "a",
    doc: "Every verdict, with proofs checked here",
    icon: "M6 2h9l5 5v15H6zm2 2v16h10V8h-4V4zm2 7h6v2h-6zm0 4h6v2h-6z",
    ...later("Audit", async () => (await import("./audit.tsx")).Audit),
  },
  {
    name: "console",
    title: "Console",
    key: "c",
    doc: "The grammar of the real console",
    icon: "M3 4h18v16H3zm2 2v12h14V6zm1.5 3L8 7.6 12.4 12 8 16.4 6.5 15l3-3zM12 14.5h5v2h-5z",
    ...later("Console", async () => (await import("./console.tsx")).Console),
  },
  {
    name: "doctor",
    title: "Doctor",
    key: "d",
    doc: "What matters, and the cure for each finding",
    icon: "M10 3h4v7h7v4h-7v7h-4v-7H3v-4h7z",
    ...later("Doctor", async () => (await import("./doctor.tsx")).Doctor),
  },
  {
    name: "recordings",
    title: "Recordings",
    key: "r",
    doc: "What a hive did, out of a file, without the hive",
    icon: "M12 3a9 9 0 1 0 9 9 9 9 0 0 0-9-9zm0 2a7 7 0 1 1-7 7 7 7 0 0 1 7-7zm-2 3v8l6-4z",
    ...later("Recordings", async () => (await import("./recordings.tsx")).Recordings),
  },
];
