/**
 * From a physical address back to the linear ones that a CPU reaches it by.
 *
 * Elsewhere: the page tables themselves (`paging/`), with levels, entries and rights.
 */
import type { Core } from "../../emulator/index.ts";
import { NO_NAMES, type PageTables, pagingOf, reverse } from "../paging/index.ts";

/** Linear addresses of one byte; at most `most`. */
export type LinearAddresses = (physical: number, most: number) => readonly bigint[];

export function linearAddresses(tables: PageTables, core: Core, isRunning: boolean): LinearAddresses {
  const paging = pagingOf(core);
  // Without paging linear addresses have 32 bits.
  if (paging === null) return (physical) => (physical < 2 ** 32 ? [BigInt(physical)] : []);
  return (physical, most) =>
    reverse(tables.view(paging, isRunning), NO_NAMES, physical, most).mappings.map(({ linear }) =>
      BigInt(linear),
    );
}
