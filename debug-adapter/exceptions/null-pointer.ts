/**
 * A null pointer that was followed, in words: which register was null, which variable it came from, and which member was wanted.
 *
 * Invariant: says what is certain from the instruction and the registers; of variables, which of those in scope are null and fit.
 * Elsewhere: what the page tables say of the address (`explain.ts`).
 */
import { SEG } from "../../emulator/index.ts";
import { decodeAt } from "../disassembly/index.ts";
import { AdapterError } from "../errors.ts";
import { bare } from "../expressions/index.ts";
import { GuestSpace, littleEndian } from "../memory/space.ts";
import { codeBits, findRegister } from "../registers/index.ts";
import { topFrame, type Frame } from "../stack/frame.ts";
import { variablesOf, variableValue } from "../stack/names.ts";
import { typeName, type StructType, type Type } from "../symbols/index.ts";
import type { Explainer } from "./explain.ts";

/** Nothing belongs there: a pointer to less than this is a null pointer and a little. */
export const NULL_PAGE_BYTES = 4096n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** A page fault at an address in the first page, line by line. @param rip of the instruction, an offset in its code segment */
export function explainNull(explainer: Explainer, rip: bigint, address: bigint): string[] {
  const { core, describe } = explainer;
  const bits = codeBits(core);
  const base = bits === 64 ? 0n : core.segmentBase(SEG.cs);
  if (BigInt.asUintN(64, rip + base) < NULL_PAGE_BYTES) return jumped(explainer, rip);
  const found = decodeAt(new GuestSpace(core), BigInt.asUintN(64, rip + base), bits, "intel", base);
  const operand = found === null ? null : operandOf(explainer, found.text, address);
  const lines = ["The address is in the first page: a null pointer, or a field of one, was followed."];
  if (operand === null) return lines;
  const { register, displacement } = operand;
  const field = displacement === 0n ? "" : ` plus ${hex(displacement)}, where a field of the object would be`;
  lines.push(`${register.toUpperCase()} is 0: that was to be the object's address, and the instruction accesses it${field}.`);
  const { symbols } = explainer;
  if (symbols === undefined) return lines;
  const frame = topFrame(core, symbols);
  const pointers = nullPointers(frame, displacement);
  const fitting = pointers.filter(({ member }) => member !== null);
  const candidates = fitting.length > 0 ? fitting : pointers;
  if (candidates.length === 0) return lines;
  const where = frame.symbols?.function.name ?? describe(frame.pc) ?? "this function";
  const [only] = candidates;
  if (candidates.length === 1 && only !== undefined) {
    const wanted = only.member === null ? `*${only.name}` : `${only.name}->${only.member}`;
    const at = only.member === null ? "" : ` The member \`${only.member}\` is ${displacement} bytes into it.`;
    lines.push(`The variable \`${only.name}\` (${only.type}) in ${where} is null, so there is no \`${wanted}\`.${at}`);
    lines.push(`Look where \`${only.name}\` gets its value: something had nothing to give, said so with a null pointer, and nobody asked before using it.`);
  } else
    lines.push(`These variables in ${where} are null and may be the one: ${candidates.map(({ name, type }) => `\`${name}\` (${type})`).join(", ")}.`);
  return lines;
} // oxfmt-ignore

/** Control itself went to the first page. */
function jumped({ core, describe }: Explainer, rip: bigint): string[] {
  const wide = codeBits(core) === 64;
  const bytes = wide ? 8 : 4;
  const stack = wide ? core.rsp : BigInt.asUintN(32, core.rsp + core.segmentBase(SEG.ss));
  const read = new GuestSpace(core).readUpTo({ space: "linear", offset: stack }, bytes);
  const from = read.why === null ? littleEndian(read.bytes) : null;
  const caller = from === null ? null : describe(from);
  return [
    `The processor was sent to ${hex(rip)}, where there is no code: a null pointer to a function was called, or a return address on the stack was overwritten.`,
    ...(from === null || caller === null ? [] : [`On top of the stack is ${hex(from)} <${caller}>: if it was a call, it was the one just before that.`]),
  ];
} // oxfmt-ignore

/** The register of a memory operand that is null, and what is added to it. */
function operandOf({ core }: Explainer, intel: string, address: bigint): { readonly register: string; readonly displacement: bigint } | null {
  for (const [, terms = ""] of intel.matchAll(/\[([^\]]+)\]/g)) {
    let at = 0n;
    let register: string | null = null;
    for (const [, sign = "+", term = ""] of terms.matchAll(/([+-]?)([^+-]+)/g)) {
      const [name = "", scale = "1"] = term.split("*");
      const known = findRegister(name);
      const value = known === null ? BigInt(name) : known.read(core) * BigInt(scale);
      if (known !== null && known.read(core) === 0n) register ??= name;
      at += sign === "-" ? -value : value;
    }
    // An access that crosses into the first page begins below it.
    if (register !== null && at <= address && address < at + 64n) return { register, displacement: at };
  }
  return null;
} // oxfmt-ignore

interface NullPointer {
  readonly name: string;
  readonly type: string;
  /** "parent", "link.next": what is at the displacement. */
  readonly member: string | null;
}

/** Variables in scope that are null pointers. */
function nullPointers(frame: Frame, displacement: bigint): NullPointer[] {
  return variablesOf(frame).flatMap((variable): NullPointer[] => {
    const type = bare(variable.type);
    if (type?.kind !== "pointer") return [];
    try {
      if (littleEndian(variableValue(frame, variable).bytes()) !== 0n) return [];
    } catch (error) {
      if (error instanceof AdapterError) return [];
      throw error;
    }
    const member = memberAt(type.target, Number(displacement) * 8);
    return [{ name: variable.name, type: typeName(variable.type), member }];
  });
}

/** The innermost member that lies `bits` into a structure. */
function memberAt(type: Type | null, bits: number): string | null {
  const struct = bare(type);
  if (struct === null || !isStruct(struct)) return null;
  for (const { name, type: of, kind, offsetBits } of struct.members) {
    const size = (bare(of)?.sizeBytes ?? 0) * 8;
    if (kind === "static" || bits < offsetBits || bits >= offsetBits + Math.max(size, 1)) continue;
    const inner = memberAt(of, bits - offsetBits);
    if (name === "" || inner === null) return inner ?? (name === "" ? null : name);
    return `${name}.${inner}`;
  }
  return null;
}

const isStruct = (type: Type): type is StructType =>
  type.kind === "struct" || type.kind === "class" || type.kind === "union";
