/**
 * One place in all its spaces: linear, guest-physical, `ram_addr_t`, RAMBlock and offset, region and offset, symbol.
 *
 * A bare number has several readings, and all of them are answered, the ones that lead to memory first.
 * Elsewhere: who answers at an address and why (`resolution.ts`).
 */
import type { FlatRange, Machine, MemoryRegion, RamBlock } from "../../emulator/index.ts";
import type { ConversionBody, ConvertBody } from "../../media/protocol.ts";
import { AdapterError } from "../errors.ts";
import { bare, evaluateText, numeric, toInteger, type Names } from "../expressions/index.ts";
import { LARGEST, type GuestSpace } from "../memory/space.ts";
import { hex } from "./region-tree.ts";
import { regionKind, resolve } from "./resolution.ts";
import type { LinearAddresses } from "./reverse.ts";

const LINEAR_SHOWN = 8;
/** Longer than any mangled name. */
const LONGEST = 4096;
const READINGS = { linear: "linear", physical: "guest-physical", ram: "ram_addr_t" } as const;

export interface Converter {
  readonly machine: Machine;
  readonly space: GuestSpace;
  readonly names: Names;
  readonly linearAddresses: LinearAddresses;
}

type Mutable = { -readonly [Key in keyof ConversionBody]: ConversionBody[Key] };

/** What a text stands for. Never throws for what a user can type. */
export function convert(converter: Converter, text: string): ConvertBody {
  const trimmed = text.trim();
  if (trimmed === "") return { readings: [], note: "Type an address, a symbol, or a block and an offset." };
  if (trimmed.length > LONGEST) return { readings: [], note: "That is too long for an address." };
  try {
    return { readings: readings(converter, trimmed), note: null };
  } catch (error) {
    if (error instanceof AdapterError) return { readings: [], note: error.message };
    throw error;
  }
}

function readings(converter: Converter, text: string): ConversionBody[] {
  const port = /^(?:port|io)[\s:]+(.+)$/i.exec(text)?.[1];
  if (port !== undefined) return [fromPort(converter, Number(integer(converter, port)))];
  const number = /^(?:0x[0-9a-f_]+|\d+)$/i.test(text) ? BigInt(text.replaceAll("_", "")) : null;
  if (number !== null) {
    const all = [fromLinear(converter, number, "linear")];
    if (number <= LARGEST.physical) {
      all.push(fromPhysical(converter, Number(number), "guest-physical"));
      all.push(fromRam(converter, Number(number), "ram_addr_t"));
    }
    return all.toSorted((a, b) => Number(a.note !== null) - Number(b.note !== null));
  }
  return [fromBlock(converter, text) ?? fromSymbol(converter, text) ?? fromExpression(converter, text)];
}

function integer({ names }: Converter, text: string): bigint {
  return toInteger(evaluateText(text, names, { assignments: false }).value);
}

const nothing = (reading: string, kind: ConversionBody["kind"], place: ConversionBody["place"]): Mutable => ({
  reading,
  kind,
  linear: [],
  more: false,
  physical: [],
  ram: null,
  block: null,
  region: null,
  note: null,
  place,
});

export function fromLinear(
  converter: Converter,
  linear: bigint,
  reading: string,
  kind: ConversionBody["kind"] = "linear",
): ConversionBody {
  const result = nothing(reading, kind, { space: "linear", offset: hex(linear) });
  result.linear = [shown(converter, linear)];
  const physical = converter.space.translate(linear);
  if (typeof physical === "string") {
    result.note = `Not mapped: ${physical}.`;
    return result;
  }
  complete(converter, result, physical, linear);
  return result;
}

export function fromPhysical(
  converter: Converter,
  physical: number,
  reading: string,
  kind: ConversionBody["kind"] = "physical",
): ConversionBody {
  const result = nothing(reading, kind, { space: "physical", offset: hex(physical) });
  complete(converter, result, physical, null);
  return result;
}

export function fromRam(
  converter: Converter,
  ram: number,
  reading: string,
  kind: ConversionBody["kind"] = "ram",
): ConversionBody {
  const result = nothing(reading, kind, { space: "ram", offset: hex(ram) });
  const { ramList, addressSpace } = converter.machine.memory;
  const block = ramList.blocks.find((each) => ram >= each.offset && ram - each.offset < each.usedLength);
  if (block === undefined) {
    result.note = "No RAMBlock has this ram_addr_t.";
    return result;
  }
  const [first] = seenAt(addressSpace.flatView.ranges, block, ram - block.offset);
  if (first === undefined) {
    fill(result, block, ram - block.offset);
    result.note = `No region shows this part of "${block.idstr}" to the guest.`;
    return result;
  }
  complete(converter, result, first, null);
  return result;
}

function fromPort(converter: Converter, port: number): ConversionBody {
  const result = nothing("I/O port", "io", { space: "io", offset: hex(port) });
  const { io } = converter.machine.addressSpaces;
  const range = io.find(port);
  if (range === null || range.region === io.root) result.note = "No device has this port: it reads all ones.";
  if (range !== null) result.region = regionOf(range, port);
  return result;
}

/** "pc.ram+0x1000", "hpet + 0x10": an offset in a RAMBlock or in a region of the memory or I/O space. */
function fromBlock(converter: Converter, text: string): ConversionBody | null {
  const match = /^(.+?)(?:\s*\+\s*(0x[0-9a-f]+|\d+))?$/i.exec(text);
  const name = match?.[1] ?? "";
  const offset = Number(match?.[2] ?? 0);
  const { memory, addressSpaces } = converter.machine;
  const block = memory.ramList.find(name);
  if (block !== undefined) {
    if (offset >= block.usedLength)
      return outside(name, block.usedLength, { space: "ram", offset: hex(block.offset + offset) });
    return fromRam(converter, block.offset + offset, `offset in RAMBlock "${name}"`, "block");
  }
  for (const space of [addressSpaces.memory, addressSpaces.io]) {
    const range = space.flatView.ranges.find(
      ({ region, offset: start, size }) => region.name === name && offset >= start && offset - start < size,
    );
    if (range === undefined) {
      const region = regionNamed(space.root, name);
      if (region === null) continue;
      const place = { space: "physical" as const, offset: "0x0" };
      if (offset >= region.size) return outside(name, region.size, place);
      // A container or an alias answers nothing itself: what is seen at its place does.
      const base = baseOf(region);
      if (base !== null && space === addressSpaces.memory)
        return fromPhysical(converter, base + offset, `offset in region "${name}"`, "region");
      const hidden = nothing(`offset in region "${name}"`, "region", place);
      hidden.region = { name, offset: hex(offset), kind: regionKind(region) };
      hidden.note = "This part of the region is not seen in the address space.";
      return hidden;
    }
    const at = range.start + offset - range.offset;
    if (space === addressSpaces.io) return fromPort(converter, at);
    return fromPhysical(converter, at, `offset in region "${name}"`, "region");
  }
  return null;
}

function outside(name: string, size: number, place: ConversionBody["place"]): ConversionBody {
  const result = nothing(`offset in "${name}"`, "region", place);
  result.note = `"${name}" has ${hex(BigInt(size))} bytes only.`;
  return result;
}

function regionNamed(root: MemoryRegion, name: string): MemoryRegion | null {
  if (root.name === name) return root;
  for (const sub of root.subregions) {
    const found = regionNamed(sub, name);
    if (found !== null) return found;
  }
  return null;
}

/** Where a region lies in its tree's root; null if it is in no container. */
function baseOf(region: MemoryRegion): number | null {
  let base = 0;
  for (let at: MemoryRegion | null = region; at !== null; at = at.container) base += at.address;
  return region.container === null ? null : base;
}

/** A name with an offset in bytes, whatever its type. */
function fromSymbol(converter: Converter, text: string): ConversionBody | null {
  const match = /^([\p{L}_.$][\p{L}\p{N}_.$:@]*)\s*(?:([+-])\s*(0x[0-9a-f]+|\d+))?$/iu.exec(text);
  const name = match?.[1] ?? "";
  if (name === "" || name.startsWith("$")) return null;
  const { names } = converter;
  const distance = BigInt(match?.[3] ?? 0) * (match?.[2] === "-" ? -1n : 1n);
  const symbol = names.symbol(name);
  let start = symbol?.address ?? null;
  let space: "linear" | "physical" = "linear";
  if (names.isVariable(name)) {
    const place = names.variable(name)?.place;
    if (place?.kind === "memory" && place.address.space !== "ram") {
      start = place.address.offset;
      space = place.address.space;
    }
  }
  if (start === null) return null;
  const at = BigInt.asUintN(64, start + distance);
  if (space === "physical") return fromPhysical(converter, Number(at), "symbol", "symbol");
  return fromLinear(converter, at, "symbol", "symbol");
}

/** A pointer or a number is the address it holds; anything else is where it lies. */
function fromExpression(converter: Converter, text: string): ConversionBody {
  const { value } = evaluateText(text, converter.names, { assignments: false });
  const kind = bare(value.type)?.kind;
  const isPlace = value.place.kind === "memory" && (numeric(value.type) === null || kind === "enum");
  const { space, offset } =
    isPlace && value.place.kind === "memory"
      ? value.place.address
      : { space: value.points, offset: BigInt.asUintN(64, toInteger(value)) };
  const reading = isPlace ? "where the value lies" : READINGS[space];
  if (space === "linear") return fromLinear(converter, offset, reading);
  if (space === "physical") return fromPhysical(converter, Number(offset), reading);
  return fromRam(converter, Number(offset), reading);
}

const shown = ({ names }: Converter, linear: bigint): ConversionBody["linear"][number] => ({
  address: hex(linear),
  symbol: names.describe(linear),
});

/** What follows from a guest-physical address. */
function complete(converter: Converter, result: Mutable, physical: number, linear: bigint | null): void {
  const { addressSpace } = converter.machine.memory;
  const range = addressSpace.find(physical);
  result.physical = [hex(physical)];
  if (range === null) {
    const { candidates } = resolve(addressSpace.root, physical);
    const inside = candidates.findLast(({ verdict }) => verdict === "empty")?.region.name ?? "";
    result.note = `Nobody answers at ${hex(physical)}: it is a hole in "${inside}".`;
  } else {
    result.region = regionOf(range, physical);
    if (range.block === null) result.note = `No RAM: registers of "${range.region.name}" answer.`;
    else {
      const offset = physical - range.start + range.offset;
      const others = seenAt(addressSpace.flatView.ranges, range.block, offset);
      result.physical = [physical, ...others.filter((at) => at !== physical)].map(hex);
      fill(result, range.block, offset);
    }
  }
  const found = converter.linearAddresses(physical, LINEAR_SHOWN + 1).filter((at) => at !== linear);
  const list = linear === null ? found : [linear, ...found];
  result.linear = list.slice(0, LINEAR_SHOWN).map((at) => shown(converter, at));
  result.more = list.length > LINEAR_SHOWN;
}

function fill(result: Mutable, block: RamBlock, offset: number): void {
  result.ram = hex(block.offset + offset);
  result.block = { idstr: block.idstr, offset: hex(offset) };
}

const regionOf = (range: FlatRange, address: number): ConversionBody["region"] => ({
  name: range.region.name,
  offset: hex(address - range.start + range.offset),
  kind: regionKind(range.region),
});

/** All guest-physical addresses of a byte of a block. */
function seenAt(ranges: readonly FlatRange[], block: RamBlock, offset: number): number[] {
  return ranges
    .filter((range) => range.block === block && offset >= range.offset && offset - range.offset < range.size)
    .map((range) => range.start + offset - range.offset);
}
