/**
 * A window onto memory: its bytes, what of them changed since the stop before, and what points there or lies there.
 *
 * Invariant: "changed" is said of a byte only if it was looked at when the machine stood at the stop before, or if its page was not written
 * since; of pages that nobody looked at it is said that they were written, and no more.
 * Elsewhere: reading (`memory/space.ts`), types laid over bytes (`overlay.ts`).
 */
import { PAGE_BYTES, type Machine } from "../../emulator/index.ts";
import type { BytesBody, MarkBody, Stretch } from "../../media/protocol.ts";
import { AdapterError } from "../errors.ts";
import { formatValue, type Names } from "../expressions/index.ts";
import { formatReference, type Address, type GuestSpace } from "../memory/space.ts";
import { GPR_NAMES, REGISTERS, type Register } from "../registers/index.ts";
import type { Frame } from "../stack/frame.ts";
import { frameRegister, variablesOf } from "../stack/names.ts";
import { typeName, type SymbolTable } from "../symbols/index.ts";
import type { LinearAddresses } from "./reverse.ts";

export const MOST_BYTES = 1 << 16;
/** Pages of guest memory that are remembered as they were shown; a panel shows one or two. */
const PAGES_KEPT = 256;
const MARKS_MOST = 512;
/** A symbol without a size is a label; of a wide search for symbols the smallest step. */
const STEP_BYTES = 8n;
const FRAMES_MARKED = 16;

const POINTERS: readonly Register[] = REGISTERS.filter(
  ({ name }) =>
    name === "rip" ||
    name === "cr2" ||
    name === "cr3" ||
    (GPR_NAMES as readonly string[]).includes(name) ||
    /^(?:gdtr|idtr|tr|ldtr|fs|gs)_base$/.test(name),
);

interface Kept {
  readonly stop: number;
  /** What the page was when the machine stood at `stop`, and at the one before if somebody looked then. */
  readonly bytes: Uint8Array;
  readonly before: Uint8Array | null;
}

/** What has been shown of memory, page by page, so that the next stop can tell bytes that changed. */
export class Shown {
  readonly #pages = new Map<string, Kept>();

  /**
   * The page as it was at the stop before, and keeps it as it is now; null if it was not looked at then. `stop` counts the stops.
   */
  exchange(key: string, stop: number, bytes: Uint8Array): Uint8Array | null {
    const kept = this.#pages.get(key);
    this.#pages.delete(key);
    const before =
      kept === undefined
        ? null
        : kept.stop === stop
          ? kept.before
          : kept.stop === stop - 1
            ? kept.bytes
            : null;
    // The user's own edits at a stop are no changes of the guest's: what the stop began with stays.
    const first = kept?.stop === stop ? kept.bytes : bytes.slice();
    this.#pages.set(key, { stop, bytes: first, before });
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > PAGES_KEPT && oldest !== undefined) this.#pages.delete(oldest);
    return before;
  }
}

export interface Looker {
  readonly machine: Machine;
  readonly space: GuestSpace;
  readonly symbols: SymbolTable;
  /** Innermost first; empty while the machine runs. */
  readonly frames: readonly Frame[];
  readonly names: Names | null;
  readonly shown: Shown;
  /** How many times the machine has stopped. */
  readonly stop: number;
  readonly linearAddresses: LinearAddresses;
  /** Whether a page has been written since the stop before. */
  readonly isWritten: (physicalPage: number) => boolean;
}

/** The bytes and their changes. */
export function readWindow(
  looker: Looker,
  at: Address,
  count: number,
): Omit<BytesBody, "place" | "marks" | "data"> & { bytes: Uint8Array } {
  const { space, shown, stop } = looker;
  const bytes = new Uint8Array(count);
  const holes: (Stretch & { why: string })[] = [];
  const changed: Stretch[] = [];
  const written: Stretch[] = [];
  for (let done = 0; done < count;) {
    const here: Address = { space: at.space, offset: at.offset + BigInt(done) };
    const within = Number(here.offset & BigInt(PAGE_BYTES - 1));
    const length = Math.min(PAGE_BYTES - within, count - done);
    const base: Address = { space: at.space, offset: here.offset - BigInt(within) };
    const page = space.readUpTo(base, PAGE_BYTES);
    const piece = page.bytes.subarray(within, within + length);
    bytes.set(piece, done);
    if (piece.length < length) {
      const why = page.why ?? "it cannot be read";
      const last = holes.at(-1);
      const hole = { offset: done + piece.length, length: length - piece.length, why };
      if (last !== undefined && last.offset + last.length === hole.offset && last.why === why)
        holes[holes.length - 1] = { ...last, length: last.length + hole.length };
      else holes.push(hole);
    }
    if (page.bytes.length === PAGE_BYTES && looker.frames.length > 0) {
      const before = shown.exchange(formatReference(base), stop, page.bytes);
      if (before !== null) differences(piece, before.subarray(within), done, changed);
      else if (looker.isWritten(physicalPage(looker, base))) written.push({ offset: done, length });
    }
    done += length;
  }
  return { bytes, holes, changed, written };
}

/** −1: none. */
function physicalPage({ space, machine }: Looker, { space: kind, offset }: Address): number {
  if (kind === "physical") return Number(offset) / PAGE_BYTES;
  if (kind === "linear") {
    const physical = space.translate(offset);
    return typeof physical === "number" ? Math.floor(physical / PAGE_BYTES) : -1;
  }
  const ram = Number(offset);
  const range = machine.memory.addressSpace.flatView.ranges.find(
    ({ block, offset: start, size }) =>
      block !== null && ram >= block.offset + start && ram < block.offset + start + size,
  );
  if (range === undefined) return -1;
  return Math.floor((range.start + ram - range.block!.offset - range.offset) / PAGE_BYTES);
}

function differences(now: Uint8Array, before: Uint8Array, base: number, into: Stretch[]): void {
  let start = -1;
  for (let i = 0; i <= now.length; i++) {
    const differs = i < now.length && now[i] !== before[i];
    if (differs && start < 0) start = i;
    if (!differs && start >= 0) {
      into.push({ offset: base + start, length: i - start });
      start = -1;
    }
  }
}

/** A place in the window's own space that a linear address leads to; null if it leads elsewhere. */
type Locate = (linear: bigint) => bigint | null;

function locator({ space, machine }: Looker, kind: Address["space"]): Locate {
  if (kind === "linear") return (linear) => linear;
  return (linear) => {
    const physical = space.translate(linear);
    if (typeof physical === "string") return null;
    if (kind === "physical") return BigInt(physical);
    const found = machine.memory.addressSpace.find(physical);
    if (found === null || found.block === null) return null;
    return BigInt(found.block.offset + physical - found.start + found.offset);
  };
}

/** What points into the window and what lies in it. */
export function marks(looker: Looker, at: Address, count: number): MarkBody[] {
  const locate = locator(looker, at.space);
  const found: MarkBody[] = [];
  const isInside = (offset: number, length: number): boolean =>
    offset < count && offset + Math.max(length, 1) > 0;
  const add = (mark: MarkBody): void => {
    if (found.length < MARKS_MOST && isInside(mark.offset, mark.length)) found.push(mark);
  };
  const [frame] = looker.frames;
  for (const register of frame === undefined ? [] : POINTERS) {
    const value = registerValue(frame!, register);
    if (value === null) continue;
    const place = register.name === "cr3" ? rootPlace(looker, at.space, value) : locate(value);
    if (place === null) continue;
    add({
      offset: Number(place - at.offset),
      length: 0,
      kind: "register",
      name: register.name,
      type: null,
      value: `0x${value.toString(16)}`,
    });
  }
  for (const each of variableMarks(looker)) {
    const place = locate(each.linear);
    if (place !== null) add({ ...each.mark, offset: Number(place - at.offset) });
  }
  for (const { linear, offset, length } of linearWindows(looker, at, count))
    for (const mark of symbolMarks(looker, linear, BigInt(length)))
      add({ ...mark, offset: offset + mark.offset });
  return found.toSorted((a, b) => a.offset - b.offset || b.length - a.length);
}

function registerValue(frame: Frame, register: Register): bigint | null {
  try {
    return frameRegister(frame, register.name)?.value ?? null;
  } catch (error) {
    if (error instanceof AdapterError) return null;
    throw error;
  }
}

/** CR3 holds a physical address. */
function rootPlace({ machine }: Looker, space: Address["space"], cr3: bigint): bigint | null {
  const root = cr3 & 0x000f_ffff_ffff_f000n;
  if (space === "linear") return null;
  if (space === "physical") return root;
  const location = machine.memory.locate(Number(root) as Parameters<Machine["memory"]["locate"]>[0]);
  return location === null ? null : BigInt(location.ramAddress);
}

function variableMarks({ frames, names }: Looker): { readonly linear: bigint; readonly mark: MarkBody }[] {
  const result: { linear: bigint; mark: MarkBody }[] = [];
  for (const [index, frame] of frames.slice(0, FRAMES_MARKED).entries()) {
    for (const variable of variablesOf(frame)) {
      const location = variable.locate(frame.physical.context);
      if (location.kind !== "memory") continue;
      const owner = frame.symbols?.function.name ?? "";
      const isNear = index === 0 && names !== null && names.isVariable(variable.name);
      const value = isNear ? valueText(names, variable.name) : null;
      const name = index === 0 || owner === "" ? variable.name : `${owner}: ${variable.name}`;
      const length = variable.type?.sizeBytes ?? 1;
      result.push({
        linear: location.address,
        mark: { offset: 0, length, kind: "variable", name, type: typeName(variable.type), value },
      });
    }
  }
  return result;
}

function valueText(names: Names, name: string): string | null {
  try {
    const value = names.variable(name);
    return value === null ? null : formatValue(value, names);
  } catch (error) {
    if (error instanceof AdapterError) return null;
    throw error;
  }
}

/** Under which linear addresses the window's bytes are, to name what lies there. */
function linearWindows(
  looker: Looker,
  at: Address,
  count: number,
): { readonly linear: bigint; readonly offset: number; readonly length: number }[] {
  if (at.space === "linear") return [{ linear: at.offset, offset: 0, length: count }];
  const first = at.space === "ram" ? physicalPage(looker, at) * PAGE_BYTES : Number(at.offset);
  if (first < 0) return [];
  const base = at.space === "ram" ? first + (Number(at.offset) % PAGE_BYTES) : first;
  const windows: { linear: bigint; offset: number; length: number }[] = [];
  for (let page = Math.floor(base / PAGE_BYTES) * PAGE_BYTES; page < base + count; page += PAGE_BYTES)
    for (const linear of looker.linearAddresses(page, 2))
      windows.push({ linear, offset: page - base, length: PAGE_BYTES });
  return windows;
}

/** Symbols in [low, low + length), and the one that reaches into it. */
function symbolMarks({ symbols }: Looker, low: bigint, length: bigint): MarkBody[] {
  const result: MarkBody[] = [];
  const seen = new Set<bigint>();
  const add = (address: bigint): bigint | null => {
    const found = symbols.symbolAt(address);
    if (found === null) return null;
    const { symbol, offset } = found;
    const start = address - offset;
    const isLabel = symbol.size === 0n;
    if (!seen.has(start) && (!isLabel || start >= low)) {
      seen.add(start);
      result.push({
        offset: Number(start - low),
        length: Number(symbol.size),
        kind: "symbol",
        name: symbol.demangled,
        type: symbol.isCode ? "code" : null,
        value: null,
      });
    }
    return start;
  };
  // Symbols are in order: where both ends have the same one, there is no other between.
  const search = (from: bigint, to: bigint): void => {
    if (result.length >= MARKS_MOST || to <= from) return;
    const first = add(from);
    const last = add(to - 1n);
    if (
      to - from <= 1n ||
      (first !== null && first === last) ||
      (first === null && last === null && to - from <= STEP_BYTES)
    )
      return;
    const middle = from + (to - from) / 2n;
    search(from, middle);
    search(middle, to);
  };
  search(low, low + length);
  return result;
}
