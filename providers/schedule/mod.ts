export { scheduleProvider, type ScheduleDeps, type Submitted } from "./src/schedule.ts";
