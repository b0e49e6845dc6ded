/** Registers by group, with the fields of those that are collections of bits, decoded and changeable one by one. */
import { SEG, type Core, type SegmentNumber } from "../../emulator/index.ts";
import { registerRefused } from "../errors.ts";
import {
  evaluateText,
  extendedToNumber,
  numberToExtended,
  numeric,
  toFloat,
  toInteger,
  type Format,
  type Names,
} from "../expressions/index.ts";
import { formatReference } from "../memory/space.ts";
import {
  codeBits,
  fieldValue,
  REGISTERS,
  segmentKind,
  SEGMENT_NAMES,
  summary,
  withField,
  type Register,
  type RegisterGroup,
} from "../registers/index.ts";
import { ATTRIBUTE_FIELDS, type Field } from "../registers/field.ts";
import { fixed, type Container, type Node } from "./node.ts";
import { vectorContainer } from "./vector.ts";

/** Reads and writes a register of a frame: the CPU's own, or what a calling frame had. */
export interface RegisterAccess {
  readonly core: Core;
  readonly names: Names;
  /** In calling frames only what unwinding knows; a string says why it is unknown. */
  read(register: Register): bigint | string;
  isWritable(register: Register): boolean;
}

/** The Registers scope: a node for each group, descriptor tables among them. */
export function registerGroups(access: RegisterAccess, tables: Node): Container {
  return fixed(() => [
    group(access, "General", "General", ["General", "Flags"]),
    group(access, "Segments", "Segments", ["Segments"]),
    group(access, "Control", "Control", ["Control"]),
    tables,
    group(access, "Debug", "Debug", ["Debug"]),
    group(access, "MSRs", "Model-specific", ["MSRs"]),
    group(access, "x87", "x87", ["x87"]),
    group(access, "SSE", "SSE", ["SSE"]),
  ]);
}

function group(access: RegisterAccess, key: string, name: string, groups: readonly RegisterGroup[]): Node {
  const list = (format: Format): Node[] =>
    key === "Segments"
      ? SEGMENT_NAMES.slice(0, 6).map((_, n) => segmentNode(access, n as SegmentNumber, format))
      : REGISTERS.filter((register) => groups.includes(register.group)).map((register) =>
          registerNode(access, register, format),
        );
  return { name, value: groupSummary(access, key), children: fixed(list), kind: "virtual" };
}

function groupSummary(access: RegisterAccess, key: string): string {
  const { core } = access;
  const value = (name: string): bigint => {
    const found = access.read(REGISTERS.find((register) => register.name === name)!);
    return typeof found === "bigint" ? found : 0n;
  };
  if (key === "General") return `rip 0x${value("rip").toString(16)}, rsp 0x${value("rsp").toString(16)}`;
  if (key === "Control")
    return `cr0 0x${core.cr0.toString(16)}, cr3 0x${core.cr3.toString(16)}, cr4 0x${core.cr4.toString(16)}`;
  if (key === "Segments")
    return `cs 0x${core.selector(SEG.cs).toString(16)}, ss 0x${core.selector(SEG.ss).toString(16)}`;
  const hex = (name: string): string => `${name} 0x${value(name).toString(16)}`;
  if (key === "Debug") return `${hex("dr6")}, ${hex("dr7")}`;
  if (key === "MSRs") return `${hex("lstar")}, ${hex("k_gs_base")}`;
  if (key === "x87") return `${hex("fctrl")}, ${hex("fstat")}`;
  return hex("mxcsr");
}

/** A register as it is shown in the current mode: EAX in 32-bit code is still RAX, with all its bits. */
export function registerNode(access: RegisterAccess, register: Register, format: Format): Node {
  const found = access.read(register);
  const evaluateName = `$${register.name}`;
  if (typeof found === "string") return { name: register.name, value: `<${found}>`, evaluateName };
  const fields = register.fields?.(access.core);
  const text = registerText(register, found, format, access.core);
  const label = register.shape === "address" ? access.names.describe(found) : null;
  return {
    name: register.name,
    value: `${text}${fields === undefined || fields.length < 2 ? "" : ` ${summary(found, fields)}`}${label === null ? "" : ` <${label}>`}`,
    type: `${register.bits} bits`,
    evaluateName,
    memoryReference:
      register.bits === 64 && register.shape !== "flags"
        ? formatReference({ space: "linear", offset: found })
        : undefined,
    children:
      fields !== undefined
        ? fieldContainer(access, register, fields)
        : register.shape === "vector"
          ? vectorContainer(
              () => {
                const now = access.read(register);
                return typeof now === "string" ? found : now;
              },
              access.isWritable(register) ? (value) => register.write(access.core, value) : null,
              {
                float: (text) => toFloat(evaluateText(text, access.names, { assignments: false }).value),
                integer: (text, bits) => parsed(text, { ...register, bits }, access.names),
              },
            )
          : undefined,
    assign: access.isWritable(register)
      ? (written) => register.write(access.core, parsed(written, register, access.names))
      : undefined,
    sizeBytes: register.bits / 8,
  };
}

function registerText(register: Register, value: bigint, { letter }: Format, core: Core): string {
  if (register.shape === "extended" && letter === null) return String(extendedToNumber(value));
  const digits = letter === null && register.group === "General" ? (codeBits(core) === 64 ? 16 : 8) : 0;
  const base: string = letter ?? "x";
  switch (base) {
    case "d":
      return BigInt.asIntN(register.bits, value).toString();
    case "u":
      return value.toString();
    case "b":
      return `0b${value.toString(2)}`;
    case "o":
      return `0${value.toString(8)}`;
    default:
      return `0x${value.toString(16).padStart(value >> BigInt(digits * 4) === 0n ? digits : 0, "0")}`;
  }
}

/** What somebody typed, as the bits of a register. Throws `registerRefused` if they do not fit. */
function parsed(text: string, register: Register, names: Names): bigint {
  const { value } = evaluateText(text, names, { assignments: false });
  if (register.shape === "extended") {
    const isNumber = numeric(value.type) !== null;
    return isNumber ? numberToExtended(toFloat(value)) : toInteger(value);
  }
  const number = toInteger(value);
  const bits = BigInt.asUintN(register.bits, number);
  const fits = number >= 0n ? bits === number : BigInt.asIntN(register.bits, number) === number;
  if (!fits) throw registerRefused(register.name, `it has ${register.bits} bits`);
  return bits;
}

function fieldContainer(access: RegisterAccess, register: Register, fields: readonly Field[]): Container {
  return fixed((format) => {
    const value = access.read(register);
    if (typeof value === "string") return [];
    return fields.map((field): Node => {
      const here = fieldValue(value, field);
      const mask = (1n << BigInt(field.high - field.low + 1)) - 1n;
      return {
        name: field.name,
        value: format.letter === null && here < 10n ? here.toString() : `0x${here.toString(16)}`,
        type: `${field.low === field.high ? `bit ${field.low}` : `bits ${field.high}:${field.low}`}: ${field.meaning}`,
        evaluateName: `($${register.name} >> ${field.low}) & 0x${mask.toString(16)}`,
        assign: access.isWritable(register)
          ? (text) => {
              const replacement = toInteger(evaluateText(text, access.names, { assignments: false }).value);
              if (replacement < 0n || replacement > mask)
                throw registerRefused(
                  `${register.name}.${field.name}`,
                  `it has ${field.high - field.low + 1} bits`,
                );
              register.write(access.core, withField(register.read(access.core), field, replacement));
            }
          : undefined,
      };
    });
  });
}

/** A segment register: the selector, and the hidden part that the processor uses. */
export function segmentNode(access: RegisterAccess, n: SegmentNumber, format: Format): Node {
  const { core } = access;
  const name = SEGMENT_NAMES[n];
  const { base, limit, attributes, selector } = core.segment(n);
  const register = (suffix: string): Register =>
    REGISTERS.find((candidate) => candidate.name === `${name}${suffix}`)!;
  const attributesNode: Node = {
    name: "attributes",
    value: `0x${attributes.toString(16)} (${segmentKind(attributes)})`,
    children: fixed(() =>
      ATTRIBUTE_FIELDS.map((field) => ({
        name: field.name,
        value: fieldValue(BigInt(attributes), field).toString(),
        type: field.meaning,
      })),
    ),
  };
  return {
    name,
    value: `0x${selector.toString(16).padStart(4, "0")} ${segmentKind(attributes)}, base 0x${base.toString(16)}, limit 0x${limit.toString(16)}`,
    evaluateName: `$${name}`,
    assign: access.isWritable(register(""))
      ? (text) => register("").write(core, parsed(text, register(""), access.names))
      : undefined,
    children: fixed(() => [
      { ...registerNode(access, register(""), format), name: "selector" },
      { ...registerNode(access, register("_base"), format), name: "base" },
      { name: "limit", value: `0x${limit.toString(16)}` },
      attributesNode,
    ]),
  };
}
