/**
 * Reads memory word by word, as unwinding does: pages are translated once.
 *
 * Invariant: it belongs to one stop. Bytes are read when they are asked for, so what the debugger writes meanwhile is seen.
 */
import { PAGE_BYTES, physical } from "../../emulator/index.ts";
import type { GuestSpace } from "../memory/space.ts";
import type { ReadMemory } from "../symbols/index.ts";
import { reader } from "./frame.ts";

const PAGE_MASK = BigInt(PAGE_BYTES - 1);

/** Null where there is no memory, as `reader`. */
export function pageReader(space: GuestSpace): ReadMemory {
  const otherwise = reader(space);
  /** Physical addresses of pages of RAM and ROM; null: something else, or nothing. */
  const pages = new Map<bigint, number | null>();
  return (address, length) => {
    const within = Number(address & PAGE_MASK);
    if (within + length > PAGE_BYTES) return otherwise(address, length);
    const page = address - BigInt(within);
    let base = pages.get(page);
    if (base === undefined) {
      const found = space.translate(page);
      const isMemory = typeof found === "number" && space.memory.frameForRead(found / PAGE_BYTES) !== 0;
      pages.set(page, (base = isMemory ? found : null));
    }
    return base === null
      ? otherwise(address, length)
      : space.memory.readBytes(physical(base + within), length);
  };
}
