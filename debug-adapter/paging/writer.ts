/**
 * Who wrote entries of page tables last. Writers are recorded from when somebody first looks at the tables (`Machine.debug.recordsTables`), of tables that can be
 * reached then or are linked later; of what was written before nobody knows.
 */
import { physical, type Machine } from "../../emulator/index.ts";
import type { Hex, Writer } from "../../media/protocol.ts";

export interface WriterSource {
  readonly machine: Machine;
  /** "kmain+4", or null. */
  readonly describe: (address: bigint) => string | null;
}

/** Adds the writer of the entry at a physical address, where one is known. */
export function withWriter<Told extends object>(
  { machine, describe }: WriterSource,
  address: Hex,
  told: Told,
): Told & { readonly writtenBy?: Writer } {
  const write = machine.debug.tableWriter(physical(Number(address)));
  if (write === null) return told;
  const symbol = write.by === "other" ? "a device (DMA) or the debugger" : describe(write.rip);
  return { ...told, writtenBy: { rip: `0x${write.rip.toString(16)}`, symbol, instant: write.instant } };
}
