/**
 * Where a stack begins and ends, from an address in it: by the symbol of its array, by the pages around it, by its segment in real mode.
 *
 * Invariant: an end that is not known is null, and every end comes with how it is known.
 * Elsewhere: which stacks there are (`stacks.ts`), what was used of one (`high-water.ts`).
 */
import { ACCESS, MODE, pagingMode, SEG, TLB_FLAG, type Core } from "../../emulator/index.ts";
import type { GuestSpace } from "../memory/space.ts";
import type { GuestSymbol, SymbolTable } from "../symbols/index.ts";
import { describeAddress } from "./frame.ts";

export interface Guard {
  readonly kind: "unmapped" | "read-only" | "mapped" | "unknown";
  readonly text: string;
}

export interface Extent {
  /** Null if nobody knows. */
  readonly low: bigint | null;
  readonly high: bigint | null;
  readonly text: string;
  /** The symbol of its array or of its beginning. */
  readonly name: string | null;
  readonly guard: Guard;
}

const PAGE = 4096n;
/** Pages that are looked at in each direction for one that is not there: 1 MiB. */
const MOST_PAGES = 256;
/** A larger object that contains an address is an arena of many things, unless its name says that it is a stack. */
const LARGEST_OBJECT = 1n << 20n;
const STACK_NAME = /st(?:ac)?k/i;
const GUARD_NAME = /guard|canary|redzone|red_zone/i;
/** A label where a stack begins, and what the one at its end is called: `stack_bottom` and `stack_top`. */
const ENDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/bottom/i, ["top"]],
  [/low/i, ["high"]],
  [/start/i, ["end", "top"]],
  [/begin/i, ["end"]],
  [/base/i, ["top", "end"]],
];

/** How far down and up an address's page has writable neighbours, and whether an end was found. */
interface Pages {
  readonly low: bigint | null;
  readonly high: bigint | null;
}

/** @param address a byte of the stack, or its end where it is empty */
export function extentOf(core: Core, space: GuestSpace, table: SymbolTable, address: bigint): Extent {
  if ((core.mode & MODE.protected) === 0) return segmentExtent(core, address);
  const named = symbolExtent(table, address);
  if (named !== null) return { ...named, guard: guardBelow(space, table, named.low) };
  const pages = pagingMode(core) === "off" ? { low: null, high: null } : pageExtent(space, address);
  if (pages.low === null && pages.high === null) {
    const why = isMapped(space, address) ? null : whyNot(space, address);
    return why === null
      ? { low: null, high: null, text: "its ends are not known", name: null, guard: UNKNOWN }
      : {
          low: null,
          high: null,
          text: `not in memory: ${why}`,
          name: null,
          guard: { kind: "unknown", text: why },
        };
  }
  const name = pages.low === null ? null : describeAddress(table, pages.low);
  return {
    ...pages,
    text:
      pages.low !== null && pages.high !== null
        ? "between pages that are not writable"
        : pages.low !== null
          ? "above a page that is not writable"
          : "below a page that is not writable",
    name: name !== null && STACK_NAME.test(name) ? plainName(name.replace(/\+0x[0-9a-f]+$/, "")) : null,
    guard: pages.low === null ? UNKNOWN : guardBelow(space, table, pages.low),
  };
}

const UNKNOWN: Guard = { kind: "unknown", text: "nobody knows where it ends" };

function segmentExtent(core: Core, address: bigint): Extent {
  const low = core.segmentBase(SEG.ss);
  const high = low + 0x1_0000n;
  const isInside = address >= low && address <= high;
  const guard: Guard = { kind: "mapped", text: "below 0 the stack pointer goes on at 0xfffe" };
  return {
    low: isInside ? low : null,
    high: isInside ? high : null,
    text: "the stack segment",
    name: null,
    guard,
  };
}

function symbolExtent(
  table: SymbolTable,
  address: bigint,
): { readonly low: bigint; readonly high: bigint; readonly text: string; readonly name: string } | null {
  // An empty stack's pointer is the address behind it, where another object may begin; one that has overflowed points into the guard below.
  const begins = table.symbolAt(address);
  const isBehind = begins?.offset === 0n && !STACK_NAME.test(begins.symbol.name);
  for (const inside of isBehind ? [address - 1n, address] : [address, address - 1n]) {
    if (inside < 0n) continue;
    const symbol = otherName(table, table.symbolAt(inside)?.symbol);
    if (symbol === undefined || symbol.kind === "function") continue;
    if (GUARD_NAME.test(symbol.name) && symbol.size > 0n) {
      const above = symbolExtent(table, symbol.address + symbol.size);
      if (above !== null && above.low === symbol.address + symbol.size) return above;
      continue;
    }
    const isStack = STACK_NAME.test(symbol.name);
    const high = endOf(table, symbol);
    if (high === null || inside >= high || (!isStack && high - symbol.address > LARGEST_OBJECT)) continue;
    // What only happens to lie before the address is not its stack.
    if (inside !== address && !isStack) continue;
    return {
      low: symbol.address,
      high,
      text: isStack ? `symbol ${symbol.demangled}` : `inside ${symbol.demangled}`,
      name: plainName(symbol.demangled),
    };
  }
  return null;
}

/** Linux's linker script gives the first task's stack a second name, which says less (include/asm-generic/vmlinux.lds.h). */
function otherName(table: SymbolTable, symbol: GuestSymbol | undefined): GuestSymbol | undefined {
  if (symbol?.name !== "__start_init_task") return symbol;
  const [stack] = table.symbolsNamed("init_stack");
  return stack?.address === symbol.address ? { ...stack, size: symbol.size } : symbol;
}

/** "stack" for stack_bottom. */
function plainName(name: string): string {
  const plain = name.replace(/_?(?:bottom|low|start|begin|base)$/i, "");
  return STACK_NAME.test(plain) ? plain : name;
}

function endOf(table: SymbolTable, symbol: GuestSymbol): bigint | null {
  if (symbol.size > 0n) return symbol.address + symbol.size;
  if (!STACK_NAME.test(symbol.name)) return null;
  for (const [start, ends] of ENDS) {
    if (!start.test(symbol.name)) continue;
    for (const end of ends) {
      const [found] = table.symbolsNamed(symbol.name.replace(start, end));
      if (found !== undefined && found.address > symbol.address) return found.address;
    }
  }
  return null;
}

/** Stretches of writable pages around an address; an end that is far away is no end. */
function pageExtent(space: GuestSpace, address: bigint): Pages {
  const page = (address / PAGE) * PAGE;
  // The pointer of an empty stack is the first byte behind it.
  const first = isWritable(space, page) ? page : page - PAGE;
  if (first < 0n || !isWritable(space, first)) return { low: null, high: null };
  let low: bigint | null = first;
  for (let n = 0; ; n++) {
    if (low >= PAGE && !isWritable(space, low - PAGE)) break;
    low -= PAGE;
    if (n >= MOST_PAGES || low < 0n) {
      low = null;
      break;
    }
  }
  let high: bigint | null = first + PAGE;
  for (let n = 0; isWritable(space, high); n++) {
    high += PAGE;
    if (n >= MOST_PAGES) {
      high = null;
      break;
    }
  }
  return { low, high };
}

function isWritable(space: GuestSpace, address: bigint): boolean {
  if (address < 0n || address >> 64n !== 0n) return false;
  const { physical, fault, rights } = space.walk(address, ACCESS.write);
  return physical !== null && (fault === null || (rights & TLB_FLAG.writable) !== 0);
}

/** An address, or the byte below it where it is the end of a stack. */
const isMapped = (space: GuestSpace, address: bigint): boolean =>
  [address, address - 1n].some((at) => at >= 0n && typeof space.translate(at) === "number");

function whyNot(space: GuestSpace, address: bigint): string {
  const found = space.translate(address);
  return typeof found === "string" ? found : "it is not writable";
}

/** What the byte below a stack is. */
export function guardBelow(space: GuestSpace, table: SymbolTable, low: bigint): Guard {
  const below = low - 1n;
  if (below < 0n) return { kind: "unmapped", text: "it begins at address 0" };
  const { physical, fault } = space.walk(below, ACCESS.write);
  if (physical === null)
    return { kind: "unmapped", text: `guard page: ${fault?.why ?? "the page below is not mapped"}` };
  if (fault !== null) return { kind: "read-only", text: `guard page: ${fault.why}` };
  const symbol = table.symbolAt(below)?.symbol;
  const isNear = symbol !== undefined && (symbol.size === 0n || below < symbol.address + symbol.size);
  return {
    kind: "mapped",
    text: isNear
      ? `no guard page: an overflow overwrites ${symbol.demangled}`
      : "no guard page: an overflow overwrites what lies below",
  };
}
