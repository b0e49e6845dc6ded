/** Every snippet there is. */
import type { Snippet } from "../snippet.ts";
import { bootSector } from "./boot-sector.ts";
import { descriptors } from "./descriptor.ts";
import { interrupts } from "./interrupt.ts";
import { modes } from "./mode.ts";
import { multiboot } from "./multiboot.ts";
import { pageTables } from "./page-table.ts";
import { scripts } from "./script.ts";
import { serial } from "./serial.ts";

export const snippets: readonly Snippet[] = [
  ...bootSector,
  ...multiboot,
  ...modes,
  ...descriptors,
  ...pageTables,
  ...interrupts,
  ...serial,
  ...scripts,
];
