/**
 * A red-zone clobber in sentences: which event overwrote what of whom, who has read it, and what helps.
 *
 * Invariant: explains from the report and the machine as it stands at the stop, and changes nothing. Each line stands alone.
 */
import { RED_ZONE_BYTES, VECTOR, type Clobber, type Core, type StackEvent } from "../../emulator/index.ts";
import { gateText, instructionText, irqOf, type Explainer } from "../exceptions/explain.ts";
import { vectorText } from "../exceptions/vector.ts";
import { baseName } from "../files.ts";
import { littleEndian } from "../memory/space.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { Locals } from "./local.ts";

const WORD_BYTES = 8;
/** From the top down (SDM 3A figure 6-9). */
const PUSHED = ["SS", "RSP", "RFLAGS", "CS", "RIP", "the error code"] as const;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const bytesText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
const valueText = (bytes: Uint8Array): string =>
  bytes.length <= WORD_BYTES ? hex(littleEndian(bytes)) : bytesText(bytes);
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
const below = (n: number): string => `RSP-${hex(RED_ZONE_BYTES - n)}`;

/** What came: "IRQ 0 (vector 0x20)", "#PF (page fault)", "INT 0x80". */
export function causeText({ machine }: Pick<Explainer, "machine">, { vector, kind }: StackEvent): string {
  switch (kind) {
    case "external": {
      const irq = irqOf(machine, vector);
      return irq === null ? `the interrupt with vector ${hex(vector)}` : `IRQ ${irq} (vector ${hex(vector)})`;
    }
    case "nmi":
      return vectorText(VECTOR.NMI);
    case "software":
      return `INT ${hex(vector)}`;
    case "push":
    case "call":
      return `its own ${kind.toUpperCase()}`;
    case "fault":
    case "trap":
    case "int3":
    case "into":
    case "int1":
      return vectorText(vector);
  }
}

/** The function at an address, with "()"; else the address. */
export function functionText(symbols: SymbolTable, address: bigint): string {
  const name = symbols.functionAt(address)?.name ?? symbols.symbolAt(address)?.symbol.demangled;
  return name === undefined ? `the code at ${hex(address)}` : `${name}()`;
}

/** All there is to say, line by line; the first is the title. */
export function explainClobber(explainer: Explainer, symbols: SymbolTable, clobber: Clobber): string[] {
  if (clobber.kind === "ist") return explainTwice(explainer, symbols, clobber);
  return isOwn(clobber.event)
    ? explainOwn(explainer, symbols, clobber)
    : explainRedZone(explainer, symbols, clobber);
}

const isOwn = ({ kind }: StackEvent): boolean => kind === "push" || kind === "call";

function explainOwn(explainer: Explainer, symbols: SymbolTable, clobber: Clobber): string[] {
  const { event, read, live } = clobber;
  const who = functionText(symbols, event.rip);
  const what = count(live?.count ?? 0, "byte");
  return [
    read === null
      ? `Red-zone clobber: ${who} is about to ${event.kind} over ${what} below its stack pointer that it still needs.`
      : `Red-zone clobber, confirmed: ${who} read ${count(read.size, "byte")} below its stack pointer that its own ${event.kind.toUpperCase()} had overwritten.`,
    `The ${event.kind.toUpperCase()} is at ${placeText(explainer, symbols, event.rip)}, with RSP ${hex(event.rsp)}.`,
    ...(read === null ? keptText(explainer.core, symbols, clobber) : readText(explainer, symbols, clobber)),
    "It is inline assembly, most likely: the compiler does not know that it moves RSP.",
    "What helps: -mno-red-zone for the file.",
    "Or lea -128(%rsp), %rsp first and lea 128(%rsp), %rsp last in the assembly, if nothing in between is addressed by RSP.",
    ...(read === null ? [] : tableText(explainer.core, symbols, clobber)),
  ];
}

/** The variables that are about to be overwritten. */
function keptText(core: Core, symbols: SymbolTable, { event, before, live }: Clobber): string[] {
  const locals = new Locals(core, symbols, event.rip, event.rsp);
  const from = live?.mask.indexOf(1) ?? 0;
  const size = live?.count ?? 0;
  const names = locals.within(event.rsp - BigInt(RED_ZONE_BYTES - from), size).join(", ");
  const value = valueText(before.subarray(from, from + size));
  return [`There is ${names === "" ? "" : `${names}: `}${value}, at ${below(from)}.`];
}

function explainRedZone(explainer: Explainer, symbols: SymbolTable, clobber: Clobber): string[] {
  const { event, read, live } = clobber;
  const cause = causeText(explainer, event);
  const who = functionText(symbols, event.rip);
  const changed = changedBytes(clobber);
  const title =
    read === null
      ? `Red-zone clobber: ${cause} changed ${count(changed.filter((n) => live?.mask[n] === 1).length, "byte")} below the stack pointer that ${who} still needs.`
      : `Red-zone clobber, confirmed: ${who} read ${count(read.size, "byte")} below its stack pointer that ${cause} had overwritten.`;
  const lines = [
    title,
    `Interrupted at ${placeText(explainer, symbols, event.rip)}, with RSP ${hex(event.rsp)}.`,
    `${gateText(explainer, event.vector)[0] ?? ""} IST 0 and the same privilege: the processor pushed onto the stack it found.`,
  ];
  if (read !== null) lines.push(...readText(explainer, symbols, clobber));
  lines.push(...remedies(event), ...tableText(explainer.core, symbols, clobber));
  if (live === null)
    lines.push(
      `What ${who} keeps below RSP is not known, so nothing is said about bytes that it has not read.`,
    );
  return lines;
}

/** Indices of the window's bytes that are not what they were. */
function changedBytes({ before, after }: Clobber): number[] {
  const changed: number[] = [];
  for (const [n, byte] of before.entries()) if (byte !== after[n]) changed.push(n);
  return changed;
}

/** "0x… <f+4>: mov …, file.c line 3". */
function placeText(explainer: Explainer, symbols: SymbolTable, rip: bigint): string {
  const line = symbols.lineAt(rip);
  const source = line === null || line.line === 0 ? "" : ` (${baseName(line.file)}, line ${line.line})`;
  return `${instructionText(explainer, rip)}${source}`;
}

function readText(
  explainer: Explainer,
  symbols: SymbolTable,
  { event, read, before, after }: Clobber,
): string[] {
  if (read === null) return [];
  const first = Number(read.address - event.rsp) + RED_ZONE_BYTES;
  const from = Math.max(first, 0);
  const to = Math.min(first + read.size, RED_ZONE_BYTES);
  const name = new Locals(explainer.core, symbols, read.rip, event.rsp).at(read.address);
  const was = valueText(before.subarray(from, to));
  const is = valueText(after.subarray(from, to));
  return [
    `Read by ${placeText(explainer, symbols, read.rip)}: ${name === null ? "" : `${name}, `}${below(from)}. It had left ${was} there and found ${is}.`,
  ];
}

/** The words that have changed, from RSP down: what they were and are, whose they are, and who wrote them. Of a known function only those that matter. */
function tableText(
  core: Core,
  symbols: SymbolTable,
  { event, before, after, live, isOver, read }: Clobber,
): string[] {
  const locals = new Locals(core, symbols, read?.rip ?? event.rip, event.rsp);
  const rows: string[] = [];
  let kept = 0;
  let dead = 0;
  for (let n = RED_ZONE_BYTES - WORD_BYTES; n >= 0; n -= WORD_BYTES) {
    const was = before.subarray(n, n + WORD_BYTES);
    const is = after.subarray(n, n + WORD_BYTES);
    const isDead = live !== null && !live.mask.subarray(n, n + WORD_BYTES).includes(1);
    const isSame = was.every((byte, i) => byte === is[i]);
    if (isSame && live !== null && !isDead) kept++;
    if (!isSame && isDead) dead++;
    if (isSame || isDead) continue;
    const address = event.rsp - BigInt(RED_ZONE_BYTES - n);
    const names = locals.within(address, WORD_BYTES).join(", ");
    const by = isOwn(event)
      ? `written by its own ${event.kind.toUpperCase()}`
      : address >= event.frame
        ? `${pushedAt(event, address)}, pushed by the processor`
        : "written by the handler";
    const change = `${bytesText(was)} → ${bytesText(is)}`;
    rows.push(`  ${below(n).padEnd(8)}  ${change}  ${names === "" ? "" : `${names}: `}${by}`);
  }
  const when = isOwn(event)
    ? "now"
    : isOver
      ? "now, after the handler"
      : "now, before the handler's first instruction";
  const what = live === null ? "What has changed below RSP" : "What may still be read below RSP";
  const rest = [
    ...(kept === 0 ? [] : [`${count(kept, "more word")} of it ${kept === 1 ? "is" : "are"} as before`]),
    ...(dead === 0 ? [] : [`${count(dead, "word")} changed that nobody will read`]),
  ].join("; ");
  return [
    `${what}, before → ${when}:`,
    ...rows,
    ...(rest === "" ? [] : [`  ${rest[0]!.toUpperCase()}${rest.slice(1)}.`]),
  ];
}

function pushedAt({ rsp }: StackEvent, address: bigint): string {
  const top = rsp & ~0xfn;
  return PUSHED[Number((top - address - 1n) / BigInt(WORD_BYTES))] ?? "";
}

function remedies({ vector }: StackEvent): string[] {
  return [
    "What helps: -mno-red-zone for all code that runs in the kernel, libraries such as libgcc included.",
    `Or an IST stack for the gate of vector ${hex(vector)}: the processor then changes stacks before it pushes.`,
    "What does not help: sub rsp, 128 in the handler. Before its first instruction the processor has pushed SS, RSP, RFLAGS, CS and RIP " +
      "right below the interrupted RSP, which is where the red zone is.",
  ];
}

function explainTwice(explainer: Explainer, symbols: SymbolTable, { event, first }: Clobber): string[] {
  if (first === null) return [];
  const cause = causeText(explainer, event);
  return [
    `IST stack entered twice: ${cause} came on IST ${event.ist} while the handler of ${causeText(explainer, first)} was still using that stack.`,
    `Interrupted at ${placeText(explainer, symbols, event.rip)}, with RSP ${hex(event.rsp)}.`,
    gateText(explainer, event.vector)[0] ?? "",
    `Each entry begins at the top of the stack that the TSS names, so the new frame, at ${hex(event.frame)}, was pushed over that of the first event, which had ` +
      `interrupted ${functionText(symbols, first.rip)} at ${hex(first.rip)}: the first handler can no longer return there.`,
    "What helps: different IST entries for events that can interrupt each other; or none, in code without a red zone.",
    "Or interrupts that stay off while a handler is on an IST stack: interrupt gates, and no STI.",
  ];
}
