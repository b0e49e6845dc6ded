/**
 * What a fault means, in sentences: the vector, the error code, the address and the table entry at fault, the instruction, and what usually
 * causes it in a kernel that is being brought up.
 *
 * Invariant: explains from the state before delivery and changes nothing. Each line stands alone.
 */
import {
  explainWalk,
  ACCESS,
  BY,
  MODE,
  PAGE_FAULT,
  VECTOR,
  type Core,
  type FaultRecord,
  type Machine,
  type Pc,
} from "../../emulator/index.ts";
import { decodeAt, type Syntax } from "../disassembly/index.ts";
import { baseName } from "../files.ts";
import { GuestSpace } from "../memory/space.ts";
import { codeBits, decodeDescriptor, decodeGate, isWide } from "../registers/index.ts";
import type { SymbolTable } from "../symbols/index.ts";
import { SEG } from "../../emulator/index.ts";
import { explainNull, NULL_PAGE_BYTES } from "./null-pointer.ts";
import { errorCodeText, vectorNamed, vectorText } from "./vector.ts";

export interface Explainer {
  readonly machine: Machine;
  readonly core: Core;
  /** "kmain+4", or null. */
  readonly describe: (address: bigint) => string | null;
  readonly syntax: Syntax;
  /** Absent where there is nobody to tell lines and variables to. */
  readonly symbols?: SymbolTable;
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Where an instruction is: its address, its symbol and itself. */
export function instructionText({ core, describe, syntax }: Explainer, rip: bigint): string {
  const bits = codeBits(core);
  const base = bits === 64 ? 0n : core.segmentBase(SEG.cs);
  const address = BigInt.asUintN(bits === 64 ? 64 : 32, rip + base);
  const name = describe(address);
  const instruction = decodeAt(new GuestSpace(core), address, bits, syntax, base);
  const text = instruction === null ? "no memory there" : instruction.text;
  return `${hex(address)}${name === null ? "" : ` <${name}>`}: ${text}`;
}

/** The same, and its source line. */
export function instructionLine(explainer: Explainer, rip: bigint): string {
  const { core, symbols } = explainer;
  const base = codeBits(core) === 64 ? 0n : core.segmentBase(SEG.cs);
  const line = symbols?.lineAt(rip + base) ?? null;
  const source = line === null || line.line === 0 ? "" : ` (${baseName(line.file)}, line ${line.line})`;
  return instructionText(explainer, rip) + source;
}

/** One line: "#PF (page fault) at 0x… <f+4>: user write of a page that is not present, address 0x0". */
export function faultTitle(fault: FaultRecord): string {
  const code = fault.errorCode === null ? "" : `, error code ${errorCodeText(fault.vector, fault.errorCode)}`;
  const address =
    fault.address !== null && fault.vector === VECTOR.PF ? `, address ${hex(fault.address)}` : "";
  return `${vectorText(fault.vector)}${address}${code}`;
}

/** Everything that can be said about a fault, line by line. */
export function explainFault(explainer: Explainer, fault: FaultRecord): string[] {
  const lines = [`${faultTitle(fault)}.`, `At ${hex(fault.cs)}:${instructionText(explainer, fault.rip)}.`];
  if (fault.vector === VECTOR.PF && fault.address !== null && fault.address < NULL_PAGE_BYTES)
    lines.push(...explainNull(explainer, fault.rip, fault.address));
  if (fault.why !== "") lines.push(`${fault.why[0]!.toUpperCase()}${fault.why.slice(1)}.`);
  if (fault.vector === VECTOR.PF && fault.address !== null)
    lines.push(...explainPageFault(explainer, fault.address, fault.errorCode ?? 0));
  else if (fault.errorCode !== null && fault.errorCode !== 0 && fault.vector !== 17)
    lines.push(...explainSelector(explainer, fault.errorCode));
  lines.push(...gateText(explainer, fault.vector));
  const hint = hintFor(explainer, fault);
  if (hint !== null) lines.push(hint);
  return lines;
}

function explainPageFault({ core, describe }: Explainer, address: bigint, code: number): string[] {
  const access =
    (code & PAGE_FAULT.fetch) !== 0
      ? ACCESS.execute
      : (code & PAGE_FAULT.write) !== 0
        ? ACCESS.write
        : ACCESS.read;
  const by = (code & PAGE_FAULT.user) !== 0 ? BY.user : BY.system;
  const walk = explainWalk(core, Number(address & 0xffff_ffffn), Number(address >> 32n), access, by);
  const name = describe(address);
  const lines = [
    `The address ${hex(address)}${name === null ? "" : ` <${name}>`} was looked up through ${walk.paging} paging from CR3 ${hex(core.cr3)}:`,
  ];
  for (const step of walk.steps)
    lines.push(`  ${step.level} at ${hex(step.address)} = ${hex(step.value)} ${entryText(step.value)}`);
  if (walk.fault !== null) lines.push(`  ${walk.fault.why}.`);
  else
    lines.push(
      "  The page tables allow this access now: the processor used an older translation (was INVLPG forgotten?).",
    );
  return lines;
}

function entryText(entry: bigint): string {
  if ((entry & 1n) === 0n) return "not present";
  const flags = [
    (entry & 2n) !== 0n ? "writable" : "read-only",
    (entry & 4n) !== 0n ? "user" : "supervisor",
    ...((entry & 128n) !== 0n ? ["large page"] : []),
    ...((entry & (1n << 63n)) !== 0n ? ["no-execute"] : []),
  ];
  return flags.join(", ");
}

/** The descriptor or gate that an error code names. */
function explainSelector({ core, describe }: Explainer, code: number): string[] {
  const index = (code & 0xffff) >>> 3;
  if ((code & 2) !== 0) return gateText({ core, describe }, index);
  const isLocal = (code & 4) !== 0;
  const name = isLocal ? "LDT" : "GDT";
  const table = isLocal
    ? { base: core.segmentBase(SEG.ldtr), limit: core.segmentLimit(SEG.ldtr) }
    : core.gdtr;
  if (index * 8 + 7 > table.limit)
    return [
      `The ${name} at ${hex(table.base)} has a limit of ${hex(table.limit)} and ends before entry ${index}.`,
    ];
  const space = new GuestSpace(core);
  const long = (core.mode & MODE.long) !== 0;
  const at = table.base + BigInt(index * 8);
  const { bytes } = space.readUpTo({ space: "linear", offset: at }, 16);
  if (bytes.length < 8) return [`The ${name} at ${hex(table.base)} cannot be read.`];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = view.getBigUint64(0, true);
  const high = isWide(low, long) && bytes.length === 16 ? view.getBigUint64(8, true) : 0n;
  return [`${name} entry ${index} at ${hex(at)}: ${decodeDescriptor(low, high, long).text}.`];
}

/** The IDT or IVT entry through which a vector goes. */
export function gateText({ core, describe }: Pick<Explainer, "core" | "describe">, vector: number): string[] {
  const { base, limit } = core.idtr;
  const isReal = (core.mode & MODE.protected) === 0;
  const long = (core.mode & MODE.long) !== 0;
  const size = isReal ? 4 : long ? 16 : 8;
  const at = base + BigInt(vector * size);
  const table = isReal ? "IVT" : "IDT";
  if (vector * size + size - 1 > limit)
    return [
      `The ${table} at ${hex(base)} has a limit of ${hex(limit)}: there is no entry for ${vectorText(vector)}.`,
    ];
  const { bytes } = new GuestSpace(core).readUpTo({ space: "linear", offset: at }, size);
  if (bytes.length < size)
    return [`The ${table} entry of ${vectorText(vector)} at ${hex(at)} cannot be read.`];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isReal)
    return [
      `IVT entry ${hex(vector)}: handler ${hex(view.getUint16(2, true))}:${hex(view.getUint16(0, true))}.`,
    ];
  const gate = decodeGate(view.getBigUint64(0, true), long ? view.getBigUint64(8, true) : 0n, long);
  const name = gate.kind === "gate" ? describe(gate.offset) : null;
  return [`IDT entry ${hex(vector)}: ${gate.text}${name === null ? "" : ` <${name}>`}.`];
}

/** What usually is behind a fault like this. */
function hintFor({ core, machine }: Explainer, fault: FaultRecord): string | null {
  const { idtr } = core;
  const isProtected = (core.mode & MODE.protected) !== 0;
  if (
    isProtected &&
    (idtr.limit === 0 || (idtr.base === 0n && idtr.limit === 0x3ff) || idtr.limit === 0xffff)
  ) {
    return "The IDT has not been set up (LIDT) yet, so no exception can be handled: this one becomes a triple fault.";
  }
  if (
    fault.vector === VECTOR.PF &&
    fault.address !== null &&
    fault.address >= core.rsp - 4096n &&
    fault.address <= core.rsp + 64n
  ) {
    return "The address is just at the stack pointer: the stack is not mapped there, or has overflowed.";
  }
  if (fault.vector === VECTOR.UD && (core.cr4 & 0x200) === 0 && /sse|xmm/i.test(fault.why))
    return "SSE must be enabled first: CR4.OSFXSR = 1, CR0.EM = 0.";
  if (fault.vector === VECTOR.NM)
    return "CR0.TS or CR0.EM is set: the x87 and SSE must be enabled (CLTS) before they are used.";
  if (fault.vector === VECTOR.GP && fault.errorCode !== null && (fault.errorCode & 2) !== 0) {
    const vector = fault.errorCode >>> 3;
    const irq = irqOf(machine, vector);
    return irq === null
      ? `An interrupt for ${vectorText(vector)} arrived, and its IDT entry cannot be used.`
      : `IRQ ${irq} arrived as ${vectorText(vector)}, and its IDT entry cannot be used.`;
  }
  return null;
}

/** Which ISA interrupt a vector belongs to with the PIC programmed as it is, or null. */
export function irqOf(machine: Machine, vector: number): number | null {
  if (!("board" in machine)) return null;
  const [first, second] = (machine as Pc).board.pic.chips;
  if (vector >= first.irqBase && vector < first.irqBase + 8) return vector - first.irqBase;
  if (vector >= second.irqBase && vector < second.irqBase + 8) return 8 + vector - second.irqBase;
  return null;
}

/** An external interrupt, and the classic mistake of leaving the PIC where the BIOS put it. */
export function explainInterrupt(explainer: Explainer, vector: number, isSoftware: boolean): string[] {
  if (isSoftware) return [`INT ${hex(vector)} was executed.`, ...gateText(explainer, vector)];
  const irq = irqOf(explainer.machine, vector);
  const lines = [
    irq === null
      ? `An external interrupt arrived as ${vectorText(vector)}.`
      : `IRQ ${irq} arrived as ${vectorText(vector)}.`,
  ];
  const isProtected = (explainer.core.mode & MODE.protected) !== 0;
  if (isProtected && vector < 32 && vectorNamed(vector) !== null) {
    lines.push(
      `In protected mode vector ${hex(vector)} is the exception ${vectorText(vector)}: the PIC was never remapped (ICW2), so hardware interrupts look like exceptions, and no error code is pushed.`,
    );
  }
  return [...lines, ...gateText(explainer, vector)];
}
