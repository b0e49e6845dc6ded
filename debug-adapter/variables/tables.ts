/** GDT, LDT, IDT (or IVT) and TSS as nodes: each entry decoded, read from guest memory when it is looked at. */
import { MODE, SEG, type Core } from "../../emulator/index.ts";
import { evaluateText, toInteger, type Format } from "../expressions/index.ts";
import { formatReference, GuestSpace, littleEndianBytes } from "../memory/space.ts";
import { decodeDescriptor, decodeGate, isWide, REGISTERS } from "../registers/index.ts";
import { vectorNamed } from "../exceptions/vector.ts";
import { fixed, type Container, type Node } from "./node.ts";
import { registerNode, segmentNode, type RegisterAccess } from "./registers.ts";

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** The group of tables in the Registers scope. */
export const tablesNode = (access: RegisterAccess): Node => ({
  name: "Tables",
  value: `gdt ${hex(access.core.gdtr.base)}, idt ${hex(access.core.idtr.base)}`,
  children: descriptorTables(access),
  kind: "virtual",
});

function descriptorTables(access: RegisterAccess): Container {
  const { core } = access;
  return fixed((format) => {
    const isProtected = (core.mode & MODE.protected) !== 0;
    const ldt = { base: core.segmentBase(SEG.ldtr), limit: core.segmentLimit(SEG.ldtr) };
    return [
      tableNode(access, "gdtr", "GDT", core.gdtr, format, () => descriptors(core, core.gdtr)),
      isProtected
        ? tableNode(access, "idtr", "IDT", core.idtr, format, () => gates(access))
        : tableNode(access, "idtr", "IVT", core.idtr, format, () => realVectors(core)),
      { ...segmentNode(access, SEG.ldtr, format), name: "ldtr" },
      ...(isProtected && core.selector(SEG.ldtr) > 3
        ? [
            {
              name: "LDT",
              value: `${hex(ldt.base)}, limit ${hex(ldt.limit)}`,
              children: fixed(() => descriptors(core, ldt)),
            },
          ]
        : []),
      { ...segmentNode(access, SEG.tr, format), name: "tr" },
      ...(isProtected && core.selector(SEG.tr) > 3 ? [taskNode(access)] : []),
    ];
  });
}

function tableNode(
  access: RegisterAccess,
  register: "gdtr" | "idtr",
  name: string,
  { base, limit }: { readonly base: bigint; readonly limit: number },
  format: Format,
  entries: () => Node[],
): Node {
  const part = (suffix: string): Node =>
    registerNode(
      access,
      REGISTERS.find((candidate) => candidate.name === `${register}_${suffix}`)!,
      format,
    );
  return {
    name,
    value: `${hex(base)}, limit ${hex(limit)}`,
    memoryReference: formatReference({ space: "linear", offset: base }),
    children: fixed(() => [
      { ...part("base"), name: "base" },
      { ...part("limit"), name: "limit" },
      ...entries(),
    ]),
  };
}

/** 8-byte words of a table, as far as they can be read. */
function words(core: Core, base: bigint, limit: number): bigint[] {
  const { bytes } = new GuestSpace(core).readUpTo(
    { space: "linear", offset: base },
    Math.min(limit + 1, 65536),
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => view.getBigUint64(i * 8, true));
}

/** Entries of a GDT or LDT that are not null. */
function descriptors(core: Core, { base, limit }: { readonly base: bigint; readonly limit: number }): Node[] {
  const long = (core.mode & MODE.long) !== 0;
  const list = words(core, base, limit);
  const nodes: Node[] = [];
  for (let index = 0; index < list.length; index++) {
    const low = list[index]!;
    if (low === 0n) continue;
    const wide = isWide(low, long);
    const high = wide ? (list[index + 1] ?? 0n) : 0n;
    nodes.push({
      name: `[${index}] ${hex(index * 8)}`,
      value: decodeDescriptor(low, high, long).text,
      memoryReference: formatReference({ space: "linear", offset: base + BigInt(index * 8) }),
      place: { space: "linear", offset: base + BigInt(index * 8) },
      sizeBytes: wide ? 16 : 8,
    });
    if (wide) index++;
  }
  return nodes;
}

/** Entries of the IDT that are not empty. */
function gates({ core, names }: RegisterAccess): Node[] {
  const long = (core.mode & MODE.long) !== 0;
  const { base, limit } = core.idtr;
  const list = words(core, base, limit);
  const step = long ? 2 : 1;
  const nodes: Node[] = [];
  for (let vector = 0; vector < Math.min(256, list.length / step); vector++) {
    const low = list[vector * step]!;
    const high = long ? (list[vector * step + 1] ?? 0n) : 0n;
    if (low === 0n && high === 0n) continue;
    const gate = decodeGate(low, high, long);
    const label = gate.kind === "gate" ? names.describe(gate.offset) : null;
    nodes.push({
      name: `[${hex(vector)}]${vectorNamed(vector) === null ? "" : ` ${vectorNamed(vector)!.mnemonic}`}`,
      value: `${gate.text}${label === null ? "" : ` <${label}>`}`,
      memoryReference: formatReference({ space: "linear", offset: base + BigInt(vector * step * 8) }),
      place: { space: "linear", offset: base + BigInt(vector * step * 8) },
      sizeBytes: step * 8,
      code: gate.kind === "gate" ? gate.offset : undefined,
    });
  }
  return nodes;
}

function realVectors(core: Core): Node[] {
  const { base, limit } = core.idtr;
  const { bytes } = new GuestSpace(core).readUpTo(
    { space: "linear", offset: base },
    Math.min(limit + 1, 1024),
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, vector) => ({
    name: `[${hex(vector)}]`,
    value: `${hex(view.getUint16(vector * 4 + 2, true))}:${hex(view.getUint16(vector * 4, true))}`,
  }));
}

/** The task-state segment in use (SDM 3A figures 8-2, 8-11). */
function taskNode({ core, names }: RegisterAccess): Node {
  const long = (core.mode & MODE.long) !== 0;
  const base = core.segmentBase(SEG.tr);
  const space = new GuestSpace(core);
  const read = (offset: number, size: number): bigint | null => {
    const { bytes } = space.readUpTo({ space: "linear", offset: base + BigInt(offset) }, size);
    if (bytes.length < size) return null;
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  const field = (name: string, offset: number, size: number): Node => {
    const value = read(offset, size);
    return {
      name,
      value: value === null ? "<unreadable>" : hex(value),
      memoryReference: formatReference({ space: "linear", offset: base + BigInt(offset) }),
      place: { space: "linear", offset: base + BigInt(offset) },
      sizeBytes: size,
      assign(text) {
        const number = toInteger(evaluateText(text, names, { assignments: false }).value);
        space.write({ space: "linear", offset: base + BigInt(offset) }, littleEndianBytes(number, size));
      },
    };
  };
  const fields = (): Node[] =>
    long
      ? [
          ...[0, 1, 2].map((n) => field(`rsp${n}`, 4 + n * 8, 8)),
          ...[1, 2, 3, 4, 5, 6, 7].map((n) => field(`ist${n}`, 0x24 + (n - 1) * 8, 8)),
          field("iomap_base", 0x66, 2),
        ]
      : [
          ...[0, 1, 2].flatMap((n) => [field(`esp${n}`, 4 + n * 8, 4), field(`ss${n}`, 8 + n * 8, 2)]),
          field("cr3", 0x1c, 4),
          field("eip", 0x20, 4),
          field("eflags", 0x24, 4),
          field("iomap_base", 0x66, 2),
        ];
  return {
    name: "TSS",
    value: `${long ? "64" : "32"}-bit, ${hex(base)}, limit ${hex(core.segmentLimit(SEG.tr))}`,
    memoryReference: formatReference({ space: "linear", offset: base }),
    children: fixed(fields),
  };
}
