/**
 * Call frame information (`.debug_frame`, DWARF 5 §6.4; `.eh_frame`, LSB core "Exception Frames"): where a function's caller left
 * its registers, for every instruction.
 *
 * The first question makes an index of all descriptions; a description's program is run when an address in it is asked about.
 * Addresses are as linked.
 * Elsewhere: applying a row to registers and memory (`unwind.ts`).
 */
import { SymbolError } from "../error.ts";
import type { Architecture } from "../model.ts";
import type { Cursor, Section } from "../reader.ts";

export type Rule =
  /** At CFA + offset. */
  | { readonly kind: "offset"; readonly offset: bigint }
  /** The value itself is CFA + offset. */
  | { readonly kind: "value-offset"; readonly offset: bigint }
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "expression"; readonly expression: Uint8Array }
  | { readonly kind: "value-expression"; readonly expression: Uint8Array }
  | { readonly kind: "undefined" }
  | { readonly kind: "same" };

export type CfaRule =
  | { readonly kind: "register"; readonly register: number; readonly offset: bigint }
  | { readonly kind: "expression"; readonly expression: Uint8Array };

/** The rules at one address. */
export interface FrameRow {
  readonly cfa: CfaRule;
  readonly rules: ReadonlyMap<number, Rule>;
  /** Column of the return address. */
  readonly returnRegister: number;
  /** A frame the hardware or a signal made: what it interrupted was not at a call. */
  readonly isSignal: boolean;
  readonly architecture: Architecture;
  /** Of the whole description: normally one function. */
  readonly low: bigint;
  readonly high: bigint;
}

interface Common {
  readonly codeAlignment: bigint;
  readonly dataAlignment: bigint;
  readonly returnRegister: number;
  readonly addressSize: number;
  readonly pointerEncoding: number;
  readonly hasAugmentation: boolean;
  readonly isSignal: boolean;
  readonly start: number;
  readonly end: number;
}

interface Description {
  readonly low: bigint;
  readonly high: bigint;
  readonly common: Common;
  readonly section: Section;
  readonly start: number;
  readonly end: number;
}

const STATES_MAX = 64;
const OMIT = 0xff;

export class FrameInformation {
  readonly #debugFrame: () => Section | undefined;
  readonly #ehFrame: () => Section | undefined;
  readonly #is64: boolean;
  readonly #problem: (error: SymbolError) => void;
  readonly #hasCode: (address: bigint) => boolean;
  #descriptions: readonly Description[] | undefined;

  constructor(source: {
    readonly debugFrame: () => Section | undefined;
    readonly ehFrame: () => Section | undefined;
    readonly is64: boolean;
    readonly hasCode: (address: bigint) => boolean;
    readonly problem: (error: SymbolError) => void;
  }) {
    this.#debugFrame = source.debugFrame;
    this.#ehFrame = source.ehFrame;
    this.#is64 = source.is64;
    this.#hasCode = source.hasCode;
    this.#problem = source.problem;
  }

  /** The rules in force at `address`, null if nothing describes it. */
  at(address: bigint): FrameRow | null {
    this.#descriptions ??= this.#index();
    const list = this.#descriptions;
    let from = 0;
    let to = list.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (list[middle]!.low <= address) from = middle + 1;
      else to = middle;
    }
    const found = list[from - 1];
    if (!found || address >= found.high) return null;
    try {
      return new Program(found).run(address);
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.#problem(error);
      return null;
    }
  }

  #index(): Description[] {
    const list: Description[] = [];
    for (const isEh of [false, true]) {
      const section = isEh ? this.#ehFrame() : this.#debugFrame();
      if (!section) continue;
      try {
        this.#read(section, isEh, list);
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        this.#problem(error);
      }
    }
    // Stable, so that of two descriptions of one function the one in .debug_frame comes first; it is the one to keep.
    list.sort((a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : 0));
    return list.filter((each, i) => i === 0 || list[i - 1]!.low !== each.low);
  }

  #read(section: Section, isEh: boolean, list: Description[]): void {
    const commons = new Map<number, Common | null>();
    const cursor = section.cursor();
    while (!cursor.done) {
      const start = cursor.position;
      const { length, is64 } = cursor.initialLength();
      if (length === 0) {
        // A terminator in .eh_frame; linkers leave it in the middle too.
        continue;
      }
      const end = cursor.position + length;
      if (end > section.size)
        throw section.error(start, `a frame description of ${length} bytes reaches behind the section`);
      const idAt = cursor.position;
      const id = is64 ? cursor.u64() : BigInt(cursor.u32());
      const isCommon = isEh ? id === 0n : id === (is64 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn);
      if (!isCommon) {
        const commonAt = isEh ? idAt - Number(id) : Number(id);
        let common = commons.get(commonAt);
        if (common === undefined) {
          common = this.#common(section, commonAt, isEh);
          commons.set(commonAt, common);
        }
        if (common) {
          const description = this.#description(section, cursor, common, end, isEh);
          if (description) list.push(description);
        }
      }
      cursor.position = end;
    }
  }

  #common(section: Section, offset: number, isEh: boolean): Common | null {
    try {
      return this.#readCommon(section, offset, isEh);
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.#problem(error);
      return null;
    }
  }

  #readCommon(section: Section, offset: number, isEh: boolean): Common {
    const head = section.cursor(offset);
    const { length, is64 } = head.initialLength();
    const end = head.position + length;
    const cursor = section.cursor(head.position, end);
    cursor.skip(is64 ? 8 : 4);
    const version = cursor.u8();
    if (version !== 1 && version !== 3 && version !== 4)
      throw cursor.error(`frame information of version ${version}`);
    const augmentation = cursor.string();
    let addressSize = this.#is64 ? 8 : 4;
    if (version >= 4) {
      addressSize = cursor.u8();
      if (addressSize !== 4 && addressSize !== 8) throw cursor.error(`addresses of ${addressSize} bytes`);
      cursor.skip(1);
    }
    if (augmentation.startsWith("eh")) cursor.skip(addressSize);
    const codeAlignment = BigInt(cursor.uleb());
    const dataAlignment = cursor.sleb64();
    const returnRegister = version === 1 ? cursor.u8() : cursor.uleb();
    // 32-bit code inside a 64-bit file: its producer wrote addresses of its own size.
    if (returnRegister === 8 && version < 4 && !isEh) addressSize = 4;
    let pointerEncoding = 0;
    let isSignal = false;
    const hasAugmentation = augmentation.startsWith("z");
    if (hasAugmentation) {
      const size = cursor.uleb();
      const start = cursor.position + size;
      for (const letter of augmentation.slice(1)) {
        if (letter === "R") pointerEncoding = cursor.u8();
        else if (letter === "L") cursor.skip(1);
        else if (letter === "S") isSignal = true;
        else if (letter === "P") readPointer(cursor, cursor.u8(), addressSize);
        else if (letter !== "B") break;
      }
      cursor.position = start;
    } else if (augmentation === "S") {
      // GNU as writes .cfi_signal_frame so into .debug_frame, without a length.
      isSignal = true;
    } else if (augmentation !== "" && augmentation !== "eh") {
      throw cursor.error(`frame information with the augmentation "${augmentation}"`);
    }
    const start = cursor.position;
    return {
      codeAlignment,
      dataAlignment,
      returnRegister,
      addressSize,
      pointerEncoding,
      hasAugmentation,
      isSignal,
      start,
      end,
    };
  }

  #description(
    section: Section,
    cursor: Cursor,
    common: Common,
    end: number,
    isEh: boolean,
  ): Description | null {
    let low: bigint | null;
    let size: bigint;
    if (isEh) {
      low = readPointer(cursor, common.pointerEncoding, common.addressSize);
      size = readPointer(cursor, common.pointerEncoding & 0x0f, common.addressSize) ?? 0n;
    } else {
      low = cursor.unsigned(common.addressSize);
      size = cursor.unsigned(common.addressSize);
    }
    if (common.hasAugmentation) cursor.skip(cursor.uleb());
    if (low === null || size === 0n || !this.#hasCode(low)) return null;
    return { low, high: low + BigInt.asUintN(64, size), common, section, start: cursor.position, end };
  }
}

/** A pointer in one of the DW_EH_PE encodings; null for one that is omitted or relative to something unknown. */
function readPointer(cursor: Cursor, encoding: number, addressSize: number): bigint | null {
  if (encoding === OMIT) return null;
  const at = cursor.section.address + BigInt(cursor.position);
  let value: bigint;
  switch (encoding & 0x0f) {
    case 0x00:
      value = cursor.unsigned(addressSize);
      break;
    case 0x01:
      value = cursor.uleb64();
      break;
    case 0x02:
      value = cursor.unsigned(2);
      break;
    case 0x03:
      value = cursor.unsigned(4);
      break;
    case 0x04:
      value = cursor.u64();
      break;
    case 0x09:
      value = cursor.sleb64();
      break;
    case 0x0a:
      value = cursor.signed(2);
      break;
    case 0x0b:
      value = cursor.signed(4);
      break;
    case 0x0c:
      value = cursor.s64();
      break;
    default:
      throw cursor.error(`pointer encoding 0x${encoding.toString(16)}`);
  }
  switch (encoding & 0x70) {
    case 0x00:
      break;
    case 0x10:
      value += at;
      break;
    default:
      return null;
  }
  return (encoding & 0x80) === 0 ? BigInt.asUintN(addressSize * 8, value) : null;
}

interface State {
  readonly cfa: CfaRule | null;
  readonly rules: ReadonlyMap<number, Rule>;
}

/** Runs the instructions of a description up to an address (DWARF 5 §6.4.2). */
class Program {
  readonly #description: Description;
  #cfa: CfaRule | null = null;
  #rules = new Map<number, Rule>();
  #initial: ReadonlyMap<number, Rule> = new Map();
  readonly #saved: State[] = [];
  #location: bigint;

  constructor(description: Description) {
    this.#description = description;
    this.#location = description.low;
  }

  run(address: bigint): FrameRow | null {
    const { common, section, start, end, low, high } = this.#description;
    this.#execute(section.cursor(common.start, common.end), null);
    this.#initial = new Map(this.#rules);
    this.#execute(section.cursor(start, end), address);
    if (!this.#cfa) return null;
    return {
      cfa: this.#cfa,
      rules: this.#rules,
      returnRegister: common.returnRegister,
      isSignal: common.isSignal,
      architecture: common.returnRegister === 8 ? "i386" : "x86-64",
      low,
      high,
    };
  }

  #execute(cursor: Cursor, stopAfter: bigint | null): void {
    const { codeAlignment, dataAlignment, addressSize, pointerEncoding } = this.#description.common;
    const advance = (delta: bigint): boolean => {
      this.#location += delta * codeAlignment;
      return stopAfter !== null && this.#location > stopAfter;
    };
    const factored = (value: bigint): bigint => value * dataAlignment;
    while (!cursor.done) {
      const byte = cursor.u8();
      const low = byte & 0x3f;
      switch (byte & 0xc0) {
        case 0x40:
          if (advance(BigInt(low))) return;
          continue;
        case 0x80:
          this.#rules.set(low, { kind: "offset", offset: factored(cursor.uleb64()) });
          continue;
        case 0xc0:
          this.#restore(low);
          continue;
        default:
      }
      switch (byte) {
        case 0x00: // nop
          break;
        case 0x01: {
          // set_loc
          this.#location = readPointer(cursor, pointerEncoding, addressSize) ?? this.#location;
          if (stopAfter !== null && this.#location > stopAfter) return;
          break;
        }
        case 0x02:
          if (advance(BigInt(cursor.u8()))) return;
          break;
        case 0x03:
          if (advance(BigInt(cursor.u16()))) return;
          break;
        case 0x04:
          if (advance(BigInt(cursor.u32()))) return;
          break;
        case 0x1d: // MIPS_advance_loc8
          if (advance(cursor.u64())) return;
          break;
        case 0x05: // offset_extended
          this.#rules.set(cursor.uleb(), { kind: "offset", offset: factored(cursor.uleb64()) });
          break;
        case 0x06: // restore_extended
          this.#restore(cursor.uleb());
          break;
        case 0x07: // undefined
          this.#rules.set(cursor.uleb(), { kind: "undefined" });
          break;
        case 0x08: // same_value
          this.#rules.set(cursor.uleb(), { kind: "same" });
          break;
        case 0x09: // register
          this.#rules.set(cursor.uleb(), { kind: "register", register: cursor.uleb() });
          break;
        case 0x0a: // remember_state
          if (this.#saved.length >= STATES_MAX) throw cursor.error("too many remembered states");
          this.#saved.push({ cfa: this.#cfa, rules: new Map(this.#rules) });
          break;
        case 0x0b: {
          // restore_state
          const state = this.#saved.pop();
          if (!state) throw cursor.error("no state to restore");
          this.#cfa = state.cfa;
          this.#rules = new Map(state.rules);
          break;
        }
        case 0x0c: // def_cfa
          this.#cfa = { kind: "register", register: cursor.uleb(), offset: cursor.uleb64() };
          break;
        case 0x0d: // def_cfa_register
          this.#cfa = { kind: "register", register: cursor.uleb(), offset: this.#offset(cursor) };
          break;
        case 0x0e: // def_cfa_offset
          this.#cfa = { kind: "register", register: this.#register(cursor), offset: cursor.uleb64() };
          break;
        case 0x0f: // def_cfa_expression
          this.#cfa = { kind: "expression", expression: cursor.bytes(cursor.uleb()) };
          break;
        case 0x10: // expression
          this.#rules.set(cursor.uleb(), { kind: "expression", expression: cursor.bytes(cursor.uleb()) });
          break;
        case 0x11: // offset_extended_sf
          this.#rules.set(cursor.uleb(), { kind: "offset", offset: factored(cursor.sleb64()) });
          break;
        case 0x12: // def_cfa_sf
          this.#cfa = { kind: "register", register: cursor.uleb(), offset: factored(cursor.sleb64()) };
          break;
        case 0x13: // def_cfa_offset_sf
          this.#cfa = {
            kind: "register",
            register: this.#register(cursor),
            offset: factored(cursor.sleb64()),
          };
          break;
        case 0x14: // val_offset
          this.#rules.set(cursor.uleb(), { kind: "value-offset", offset: factored(cursor.uleb64()) });
          break;
        case 0x15: // val_offset_sf
          this.#rules.set(cursor.uleb(), { kind: "value-offset", offset: factored(cursor.sleb64()) });
          break;
        case 0x16: // val_expression
          this.#rules.set(cursor.uleb(), {
            kind: "value-expression",
            expression: cursor.bytes(cursor.uleb()),
          });
          break;
        case 0x2e: // GNU_args_size
          cursor.skipLeb();
          break;
        case 0x2f: // GNU_negative_offset_extended
          this.#rules.set(cursor.uleb(), { kind: "offset", offset: -factored(cursor.uleb64()) });
          break;
        default:
          throw cursor.error(`call frame instruction 0x${byte.toString(16)} is not known`);
      }
    }
  }

  #restore(register: number): void {
    const rule = this.#initial.get(register);
    if (rule) this.#rules.set(register, rule);
    else this.#rules.delete(register);
  }

  #register(cursor: Cursor): number {
    if (this.#cfa?.kind !== "register") throw cursor.error("the CFA has no register to keep");
    return this.#cfa.register;
  }

  #offset(cursor: Cursor): bigint {
    if (this.#cfa?.kind !== "register") throw cursor.error("the CFA has no offset to keep");
    return this.#cfa.offset;
  }
}
