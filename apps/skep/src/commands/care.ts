import type { Command } from "@skep/edge-cli";
import { serviceInstall } from "./service-install.ts";
import { serviceRemove } from "./service-remove.ts";
import { uninstall } from "./uninstall.ts";

/** The commands that look after a hive and its home. */
export const careCommands: readonly Command[] = [serviceInstall, serviceRemove, uninstall];
