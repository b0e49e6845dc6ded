/**
 * DWARF expressions (DWARF 5 §2.5, §2.6): small programs that compute where a value is.
 *
 * A damaged or hostile expression ends with a reason: steps, stack and nesting are bounded, and every operand is checked.
 * Elsewhere: which expression applies at an address (`location-list.ts`), arithmetic on typed values (`stack-value.ts`).
 */
import { SymbolError } from "../error.ts";
import type { FrameContext, Location, Piece } from "../model.ts";
import { memoryReader, Section, type Cursor } from "../reader.ts";
import { AT, ATE } from "./constants.ts";
import {
  binary,
  compare,
  convert,
  fromBits,
  GENERIC,
  type StackType,
  type StackValue,
  unary,
} from "./stack-value.ts";
import type { Unit } from "./unit.ts";

export interface Environment {
  /** The unit the expression is from; null for one from call frame information, which can name nothing outside itself. */
  readonly unit: Unit | null;
  readonly is64: boolean;
  /** Added to addresses in the file. */
  readonly bias: bigint;
  readonly frame: FrameContext;
  /** Value of the function's frame base, or why there is none. */
  readonly frameBase?: () => bigint | Failure;
  readonly cfa?: () => bigint | Failure;
  /** What the object is whose member, bound or location is computed. */
  readonly objectAddress?: bigint;
  /** What an expression had as its value when the function was entered. */
  readonly entryValue?: (expression: Uint8Array) => bigint | Failure;
  /** On the stack before the first operation. */
  readonly initial?: readonly bigint[];
}

/** Why something cannot be computed. */
export class Failure {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

const STEPS_MAX = 10_000;
const STACK_MAX = 256;
const CALLS_MAX = 16;

/** Where the expression says the value is. Never throws. */
export function locate(expression: Uint8Array, environment: Environment): Location {
  try {
    return new Evaluator(environment).location(expression);
  } catch (error) {
    if (error instanceof Stop) return { kind: "unavailable", reason: error.reason };
    if (error instanceof SymbolError) return { kind: "unavailable", reason: error.message };
    throw error;
  }
}

/** The number an expression computes, as frame bases and call frame rules need it. Never throws. */
export function compute(expression: Uint8Array, environment: Environment): bigint | Failure {
  const location = locate(expression, environment);
  switch (location.kind) {
    case "memory":
      return location.address;
    case "register": {
      // A frame base that is "in a register" means the register's value.
      const value = environment.frame.registers.get(location.register);
      return value ?? new Failure(`register ${location.register} is not known in this frame`);
    }
    case "value":
      return fromLittleEndian(location.bytes);
    case "pieces":
      return new Failure("the expression names several places");
    case "unavailable":
      return new Failure(location.reason);
  }
}

export function fromLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

export function toLittleEndian(value: bigint, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let rest = BigInt.asUintN(sizeBytes * 8, value);
  for (let i = 0; i < sizeBytes; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Ends an evaluation from any depth. */
class Stop extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

function value<T>(result: T | Failure): T {
  if (result instanceof Failure) throw new Stop(result.reason);
  return result;
}

class Evaluator {
  readonly #environment: Environment;
  readonly #stack: StackValue[] = [];
  readonly #addressBytes: number;
  #steps = 0;
  /** Set by operations that name a place without computing an address. */
  #place: Location | undefined;
  readonly #pieces: Piece[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#addressBytes = environment.unit?.addressSize ?? (environment.is64 ? 8 : 4);
    for (const each of environment.initial ?? []) this.#push(each);
  }

  location(expression: Uint8Array): Location {
    if (expression.length === 0) return { kind: "unavailable", reason: "optimized out" };
    this.#run(expression, 0);
    if (this.#pieces.length > 0) return { kind: "pieces", pieces: this.#pieces };
    return this.#current();
  }

  /** The place described by what was executed since the last piece. */
  #current(): Location {
    const place = this.#place;
    if (place) return place;
    return this.#stack.length === 0 ? OPTIMIZED_OUT : { kind: "memory", address: this.#pop().bits };
  }

  #push(bits: bigint, type: StackType = GENERIC): void {
    this.#pushValue(fromBits(bits, type === GENERIC ? { ...GENERIC, sizeBytes: this.#addressBytes } : type));
  }

  #pushValue(item: StackValue): void {
    if (this.#stack.length >= STACK_MAX) throw new Stop("the expression overflows its stack");
    this.#stack.push(item);
  }

  #pop(): StackValue {
    const item = this.#stack.pop();
    if (!item) throw new Stop("the expression takes more from its stack than there is");
    return item;
  }

  #pick(index: number): StackValue {
    const item = this.#stack.at(-1 - index);
    if (!item) throw new Stop("the expression takes more from its stack than there is");
    return item;
  }

  #register(number: number): bigint {
    const contents = this.#environment.frame.registers.get(number);
    if (contents === undefined) throw new Stop(`register ${number} is not known in this frame`);
    return contents;
  }

  #load(address: bigint, sizeBytes: number): bigint {
    if (sizeBytes > 16) throw new Stop(`the expression loads ${sizeBytes} bytes`);
    const bytes = this.#environment.frame.readMemory(address, sizeBytes);
    if (!bytes) throw new Stop(`no memory at 0x${address.toString(16)}`);
    return fromLittleEndian(bytes);
  }

  #unit(): Unit {
    const { unit } = this.#environment;
    if (!unit) throw new Stop("the expression refers to a unit it does not have");
    return unit;
  }

  /** The base type at an offset from the unit's start; 0 is the generic type. */
  #type(offset: number): StackType {
    if (offset === 0) return { ...GENERIC, sizeBytes: this.#addressBytes };
    const unit = this.#unit();
    const entry = unit.entry(unit.offset + offset);
    const encoding = entry.number(AT.encoding) ?? 0;
    const sizeBytes = entry.number(AT.byte_size) ?? 0;
    if (sizeBytes < 1 || sizeBytes > 16) throw new Stop(`the expression uses a type of ${sizeBytes} bytes`);
    const isFloat = encoding === ATE.float;
    if (isFloat && sizeBytes !== 4 && sizeBytes !== 8)
      throw new Stop("the expression computes in extended precision");
    return {
      sizeBytes,
      encoding: isFloat
        ? "float"
        : encoding === ATE.signed || encoding === ATE.signed_char
          ? "signed"
          : "unsigned",
    };
  }

  #run(expression: Uint8Array, calls: number): void {
    if (calls > CALLS_MAX) throw new Stop("expressions call each other too deeply");
    const reader = memoryReader(expression);
    const cursor = new Section({
      file: "",
      name: "DWARF expression",
      size: expression.length,
      address: 0n,
      fileOffset: -1,
      load: (offset, length) => reader.read(offset, length),
    }).cursor();
    while (!cursor.done) {
      if (++this.#steps > STEPS_MAX) throw new Stop("the expression does not end");
      const opcode = cursor.u8();
      if (opcode >= 0x30 && opcode <= 0x4f) this.#push(BigInt(opcode - 0x30));
      else if (opcode >= 0x50 && opcode <= 0x6f)
        this.#place = { kind: "register", register: opcode - 0x50, byteOffset: 0 };
      else if (opcode >= 0x70 && opcode <= 0x8f) this.#push(this.#register(opcode - 0x70) + cursor.sleb64());
      else this.#operate(opcode, cursor, calls);
    }
  }

  #operate(opcode: number, cursor: Cursor, calls: number): void {
    const environment = this.#environment;
    switch (opcode) {
      case 0x03: // addr
        this.#push(cursor.unsigned(this.#addressBytes) + environment.bias);
        return;
      case 0x06: // deref
        this.#push(this.#load(this.#pop().bits, this.#addressBytes));
        return;
      case 0x08: // const1u
        this.#push(BigInt(cursor.u8()));
        return;
      case 0x09: // const1s
        this.#push(BigInt(cursor.s8()));
        return;
      case 0x0a: // const2u
        this.#push(BigInt(cursor.u16()));
        return;
      case 0x0b: // const2s
        this.#push(cursor.signed(2));
        return;
      case 0x0c: // const4u
        this.#push(BigInt(cursor.u32()));
        return;
      case 0x0d: // const4s
        this.#push(cursor.signed(4));
        return;
      case 0x0e: // const8u
      case 0x0f: // const8s
        this.#push(cursor.u64());
        return;
      case 0x10: // constu
        this.#push(cursor.uleb64());
        return;
      case 0x11: // consts
        this.#push(cursor.sleb64());
        return;
      case 0x12: // dup
        this.#pushValue(this.#pick(0));
        return;
      case 0x13: // drop
        this.#pop();
        return;
      case 0x14: // over
        this.#pushValue(this.#pick(1));
        return;
      case 0x15: // pick
        this.#pushValue(this.#pick(cursor.u8()));
        return;
      case 0x16: {
        // swap
        const top = this.#pop();
        const below = this.#pop();
        this.#pushValue(top);
        this.#pushValue(below);
        return;
      }
      case 0x17: {
        // rot
        const first = this.#pop();
        const second = this.#pop();
        const third = this.#pop();
        this.#pushValue(first);
        this.#pushValue(third);
        this.#pushValue(second);
        return;
      }
      case 0x19: // abs
      case 0x1f: // neg
      case 0x20: // not
        this.#pushValue(unary(opcode === 0x19 ? "abs" : opcode === 0x1f ? "neg" : "not", this.#pop()));
        return;
      case 0x23: // plus_uconst
        this.#plus(cursor.uleb64());
        return;
      case 0x28: {
        // bra
        const distance = Number(cursor.signed(2));
        if (this.#pop().bits !== 0n) cursor.position = cursor.position + distance;
        return;
      }
      case 0x2f: {
        // skip
        const distance = Number(cursor.signed(2));
        cursor.position = cursor.position + distance;
        return;
      }
      case 0x90: // regx
        this.#place = { kind: "register", register: cursor.uleb(), byteOffset: 0 };
        return;
      case 0x91: {
        // fbreg
        const offset = cursor.sleb64();
        if (!environment.frameBase) throw new Stop("there is no frame base here");
        this.#push(value(environment.frameBase()) + offset);
        return;
      }
      case 0x92: {
        // bregx
        const register = cursor.uleb();
        this.#push(this.#register(register) + cursor.sleb64());
        return;
      }
      case 0x93: // piece
        this.#piece(cursor.uleb() * 8, 0);
        return;
      case 0x94: {
        // deref_size
        const size = cursor.u8();
        this.#push(this.#load(this.#pop().bits, size));
        return;
      }
      case 0x96: // nop
      case 0xf0: // GNU_uninit
        return;
      case 0x97: // push_object_address
        if (environment.objectAddress === undefined)
          throw new Stop("the expression needs the address of an object");
        this.#push(environment.objectAddress);
        return;
      case 0x98: // call2
      case 0x99: // call4
      case 0x9a: {
        // call_ref
        const unit = this.#unit();
        const entry =
          opcode === 0x9a
            ? unit.context.entryAt(cursor.offset(unit.is64))
            : unit.entry(unit.offset + (opcode === 0x98 ? cursor.u16() : cursor.u32()));
        const called = entry.block(AT.location);
        if (called) this.#run(called, calls + 1);
        return;
      }
      case 0x9b: // form_tls_address
      case 0xe0: // GNU_push_tls_address
        throw new Stop("thread-local variables have no address on a bare machine");
      case 0x9c: // call_frame_cfa
        if (!environment.cfa) throw new Stop("the canonical frame address is not known");
        this.#push(value(environment.cfa()));
        return;
      case 0x9d: {
        // bit_piece
        const size = cursor.uleb();
        this.#piece(size, cursor.uleb());
        return;
      }
      case 0x9e: // implicit_value
        this.#place = { kind: "value", bytes: cursor.bytes(cursor.uleb()).slice() };
        return;
      case 0x9f: {
        // stack_value
        const top = this.#pop();
        this.#place = { kind: "value", bytes: toLittleEndian(top.bits, top.type.sizeBytes) };
        return;
      }
      case 0xa0: // implicit_pointer
      case 0xf2: {
        // GNU_implicit_pointer
        const unit = this.#unit();
        cursor.offset(unit.is64);
        cursor.skipLeb();
        this.#place = {
          kind: "unavailable",
          reason: "optimized out (a pointer to something that is in no memory)",
        };
        return;
      }
      case 0xa1: // addrx
      case 0xfb: // GNU_addr_index
        this.#push(this.#unit().addressAt(cursor.uleb()) + environment.bias);
        return;
      case 0xa2: // constx
      case 0xfc: // GNU_const_index
        this.#push(this.#unit().addressAt(cursor.uleb()));
        return;
      case 0xa3: // entry_value
      case 0xf3: {
        // GNU_entry_value
        const inner = cursor.bytes(cursor.uleb());
        if (!environment.entryValue)
          throw new Stop("optimized out (known only when the function was entered)");
        this.#push(value(environment.entryValue(inner)));
        return;
      }
      case 0xa4: // const_type
      case 0xf4: {
        const type = this.#type(cursor.uleb());
        this.#push(fromLittleEndian(cursor.bytes(cursor.u8())), type);
        return;
      }
      case 0xa5: // regval_type
      case 0xf5: {
        const register = cursor.uleb();
        this.#push(this.#register(register), this.#type(cursor.uleb()));
        return;
      }
      case 0xa6: // deref_type
      case 0xf6: {
        const size = cursor.u8();
        const type = this.#type(cursor.uleb());
        this.#push(this.#load(this.#pop().bits, size), type);
        return;
      }
      case 0xa8: // convert
      case 0xf7:
        this.#pushValue(convert(this.#pop(), this.#type(cursor.uleb())));
        return;
      case 0xa9: // reinterpret
      case 0xf9: {
        const type = this.#type(cursor.uleb());
        this.#push(this.#pop().bits, type);
        return;
      }
      case 0xfa: // GNU_parameter_ref
      case 0xfd: // GNU_variable_value
        throw new Stop("optimized out (refers to another variable's value)");
      case 0x18: // xderef
      case 0x95: // xderef_size
      case 0xa7: // xderef_type
        throw new Stop("the expression uses another address space");
      default:
        this.#binary(opcode);
    }
  }

  #binary(opcode: number): void {
    const operation = BINARY[opcode];
    const comparison = COMPARISON[opcode];
    if (operation === undefined && comparison === undefined)
      throw new Stop(`DWARF operation 0x${opcode.toString(16)} is not known`);
    const right = this.#pop();
    const left = this.#pop();
    if (comparison !== undefined) {
      this.#push(compare(comparison, left, right) ? 1n : 0n);
      return;
    }
    this.#pushValue(value(resultOr(binary(operation!, left, right))));
  }

  #plus(constant: bigint): void {
    const top = this.#pop();
    if (top.type.encoding === "float") throw new Stop("an address computed from a floating-point number");
    this.#push(top.bits + constant, top.type);
  }

  #piece(sizeBits: number, offsetBits: number): void {
    if (this.#pieces.length >= 1024 || !Number.isSafeInteger(sizeBits + offsetBits))
      throw new Stop("too many or too large pieces");
    this.#pieces.push({ location: this.#current(), sizeBits, offsetBits });
    this.#place = undefined;
  }
}

const resultOr = (result: StackValue | string): StackValue | Failure =>
  typeof result === "string" ? new Failure(result) : result;

const OPTIMIZED_OUT: Location = { kind: "unavailable", reason: "optimized out" };

const BINARY: Readonly<Record<number, Parameters<typeof binary>[0]>> = {
  0x1a: "and",
  0x1b: "div",
  0x1c: "minus",
  0x1d: "mod",
  0x1e: "mul",
  0x21: "or",
  0x22: "plus",
  0x24: "shl",
  0x25: "shr",
  0x26: "shra",
  0x27: "xor",
};
const COMPARISON: Readonly<Record<number, Parameters<typeof compare>[0]>> = {
  0x29: "eq",
  0x2a: "ge",
  0x2b: "gt",
  0x2c: "le",
  0x2d: "lt",
  0x2e: "ne",
};
