/**
 * What lies in a frame: every byte from its stack pointer to its end belongs to one slot, with a name where something is known of it.
 *
 * Invariant: slots are in order and without holes. Of two that claim a byte the one that is more certain has it: what the processor and calls pushed, saved
 * registers, the stack protector's word, variables in scope, arguments of the frame below, structures that somebody points to.
 * Elsewhere: which bytes belong to a frame (`chain.ts`), what a word points to (`target.ts`).
 */
import type { StackPart, StackSlot, StackSlotKind } from "../../media/protocol.ts";
import { bare, children, formatValue, memoryValue, type Value } from "../expressions/index.ts";
import { littleEndian } from "../memory/space.ts";
import { REGISTER_NAMES, typeName } from "../symbols/index.ts";
import { canaryOf } from "./canary.ts";
import type { Chain, Stretch } from "./chain.ts";
import { savedByPushes } from "./prologue.ts";
import { hex, type Pointers } from "./target.ts";
import { quietly, variablesIn, type Located } from "./variables.ts";

/** Bytes of memory as they were at the stop before this one. */
export interface Earlier {
  readonly low: bigint;
  readonly bytes: Uint8Array;
}

export interface SlotContext {
  readonly chain: Chain;
  readonly pointers: Pointers;
  readonly earlier: Earlier | null;
  /** The end of the stack, for a frame whose own is not known. */
  readonly limit: bigint | null;
}

interface Claim {
  readonly low: bigint;
  readonly high: bigint;
  readonly kind: StackSlotKind;
  readonly name: string;
  readonly type?: string;
  readonly value?: Value;
  readonly names?: Located["names"];
  readonly note?: string | null;
}

const PLAIN = { letter: null, count: null } as const;
const SHOWN_BYTES = 64;
const MOST_PARTS = 256;
/** Words that are shown of a frame whose end is not known. */
const UNKNOWN_WORDS = 64;
/** Frames around one whose variables may point into it. */
const POINTING_FRAMES = 3;
/** A larger frame has an array in it that nobody looks at byte by byte. */
const MOST_BYTES = 1 << 20;
const PAGE = 4096n;

export function slotsOf(context: SlotContext, stretch: Stretch): readonly StackSlot[] {
  const { chain, limit } = context;
  const word = BigInt(chain.wordBytes);
  const { low } = stretch;
  let high = stretch.high ?? low + word * BigInt(UNKNOWN_WORDS);
  if (stretch.high === null && limit !== null && limit >= low && limit < high) high = limit;
  const length = Number(high - low);
  if (length <= 0 || length > MOST_BYTES) return [];
  const { start, bytes, why } = readableOf(chain, low, length);
  const end = start + BigInt(bytes.length);
  const taken: Claim[] = [];
  for (const claim of claimsOf(chain, stretch)) place(taken, claim, start, end);
  const slots: StackSlot[] = start === low ? [] : [unreadable(low, start, why)];
  let at = start;
  const maker = new SlotMaker(context, start, bytes);
  // Without a description of the function nobody knows where a thing ends: each word for itself.
  const isDescribed = stretch.high !== null && stretch.frames.at(-1)!.symbols?.function.origin === "dwarf";
  for (const claim of [...taken.sort((a, b) => (a.low < b.low ? -1 : 1)), null]) {
    const until = claim?.low ?? end;
    slots.push(...maker.gap(at, until, isDescribed, taken.length > 0));
    if (claim === null) break;
    slots.push(maker.slot(claim));
    at = claim.high;
  }
  return slots;
}

/** What can be read of a frame: one that has overflowed its stack begins in a guard page. */
function readableOf(
  { space }: Chain,
  low: bigint,
  length: number,
): { readonly start: bigint; readonly bytes: Uint8Array; readonly why: string | null } {
  let start = low;
  let reason: string | null = null;
  for (;;) {
    const { bytes, why } = space.readUpTo({ space: "linear", offset: start }, length - Number(start - low));
    const next = (start / PAGE + 1n) * PAGE;
    if (bytes.length > 0 || next >= low + BigInt(length)) return { start, bytes, why: reason };
    reason ??= why;
    start = next;
  }
}

const unreadable = (low: bigint, high: bigint, why: string | null): StackSlot => ({
  address: hex(low),
  sizeBytes: Number(high - low),
  kind: "unnamed",
  name: "not readable",
  type: null,
  value: why === null ? "" : `<${why}>`,
  bytes: "",
  target: null,
  before: null,
  note: null,
});

/** A single word without a name. */
export function wordSlot(context: SlotContext, address: bigint, bytes: Uint8Array): StackSlot {
  const high = address + BigInt(bytes.length);
  return new SlotMaker(context, address, bytes).slot({ low: address, high, kind: "unnamed", name: "" });
}

/** Inserts what of a claim is not taken yet. */
function place(taken: Claim[], claim: Claim, low: bigint, high: bigint): void {
  let pieces: { readonly low: bigint; readonly high: bigint }[] = [
    { low: claim.low < low ? low : claim.low, high: claim.high > high ? high : claim.high },
  ];
  for (const other of taken)
    pieces = pieces.flatMap((piece) =>
      other.high <= piece.low || other.low >= piece.high
        ? [piece]
        : [
            { low: piece.low, high: other.low },
            { low: other.high, high: piece.high },
          ],
    );
  for (const piece of pieces) {
    if (piece.low >= piece.high) continue;
    const isWhole = piece.low === claim.low && piece.high === claim.high;
    if (isWhole) taken.push(claim);
    else {
      const { value: _, names: __, ...rest } = claim;
      taken.push({ ...rest, ...piece, name: `${claim.name}+${hex(piece.low - claim.low)}` });
    }
  }
}

function* claimsOf(chain: Chain, stretch: Stretch): Generator<Claim> {
  const wordBytes = chain.wordBytes === 2 ? 4 : chain.wordBytes;
  const word = BigInt(wordBytes);
  const at = (low: bigint, kind: StackSlotKind, name: string, note: string | null = null): Claim => ({
    low,
    high: low + word,
    kind,
    name,
    note,
  });
  for (const pushed of stretch.pushed?.words ?? [])
    yield at(pushed.address, "interrupt", pushed.name, pushed.note);
  if (stretch.returnAt !== null) yield at(stretch.returnAt, "return", "return address");
  for (const { address, register, note } of savedRegisters(chain, stretch))
    yield at(address, "saved", register, note);
  const canary = canaryOf(chain, stretch);
  if (canary !== null) yield at(canary.address, "canary", "stack protector", canaryNote(chain, canary));
  for (const located of variablesIn(chain, stretch).located)
    yield variableClaim(located, located.variable.kind === "parameter" ? "parameter" : "local");
  // What the frame below was given on the stack, and variables of its caller that inlining has moved.
  for (let n = stretch.index - 1; n >= Math.max(0, stretch.index - POINTING_FRAMES); n--) {
    const callee = chain.at(n);
    if (callee === null) break;
    const name = callee.frames.at(-1)?.symbols?.function.name ?? "";
    for (const located of variablesIn(chain, callee).located)
      if (located.variable.kind === "parameter" && located.address >= stretch.low)
        yield { ...variableClaim(located, "argument"), note: `argument of ${name}` };
  }
  yield* pointedClaims(chain, stretch);
}

function variableClaim({ variable, address, sizeBytes, value, names }: Located, kind: StackSlotKind): Claim {
  const high = address + BigInt(sizeBytes);
  return { low: address, high, kind, name: variable.name, type: typeName(variable.type), value, names };
}

/** Members of structures in this frame that a variable of a frame nearby points to: what an interrupt's stub pushed, most of all. */
function* pointedClaims(chain: Chain, stretch: Stretch): Generator<Claim> {
  if (stretch.high === null) return;
  const first = Math.max(0, stretch.index - POINTING_FRAMES);
  for (let n = first; n <= stretch.index + 1; n++) {
    const other = n <= stretch.index ? chain.at(n) : chain.known[n];
    if (other === undefined || other === null) continue;
    for (const { name, functionName, address, type, names } of variablesIn(chain, other).pointing) {
      if (address >= stretch.high || address + BigInt(type.sizeBytes) <= stretch.low) continue;
      const whole = memoryValue(names.space, type, { space: "linear", offset: address });
      for (const child of quietly(() => children(whole, names, PLAIN)) ?? []) {
        const { value } = child;
        if (value === null || value.place.kind !== "memory" || value.bitField !== null) continue;
        const low = value.place.address.offset;
        const high = low + BigInt(value.type?.sizeBytes ?? 0);
        yield {
          low,
          high,
          kind: "pointed",
          name: `${name}->${child.name}`,
          type: typeName(value.type),
          value,
          names,
          note: `${functionName} points here with ${name}`,
        };
      }
    }
  }
}

interface Saved {
  readonly address: bigint;
  readonly register: string;
  readonly note: string | null;
}

/** Where the caller's registers are, by the rules of the frame, or by its first instructions. */
function savedRegisters(chain: Chain, stretch: Stretch): readonly Saved[] {
  const { rules, physical } = stretch;
  const names = REGISTER_NAMES[stretch.frames[0]!.architecture];
  const { cfa } = physical.context;
  if (rules === null) return savedByPushes(chain, stretch);
  if (cfa === undefined) return [];
  const saved: Saved[] = [];
  for (const [number, rule] of rules.rules) {
    if (rule.kind !== "offset" || number === rules.returnRegister) continue;
    const register = names[number] ?? "";
    if (register === "") continue;
    saved.push({ address: cfa + rule.offset, register, note: null });
  }
  return saved;
}

function canaryNote(chain: Chain, { address, expected }: NonNullable<ReturnType<typeof canaryOf>>): string {
  if (expected === null) return "what it must be cannot be read";
  const size = chain.wordBytes === 8 ? 8 : 4;
  const { bytes, why } = chain.space.readUpTo({ space: "linear", offset: address }, size);
  if (why !== null) return why;
  return littleEndian(bytes) === expected
    ? "intact: as it must be"
    : `overwritten: it must be ${hex(expected)}`;
}

/** Makes slots of the bytes of one stretch of memory. */
class SlotMaker {
  readonly #context: SlotContext;
  readonly #low: bigint;
  readonly #bytes: Uint8Array;

  constructor(context: SlotContext, low: bigint, bytes: Uint8Array) {
    this.#context = context;
    this.#low = low;
    this.#bytes = bytes;
  }

  #read(low: bigint, high: bigint): Uint8Array {
    return this.#bytes.subarray(Number(low - this.#low), Number(high - this.#low));
  }

  slot(claim: Claim): StackSlot {
    const { low, high, kind, name } = claim;
    const { chain, pointers } = this.#context;
    const bytes = this.#read(low, high);
    const size = bytes.length;
    const isWord = size === chain.wordBytes || (size === 4 && chain.bits !== 64);
    const plain = bare(claim.value?.type ?? null);
    const isPointer = claim.value === undefined || plain?.kind === "pointer" || plain === null;
    const number = isWord ? littleEndian(bytes) : null;
    const target =
      !isWord || number === null || !isPointer
        ? null
        : kind === "return"
          ? pointers.returnTarget(number)
          : pointers.target(number);
    const before = this.#before(low, high, bytes);
    const parts = size > chain.wordBytes ? this.#parts(claim, bytes) : [];
    return {
      address: hex(low),
      sizeBytes: size,
      kind,
      name,
      type: claim.type ?? null,
      value:
        claim.value !== undefined && claim.names !== undefined
          ? formatValue(claim.value, claim.names, PLAIN)
          : number !== null
            ? wordText(number, size)
            : "",
      bytes: hexBytes(bytes.subarray(0, SHOWN_BYTES)),
      target,
      before,
      note: claim.note ?? null,
      ...(parts.length === 0 ? {} : { parts }),
    };
  }

  /** Slots without a name between two with one. */
  gap(low: bigint, high: bigint, isDescribed: boolean, isBetween: boolean): StackSlot[] {
    if (low >= high) return [];
    const word = BigInt(this.#context.chain.wordBytes);
    if (high - low < word && isBetween)
      return [this.slot({ low, high, kind: "padding", name: "", note: "padding" })];
    if (isDescribed && high - low > word) return [this.slot({ low, high, kind: "unnamed", name: "" })];
    const slots: StackSlot[] = [];
    for (let at = low; at < high;) {
      const next = at - (at % word) + word;
      const end = next > high ? high : next;
      slots.push(this.slot({ low: at, high: end, kind: "unnamed", name: "" }));
      at = end;
    }
    return slots;
  }

  #parts(claim: Claim, bytes: Uint8Array): StackPart[] {
    const { value, names } = claim;
    const isAggregate = ["struct", "class", "union", "array"].includes(bare(value?.type ?? null)?.kind ?? "");
    if (value !== undefined && names !== undefined && isAggregate) {
      const found = quietly(() => children(value, names, PLAIN, 0, MOST_PARTS)) ?? [];
      return found.slice(0, MOST_PARTS).flatMap((child): StackPart[] => {
        const part = child.value;
        if (part === null || part.place.kind !== "memory") return [];
        const low = part.place.address.offset;
        const size = part.type?.sizeBytes ?? 0;
        const high = low + BigInt(size);
        if (low < claim.low || high > claim.high) return [];
        const raw = this.#read(low, high);
        const isPointer = bare(part.type)?.kind === "pointer";
        return [
          {
            address: hex(low),
            sizeBytes: size,
            name: child.name === "" ? "<anonymous>" : child.name,
            value: formatValue(part, names, PLAIN),
            target: isPointer ? this.#context.pointers.target(littleEndian(raw)) : null,
            isChanged: this.#before(low, high, raw) !== null,
          },
        ];
      });
    }
    const word = this.#context.chain.wordBytes;
    const parts: StackPart[] = [];
    for (let at = 0; at < bytes.length && parts.length < MOST_PARTS; at += word) {
      const raw = bytes.subarray(at, at + word);
      const low = claim.low + BigInt(at);
      const number = littleEndian(raw);
      parts.push({
        address: hex(low),
        sizeBytes: raw.length,
        name: "",
        value: wordText(number, raw.length),
        target: raw.length === word ? this.#context.pointers.target(number) : null,
        isChanged: this.#before(low, low + BigInt(raw.length), raw) !== null,
      });
    }
    return parts;
  }

  /** The bytes at the last stop if they are others now; empty if they were not looked at then; null if nothing has changed or nobody knows. */
  #before(low: bigint, high: bigint, bytes: Uint8Array): string | null {
    const { earlier } = this.#context;
    if (earlier === null) return null;
    const from = Number(low - earlier.low);
    const to = Number(high - earlier.low);
    if (from < 0 || to > earlier.bytes.length) return null;
    const old = earlier.bytes.subarray(from, to);
    if (old.every((byte, i) => byte === bytes[i])) return null;
    return old.length <= 8 ? wordText(littleEndian(old), old.length) : hexBytes(old.subarray(0, SHOWN_BYTES));
  }
}

/** A number, but bytes where it is less than half a word: "0x00ff" is two. */
const wordText = (value: bigint, sizeBytes: number): string =>
  sizeBytes >= 4 ? hex(value) : `0x${value.toString(16).padStart(sizeBytes * 2, "0")}`;

export const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
