/** The variables of an interrupted function by address: "numbers[3]", "point.x". */
import type { Core } from "../../emulator/index.ts";
import { GuestSpace } from "../memory/space.ts";
import { reader, topRegisters, type Frame } from "../stack/frame.ts";
import { variablesOf } from "../stack/names.ts";
import {
  childrenOf,
  convention,
  stripType,
  type Location,
  type SymbolTable,
  type Type,
} from "../symbols/index.ts";

const DEEPEST = 8;
/** A larger array is not looked through. */
const MOST_PARTS = 64;

interface Local {
  readonly name: string;
  readonly type: Type | null;
  readonly address: bigint;
  readonly frame: Frame;
}

export class Locals {
  readonly #locals: readonly Local[];

  /** @param rip where the function stands, with its stack pointer; its other registers are the CPU's */
  constructor(core: Core, table: SymbolTable, rip: bigint, rsp: bigint) {
    const space = new GuestSpace(core);
    const names = convention("x86-64");
    const registers = topRegisters(core);
    registers.set(names.instructionPointer, rip);
    registers.set(names.stackPointer, rsp);
    const { value: physical } = table.walk("x86-64", registers, reader(space)).next();
    const locals: Local[] = [];
    if (physical !== undefined && "functions" in physical)
      for (const symbols of physical.functions) {
        const frame: Frame = {
          core,
          space,
          index: 0,
          bits: 64,
          architecture: "x86-64",
          pc: rip,
          physical,
          symbols,
          isTop: false,
        };
        for (const variable of variablesOf(frame)) {
          const { name, type } = variable;
          const location = variable.locate(physical.context);
          if (location.kind === "memory") locals.push({ name, type, address: location.address, frame });
        }
      }
    this.#locals = locals;
  }

  /** What lies at an address; null if that is no variable. */
  at(address: bigint): string | null {
    for (const { name, type, address: low, frame } of this.#locals) {
      const size = BigInt(type?.sizeBytes ?? 0);
      if (address < low || address >= low + size) continue;
      return name + path(type, { kind: "memory", address: low }, address, frame, 0);
    }
    return null;
  }

  /** All that lies in a range, lowest first. */
  within(address: bigint, sizeBytes: number): readonly string[] {
    const names = new Set<string>();
    for (let n = 0; n < sizeBytes; n++) {
      const name = this.at(address + BigInt(n));
      if (name !== null) names.add(name);
    }
    return [...names];
  }
}

/** The way from a variable to the part of it at an address. */
function path(type: Type | null, location: Location, address: bigint, frame: Frame, depth: number): string {
  const plain = stripType(type);
  if (plain === null || plain.kind === "pointer" || depth > DEEPEST) return "";
  for (const part of childrenOf(plain, location, frame.physical.context, 0, MOST_PARTS)) {
    const at = part.location;
    if (at.kind !== "memory" || address < at.address) continue;
    if (address >= at.address + BigInt(part.type?.sizeBytes ?? 0)) continue;
    const name = part.kind === "element" ? part.name : part.name === "" ? "" : `.${part.name}`;
    return name + path(part.type, at, address, frame, depth + 1);
  }
  return "";
}
