import type { Command } from "@skep/edge-cli";
import { consoleCommand } from "../console/command.ts";
import { at } from "./at.ts";
import { cat } from "./cat.ts";
import { echo } from "./echo.ts";
import { ls } from "./ls.ts";
import { mount } from "./mount.ts";
import { stat } from "./stat.ts";
import { tail } from "./tail.ts";

/** The commands that read and write the files of the hive. */
export const fileCommands: readonly Command[] = [ls, cat, tail, echo, stat, at, mount, consoleCommand];
