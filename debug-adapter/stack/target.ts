/**
 * What a word of memory points to: code, a named object, a place on a stack, or just memory.
 */
import type { StackTarget } from "../../media/protocol.ts";
import type { GuestSpace } from "../memory/space.ts";
import type { SymbolTable } from "../symbols/index.ts";
import type { Chain } from "./chain.ts";
import { describeAddress } from "./frame.ts";

/** Smaller numbers are numbers, even where low memory is mapped. */
const LOWEST_UNNAMED = 0x1_0000n;

export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

export class Pointers {
  readonly #space: GuestSpace;
  readonly #table: SymbolTable;
  readonly #chain: Chain | null;
  readonly #known = new Map<bigint, StackTarget | null>();

  constructor(space: GuestSpace, table: SymbolTable, chain: Chain | null) {
    this.#space = space;
    this.#table = table;
    this.#chain = chain;
  }

  /** Null for what is no address. */
  target(value: bigint): StackTarget | null {
    if (value === 0n) return null;
    let found = this.#known.get(value);
    if (found === undefined) this.#known.set(value, (found = this.#find(value)));
    return found;
  }

  /** Of a return address: behind a call that never returns begins another function. */
  returnTarget(value: bigint): StackTarget | null {
    const target = this.target(value);
    const fun = value === 0n ? null : this.#table.functionAt(value - 1n);
    return target === null || fun === null
      ? target
      : { ...target, text: `${fun.name}+${hex(value - fun.low)}` };
  }

  #find(value: bigint): StackTarget | null {
    const stretch = this.#chain?.known.find(({ low, high }) => high !== null && value >= low && value < high);
    const address = hex(value);
    if (stretch !== undefined) {
      const name = stretch.frames.at(-1)?.symbols?.function.name;
      return { kind: "stack", address, text: name === undefined ? "this stack" : `the frame of ${name}` };
    }
    if (this.#table.imageAt(value) !== null) {
      const text = describeAddress(this.#table, value);
      if (text !== null) return { kind: this.#table.hasCode(value) ? "code" : "data", address, text };
    }
    if (value < LOWEST_UNNAMED || typeof this.#space.translate(value) === "string") return null;
    return { kind: "memory", address, text: "" };
  }
}
