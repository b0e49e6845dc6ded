/**
 * What names mean in a frame: its blocks' variables, its function's parameters, the file's and the program's globals, functions and symbols,
 * types, registers.
 *
 * Elsewhere: the language (`expressions/`), where variables are (`symbols/`).
 */
import type { Core } from "../../emulator/index.ts";
import { optimisedOut } from "../errors.ts";
import { memoryValue, type Names, type Value } from "../expressions/index.ts";
import { GuestSpace } from "../memory/space.ts";
import { codeBits, findRegister, type Register } from "../registers/index.ts";
import {
  convention,
  readLocation,
  REGISTER_NAMES,
  type FrameContext,
  type Location,
  type SymbolTable,
  type Type,
  type Variable,
} from "../symbols/index.ts";
import { describeAddress, topFrame, type Frame } from "./frame.ts";

/** The value of a variable in a frame. Throws `optimisedOut`. */
export function variableValue(frame: Frame, variable: Variable): Value {
  const { context } = frame.physical;
  return locatedValue(frame, variable.name, variable.type, variable.locate(context), context);
}

function locatedValue(
  frame: Frame,
  name: string,
  type: Type | null,
  location: Location,
  context: FrameContext,
): Value {
  switch (location.kind) {
    case "memory":
      return memoryValue(frame.space, type, { space: "linear", offset: location.address }, context);
    case "register": {
      const registerName = REGISTER_NAMES[frame.architecture][location.register] ?? "";
      const register = findRegister(registerName);
      const size = Math.max(1, type?.sizeBytes ?? 1);
      if (register !== null && frame.isTop) {
        const bytes = (): Uint8Array => {
          const value = register.read(frame.core) >> BigInt(location.byteOffset * 8);
          return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn));
        };
        return {
          type,
          place: { kind: "register", register, byteOffset: location.byteOffset },
          bitField: null,
          points: "linear",
          bytes,
          frame: context,
        };
      }
      break;
    }
    case "unavailable":
      throw optimisedOut(name, location.reason);
    case "value":
    case "pieces":
      break;
  }
  const sizeBytes = Math.max(1, type?.sizeBytes ?? 1);
  const read = readLocation(location, sizeBytes, context);
  if (typeof read === "string") throw optimisedOut(name, read);
  return {
    type,
    place: { kind: "none", why: `"${name}" is not in one place that could be written here.` },
    bitField: null,
    points: "linear",
    bytes: () => read,
    frame: context,
  };
}

/** Variables of a frame that are in scope, innermost block first; an inner one hides an outer one of its name. */
export function variablesOf(frame: Frame): readonly Variable[] {
  const found = new Map<string, Variable>();
  for (const scope of frame.symbols?.scopes() ?? []) {
    for (const variable of scope.variables)
      if (variable.name !== "" && !found.has(variable.name)) found.set(variable.name, variable);
  }
  return [...found.values()];
}

export function frameNames(
  frame: Frame,
  table: SymbolTable,
  convenience?: ReadonlyMap<string, Value>,
): Names {
  const near = frame.physical.address;
  const find = (name: string): Variable | null =>
    variablesOf(frame).find((variable) => variable.name === name) ??
    table.globalsNamed(name, near)[0] ??
    null;
  return {
    space: frame.space,
    addressBytes: frame.architecture === "x86-64" ? 8 : 4,
    variable(name) {
      const variable = find(name);
      return variable === null ? null : variableValue(frame, variable);
    },
    isVariable: (name) => find(name) !== null,
    symbol(name) {
      const [fun] = table.functionsNamed(name, false);
      if (fun !== undefined && fun.origin === "dwarf") return { address: fun.low, type: fun.type };
      const [symbol] = table.symbolsNamed(name);
      if (symbol !== undefined) return { address: symbol.address, type: null };
      const [late] = table.functionsNamed(name);
      return late === undefined ? null : { address: late.low, type: late.type };
    },
    type: (words) => table.typeNamed(words, near),
    register: (name) => frameRegister(frame, name),
    describe: (address) => describeAddress(table, address),
    ...(convenience === undefined ? {} : { convenience }),
  };
}

/**
 * Names at a CPU's current instruction, for conditions, which may be asked a hundred thousand times: the frame is found only if a name needs one,
 * and registers do not.
 */
export function currentNames(
  core: Core,
  table: SymbolTable,
  convenience?: ReadonlyMap<string, Value>,
): Names {
  let names: Names | null = null;
  const inFrame = (): Names => {
    return (names ??= frameNames(topFrame(core, table), table));
  };
  return {
    space: new GuestSpace(core),
    addressBytes: codeBits(core) === 64 ? 8 : 4,
    variable: (name) => inFrame().variable(name),
    isVariable: (name) => inFrame().isVariable(name),
    symbol: (name) => inFrame().symbol(name),
    type: (words) => inFrame().type(words),
    register(name) {
      const register = findRegister(name);
      return register === null ? null : { register, value: register.read(core), writable: true };
    },
    describe: (address) => describeAddress(table, address),
    ...(convenience === undefined ? {} : { convenience }),
  };
}

/** A register as it is in a frame: the CPU's own in the innermost, else what unwinding knows of it. */
export function frameRegister(
  frame: Frame,
  name: string,
): { register: Register; value: bigint; writable: boolean } | null {
  const register = findRegister(name);
  if (register === null) return null;
  if (frame.isTop) return { register, value: register.read(frame.core), writable: true };
  const { instructionPointer } = convention(frame.architecture);
  const list = REGISTER_NAMES[frame.architecture];
  const known = frame.physical.context.registers;
  if (/^[re]?ip$|^pc$/.test(register.name))
    return { register, value: known.get(instructionPointer) ?? frame.pc, writable: false };
  const wide = list.indexOf(register.name);
  if (wide >= 0) {
    const value = known.get(wide);
    if (value === undefined) throw optimisedOut(name, "the called function may have overwritten it");
    return { register, value, writable: false };
  }
  // Parts of general registers; whatever unwinding does not follow (segments, control registers) is the CPU's.
  const whole = /^(?:[re]?[abcds][xp]|[re]?[sd]i|[re]?[sb]p|[abcd][lh]|[sd]il|[sb]pl|r\d+[dwb]?)$/.test(
    register.name,
  );
  if (!whole) return { register, value: register.read(frame.core), writable: true };
  for (const [number, candidate] of list.entries()) {
    const value = known.get(number);
    const part = candidate === "" ? null : partOf(candidate, register.name, value);
    if (part !== null) return { register, value: part, writable: false };
  }
  throw optimisedOut(name, "the called function may have overwritten it");
}

/** `part` ("eax", "ah") of the register `whole` ("rax"), from its value. */
function partOf(whole: string, part: string, value: bigint | undefined): bigint | null {
  if (value === undefined) return null;
  const letter = /^[re]?(.)[x]$/.exec(whole)?.[1];
  const stem = /^r\d+$/.test(whole) ? whole : whole.replace(/^[re]/, "");
  if (part === `e${stem}` || part === `${stem}d`) return value & 0xffff_ffffn;
  if (part === stem || part === `${stem}w`) return value & 0xffffn;
  if (part === `${letter}l` || part === `${stem}l` || part === `${stem}b`) return value & 0xffn;
  return part === `${letter}h` ? (value >> 8n) & 0xffn : null;
}
