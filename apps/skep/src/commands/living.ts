import type { Command } from "@skep/edge-cli";
import { gc } from "./gc.ts";
import { keyRotate } from "./key-rotate.ts";
import { serviceInstall } from "./service-install.ts";
import { serviceRemove } from "./service-remove.ts";
import { uninstall } from "./uninstall.ts";

/** The commands of a hive that stays: as a service, over time, and its end. */
export const livingCommands: readonly Command[] = [gc, keyRotate, serviceInstall, serviceRemove, uninstall];
