/**
 * What is remembered of stacks from stop to stop: their bytes at the last one that somebody looked at, those at the user's mark, and which stacks there were.
 *
 * Invariant: a record belongs to one machine and is filled only when somebody asks about stacks, so that nobody else pays for it. It changes nothing for the
 * guest.
 */
import type { Core } from "../../emulator/index.ts";
import type { GuestSpace } from "../memory/space.ts";
import type { Extent } from "./extent.ts";
import type { Earlier } from "./slots.ts";

interface Snapshot extends Earlier {
  readonly instant: number;
}

export interface SeenStack {
  readonly id: string;
  readonly extent: Extent;
  /** The stack pointer of its last use that was seen, and the lowest. */
  pointer: bigint;
  lowest: bigint;
}

/** Kept of a stack around its pointer. */
const ABOVE_BYTES = 1 << 16;
const BELOW_BYTES = 1 << 13;
const MOST_SEEN = 64;

export class StackRecord {
  readonly #now = new Map<number, Snapshot>();
  readonly #earlier = new Map<number, Snapshot>();
  readonly #marks = new Map<string, Uint8Array>();
  readonly #seen = new Map<string, SeenStack>();
  markedAt: number | null = null;

  /** The bytes of a CPU's stack at the stop before this one. A stop is an instant: the debugger's own writes make none. */
  at(core: Core, space: GuestSpace, pointer: bigint, instant: number): Earlier | null {
    const now = this.#now.get(core.index);
    if (now?.instant !== instant) {
      if (now !== undefined) this.#earlier.set(core.index, now);
      const below = pointer > BigInt(BELOW_BYTES) ? BigInt(BELOW_BYTES) : pointer;
      const whole = space.readUpTo({ space: "linear", offset: pointer - below }, Number(below) + ABOVE_BYTES);
      const upper =
        whole.bytes.length > below
          ? whole.bytes
          : space.readUpTo({ space: "linear", offset: pointer }, ABOVE_BYTES).bytes;
      const low = upper === whole.bytes ? pointer - below : pointer;
      this.#now.set(core.index, { instant, low, bytes: upper });
    }
    return this.#earlier.get(core.index) ?? null;
  }

  /** A stack pointer was seen in a stack whose ends are known. */
  see(id: string, extent: Extent, pointer: bigint): void {
    if (extent.low === null || extent.high === null) return;
    const known = this.#seen.get(id);
    if (known !== undefined) {
      known.pointer = pointer;
      if (pointer < known.lowest) known.lowest = pointer;
      return;
    }
    if (this.#seen.size >= MOST_SEEN) return;
    this.#seen.set(id, { id, extent, pointer, lowest: pointer });
  }

  get seen(): readonly SeenStack[] {
    return [...this.#seen.values()];
  }

  mark(instant: number, stacks: ReadonlyMap<string, Uint8Array>): void {
    this.#marks.clear();
    for (const [id, bytes] of stacks) this.#marks.set(id, bytes);
    this.markedAt = instant;
  }

  marked(id: string): Uint8Array | null {
    return this.#marks.get(id) ?? null;
  }
}
