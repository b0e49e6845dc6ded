/**
 * Every stack the machine is known to have: those the CPUs run on, those that interrupted code has left, those in task-state segments, arrays that are called
 * stacks, Linux's tasks, and those that were seen at earlier stops.
 *
 * Invariant: a stack is listed once, whatever it is for, and under the same id at every stop.
 * Elsewhere: its ends (`extent.ts`), how deep it was used (`high-water.ts`).
 */
import type { StackHighWater, StackSummary, StackWarning } from "../../media/protocol.ts";
import { GuestSpace } from "../memory/space.ts";
import type { SymbolImage, SymbolTable } from "../symbols/index.ts";
import type { Chain } from "./chain.ts";
import { extentOf, guardBelow, type Extent } from "./extent.ts";
import { depthOf } from "./high-water.ts";
import type { StackRecord } from "./record.ts";
import { hex } from "./target.ts";
import { taskStacks } from "./task-state.ts";

/** A stack before it is described. */
interface Found {
  readonly id: string;
  readonly extent: Extent;
  readonly high: bigint;
  readonly roles: string[];
  name: string;
  pointer: bigint | null;
  cpu: number | null;
}

/** A larger one is not read from end to end. */
const MOST_BYTES = 1 << 20;
/** Symbols that are looked through for arrays that are called stacks; of a kernel with more, not all are listed. */
const MOST_SYMBOLS = 20_000;
const MOST_ARRAYS = 64;
const ARRAY_NAME = /(?:^|[_a-z])(?:stack|stk)s?(?:$|[_\d])|Stack/;
const SMALLEST_ARRAY = 256n;

/** A stack that somebody else knows of: Linux's tasks. */
export interface KnownStack {
  readonly low: bigint;
  readonly high: bigint;
  readonly name: string;
  readonly role: string;
  readonly pointer: bigint | null;
}

export interface StackSources {
  readonly table: SymbolTable;
  readonly record: StackRecord;
  /** One for each CPU that runs. */
  readonly chains: readonly Chain[];
  /** Arrays by name are looked for: it is no Linux, whose arrays of that name are no stacks. */
  readonly byName: boolean;
  readonly known: readonly KnownStack[];
}

/** The id of the stack with these ends; one without is told by where it starts. */
export const stackId = ({ low }: Extent, high: bigint): string =>
  low === null ? `below ${hex(high)}` : hex(low);

export function stacksOf(sources: StackSources): readonly StackSummary[] {
  const { table, record, chains } = sources;
  const found = new Map<string, Found>();
  const tops = new Set<bigint>();
  for (const { core, space } of chains)
    for (const { top, isInterruptStack } of taskStacks(core, space)) if (isInterruptStack) tops.add(top);

  const add = (
    chain: Pick<Chain, "core" | "space">,
    address: bigint,
    name: string,
    role: string,
    top?: bigint,
  ): Found => {
    const extent = divided(extentOf(chain.core, chain.space, table, address), address, tops, chain, table);
    const high = extent.high ?? top ?? address;
    const id = stackId(extent, high);
    const known = found.get(id);
    if (known !== undefined) {
      if (!known.roles.includes(role)) known.roles.push(role);
      return known;
    }
    const one: Found = { id, extent, high, roles: [role], name, pointer: null, cpu: null };
    found.set(id, one);
    return one;
  };

  for (const chain of chains) addChain(chain, add, record);
  for (const { core, space } of chains) {
    const suffix = chains.length === 1 ? "" : ` of CPU ${core.index}`;
    for (const { name, top, use } of taskStacks(core, space))
      // Where it starts is not in it, but behind its last byte.
      add({ core, space }, top - 1n, `${name}${suffix}`, `${name}${suffix}, ${use}`, top);
  }
  const [first] = chains;
  if (first !== undefined) {
    if (sources.byName)
      for (const { address, size, name } of arraysOf(table)) {
        const inside = [...found.values()].some(
          ({ extent, high }) => extent.low !== null && extent.low < address + size && high > address,
        );
        if (!inside) add(first, address + size - 1n, name, "an array with this name");
      }
    for (const { low, high, name, role, pointer } of sources.known) {
      const extent = { low, high, text: "the kernel's own description", name: null };
      const id = hex(low);
      const known = found.get(id);
      if (known !== undefined) {
        known.roles.push(role);
        known.name = name;
        continue;
      }
      const guard = guardBelow(first.space, table, low);
      found.set(id, {
        id,
        extent: { ...extent, guard },
        high,
        roles: [role],
        name,
        pointer,
        cpu: null,
      });
    }
    for (const { id, extent, pointer } of record.seen)
      if (!found.has(id))
        found.set(id, {
          id,
          extent,
          high: extent.high!,
          roles: [`its stack pointer was ${hex(pointer)} at an earlier stop`],
          name: extent.name ?? `stack at ${hex(extent.low!)}`,
          pointer: null,
          cpu: null,
        });
  }
  return [...found.values()].map((one) => describe(one, first!.space, record));
}

/** The stack a CPU runs on, and those that the code it interrupted runs on. */
function addChain(
  chain: Chain,
  add: (chain: Chain, address: bigint, name: string, role: string, top?: bigint) => Found,
  record: StackRecord,
): void {
  const { core, pointer } = chain;
  const end = chain.known.at(-1);
  const current = add(
    chain,
    pointer,
    `stack of CPU ${core.index}`,
    `CPU ${core.index} runs on it`,
    end?.high ?? end?.low,
  );
  if (current.extent.name !== null) current.name = current.extent.name;
  current.pointer = pointer;
  current.cpu = core.index;
  record.see(current.id, current.extent, pointer);
  for (const stretch of chain.known) {
    if (stretch.index === 0 || !stretch.physical.isInterrupted) continue;
    const { low } = stretch;
    if (current.extent.low !== null && low >= current.extent.low && low <= current.high) continue;
    const name = stretch.frames.at(-1)?.symbols?.function.name ?? "code";
    const other = add(chain, low, `stack of ${name}`, `${name} was interrupted on it`, stretch.high ?? low);
    if (other.extent.name !== null) other.name = other.extent.name;
    other.pointer ??= low;
    record.see(other.id, other.extent, low);
  }
}

/** One array may hold several interrupt stacks: each begins where the next one starts. */
function divided(
  extent: Extent,
  address: bigint,
  tops: ReadonlySet<bigint>,
  { space }: { readonly space: GuestSpace },
  table: SymbolTable,
): Extent {
  const { low, high } = extent;
  if (low === null || high === null) return extent;
  let [from, to] = [low, high];
  for (const top of tops) {
    if (top <= from || top >= to) continue;
    if (top < address) from = top;
    else to = top;
  }
  if (from === low && to === high) return extent;
  return { ...extent, low: from, high: to, guard: guardBelow(space, table, from) };
}

const arrays = new WeakMap<
  SymbolImage,
  readonly { readonly address: bigint; readonly size: bigint; readonly name: string }[]
>();

function arraysOf(
  table: SymbolTable,
): readonly { readonly address: bigint; readonly size: bigint; readonly name: string }[] {
  return table.images.flatMap((image) => {
    let list = arrays.get(image);
    if (list === undefined) {
      const found: { readonly address: bigint; readonly size: bigint; readonly name: string }[] = [];
      let seen = 0;
      for (const symbol of image.symbols()) {
        if (++seen > MOST_SYMBOLS || found.length >= MOST_ARRAYS) break;
        const { address, size, demangled: name, kind, isCode } = symbol;
        if (kind !== "object" || isCode || size < SMALLEST_ARRAY || size > BigInt(MOST_BYTES)) continue;
        if (ARRAY_NAME.test(name) && !/guard/i.test(name)) found.push({ address, size, name });
      }
      arrays.set(image, (list = found));
    }
    return list;
  });
}

/** The whole of a stack, where it can be read. */
export function stackBytes(space: GuestSpace, low: bigint | null, high: bigint): Uint8Array | null {
  if (low === null || high <= low || high - low > BigInt(MOST_BYTES)) return null;
  const { bytes, why } = space.readUpTo({ space: "linear", offset: low }, Number(high - low));
  return why === null ? bytes : null;
}

function describe(one: Found, space: GuestSpace, record: StackRecord): StackSummary {
  const { id, name, roles, extent, high, pointer, cpu } = one;
  const { low } = extent;
  return {
    id,
    name,
    roles,
    low: low === null ? null : hex(low),
    high: hex(high),
    extent: extent.text,
    pointer: pointer === null ? null : hex(pointer),
    cpu,
    highWater: highWaterOf(one, space, record),
    guard: extent.guard,
    warnings: extentWarnings(extent, name, pointer),
  };
}

function highWaterOf(
  { id, extent, high, pointer }: Found,
  space: GuestSpace,
  record: StackRecord,
): StackHighWater | null {
  const bytes = stackBytes(space, extent.low, high);
  if (bytes === null || extent.low === null) {
    const lowest = record.seen.find((seen) => seen.id === id)?.lowest ?? pointer;
    if (lowest === null || lowest > high) return null;
    return {
      address: hex(lowest),
      bytes: Number(high - lowest),
      method: "pointer",
      text: "The lowest stack pointer that was seen at a stop: it was deeper in between.",
    };
  }
  const { offset: found, method, text } = depthOf(bytes, record.marked(id));
  // Below it nothing was stored yet, or only what was there.
  const used = pointer === null ? bytes.length : Number(pointer - extent.low);
  const offset = Math.min(found, used < 0 ? 0 : used);
  return { address: hex(extent.low + BigInt(offset)), bytes: bytes.length - offset, method, text };
}

const SCARCE_BYTES = 256n;

/** What is wrong with a stack pointer in its stack. */
export function extentWarnings(extent: Extent, name: string, pointer: bigint | null): StackWarning[] {
  const { low, high, guard } = extent;
  if (pointer === null || low === null) return [];
  const address = hex(pointer);
  if (pointer < low)
    return [
      {
        severity: "error",
        text: `Overflow: the stack pointer is ${low - pointer} bytes below the end of ${name}.`,
        address,
      },
    ];
  const left = pointer - low;
  const whole = high === null ? null : high - low;
  if (left <= SCARCE_BYTES || (whole !== null && left * 16n < whole))
    return [
      {
        severity: "warning",
        text: `Only ${left} bytes are left of ${name}${guard.kind === "mapped" ? `; ${guard.text}` : ""}.`,
        address,
      },
    ];
  return [];
}
