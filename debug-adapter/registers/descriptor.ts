/**
 * Entries of the descriptor tables, decoded: segments, gates, TSS and LDT descriptors (SDM 3A §3.4.5, §5.8, §6.11, §7.2.2).
 *
 * Elsewhere: reading tables out of guest memory and showing them (`variables/tables.ts`).
 */
import { ATTRIBUTE } from "../../emulator/index.ts";

export interface SegmentDescriptor {
  readonly kind: "segment";
  readonly base: bigint;
  /** In bytes, granularity applied. */
  readonly limit: number;
  /** In the layout of SEGMENT.attributes. */
  readonly attributes: number;
  readonly text: string;
}

export interface SystemDescriptor {
  readonly kind: "system";
  readonly type: "LDT" | "16-bit TSS" | "32-bit TSS" | "64-bit TSS";
  readonly busy: boolean;
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
  readonly text: string;
}

export interface GateDescriptor {
  readonly kind: "gate";
  readonly type: "call gate" | "task gate" | "interrupt gate" | "trap gate";
  readonly bits: 16 | 32 | 64;
  readonly selector: number;
  readonly offset: bigint;
  readonly dpl: number;
  readonly present: boolean;
  /** Interrupt-stack-table index, 64-bit gates only; 0 is none. */
  readonly ist: number;
  readonly text: string;
}

export interface BadDescriptor {
  readonly kind: "null" | "reserved";
  readonly text: string;
}

export type Descriptor = SegmentDescriptor | SystemDescriptor | GateDescriptor | BadDescriptor;

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Whether an entry of a GDT or LDT takes 16 bytes: system descriptors in long mode. */
export const isWide = (low: bigint, long: boolean): boolean =>
  long && low !== 0n && ((low >> 44n) & 1n) === 0n;

/** Decodes an 8-byte entry, or in long mode a 16-byte system entry (`high` is its second half). */
export function decodeDescriptor(low: bigint, high: bigint, long: boolean): Descriptor {
  if (low === 0n && high === 0n) return { kind: "null", text: "null" };
  const attributes = Number((low >> 40n) & 0xf0ffn);
  const type = attributes & 15;
  const dpl = (attributes >>> 5) & 3;
  const present = (attributes & ATTRIBUTE.present) !== 0;
  const base = ((low >> 16n) & 0xff_ffffn) | ((low >> 32n) & 0xff00_0000n);
  const pages = Number((low & 0xffffn) | ((low >> 32n) & 0xf_0000n));
  const limit = (attributes & ATTRIBUTE.granularity) === 0 ? pages : pages * 4096 + 4095;
  const rest = `DPL ${dpl}${present ? "" : ", not present"}`;
  if ((attributes & ATTRIBUTE.system) !== 0) {
    const text = `${segmentKind(attributes)}, base ${hex(base)}, limit ${hex(limit)}, ${rest}`;
    return { kind: "segment", base, limit, attributes, text };
  }
  const wideBase = long ? base | ((high & 0xffff_ffffn) << 32n) : base;
  const system = SYSTEM_TYPES[type];
  if (system === undefined || (long && type !== 2 && type < 9))
    return { kind: "reserved", text: `reserved type ${hex(type)}` };
  if (system === "gate") return decodeGate(low, high, long);
  const name = type === 2 ? "LDT" : (type & 8) === 0 ? "16-bit TSS" : long ? "64-bit TSS" : "32-bit TSS";
  const busy = type === 3 || type === 11;
  const text = `${name}${busy ? " (busy)" : ""}, base ${hex(wideBase)}, limit ${hex(limit)}, ${rest}`;
  return { kind: "system", type: name, busy, base: wideBase, limit, attributes, text };
}

const SYSTEM_TYPES: { readonly [type: number]: "segment" | "gate" } = {
  1: "segment", 2: "segment", 3: "segment", 4: "gate", 5: "gate", 6: "gate", 7: "gate", 9: "segment", 11: "segment", 12: "gate", 14: "gate",
  15: "gate",
}; // oxfmt-ignore

/** Decodes a gate: an entry of the IDT, or a call gate. */
export function decodeGate(low: bigint, high: bigint, long: boolean): Descriptor {
  if (low === 0n && high === 0n) return { kind: "null", text: "empty" };
  const type = Number((low >> 40n) & 31n);
  const name = GATE_TYPES[type & 7];
  if (name === undefined || (type & 16) !== 0 || (long && (type & 8) === 0)) {
    return { kind: "reserved", text: `not a gate: type ${hex(type)}` };
  }
  const bits = long ? 64 : (type & 8) === 0 ? 16 : 32;
  const selector = Number((low >> 16n) & 0xffffn);
  const offset =
    name === "task gate"
      ? 0n
      : bits === 16
        ? low & 0xffffn
        : (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n) | (long ? (high & 0xffff_ffffn) << 32n : 0n);
  const dpl = Number((low >> 45n) & 3n);
  const present = ((low >> 47n) & 1n) === 1n;
  const ist = long ? Number((low >> 32n) & 7n) : 0;
  const target = name === "task gate" ? hex(selector) : `${hex(selector)}:${hex(offset)}`;
  const text = `${name}${name === "task gate" ? "" : `, ${bits}-bit`}, ${target}, DPL ${dpl}${ist === 0 ? "" : `, IST ${ist}`}${present ? "" : ", not present"}`;
  return { kind: "gate", type: name, bits, selector, offset, dpl, present, ist, text };
}

const GATE_TYPES: { readonly [type: number]: GateDescriptor["type"] } = {
  4: "call gate", 5: "task gate", 6: "interrupt gate", 7: "trap gate",
}; // oxfmt-ignore

/** "64-bit code", "32-bit data, writable" … of a segment's attributes. */
export function segmentKind(attributes: number): string {
  if ((attributes & ATTRIBUTE.unusable) !== 0) return "null";
  if ((attributes & ATTRIBUTE.code) !== 0) {
    const width =
      (attributes & ATTRIBUTE.long) !== 0 ? "64" : (attributes & ATTRIBUTE.big) !== 0 ? "32" : "16";
    const readable = (attributes & ATTRIBUTE.readable) === 0 ? ", execute-only" : "";
    return `${width}-bit code${readable}${(attributes & ATTRIBUTE.conforming) === 0 ? "" : ", conforming"}`;
  }
  const down = (attributes & ATTRIBUTE.expandDown) === 0 ? "" : ", expand-down";
  return `${(attributes & ATTRIBUTE.big) === 0 ? "16" : "32"}-bit data, ${(attributes & ATTRIBUTE.writable) === 0 ? "read-only" : "writable"}${down}`;
}
