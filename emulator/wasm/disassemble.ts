/**
 * WebAssembly bytes back as expressions: the part of the format that `encode.ts` writes. For tests and for looking at what was emitted; nothing runs through here.
 *
 * Invariant: an expression's operands are those the stack machine would find, where they stand directly before it; an operand that a statement separates from
 * its user stays an expression of its own before both.
 */
import { assert } from "../assert.ts";
import { BRANCH_HINTS } from "./encode.ts";
import { BULK, BULK_PREFIX, LOADS, OPS, STORES, type ResultType, type ValueType } from "./operator.ts";
import { LANES, SHUFFLE, SIMD, SIMD_LOADS, SIMD_PREFIX, SIMD_STORES, V128_CONST } from "./simd.ts";

export interface Expression {
  /** Name and immediates: "i32.const 5", "br $2", "if (result i32)". */
  readonly head: string;
  readonly operands: readonly Expression[];
  /** What stands inside a block, a loop, or the arms of an `if`. */
  readonly bodies: readonly (readonly Expression[])[];
  readonly hasValue: boolean;
  /** Of a branch: whether the module says that it is mostly taken. */
  readonly likely?: boolean | undefined;
}

export interface DisassembledFunction {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly result: ResultType;
  readonly locals: readonly ValueType[];
  /** Size of the body in bytes, declarations of locals included. */
  readonly bytes: number;
  /** Operators, `end` and `else` not counted. */
  readonly operations: number;
  readonly body: readonly Expression[];
  /** Names of the functions it calls. */
  readonly callees: ReadonlySet<string>;
}

export interface DisassembledModule {
  readonly imports: readonly FunctionType[];
  readonly functions: readonly DisassembledFunction[];
  readonly exports: ReadonlySet<string>;
  /** Functions in the table, and its least size; null if there is none. */
  readonly table: { readonly entries: readonly string[]; readonly size: number } | null;
}

export interface FunctionType {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly result: ResultType;
}

const TYPES: Readonly<Record<number, ResultType>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x40: "void",
};

/** An operator by its number, behind its prefix or none. */
interface Named {
  readonly name: string;
  readonly operands: number;
  readonly kind: "plain" | "load" | "store" | "lane";
}
const UNARY =
  /\.(eqz|clz|ctz|popcnt|wrap_i64|extend\d*_(s|i32_[su])|abs|neg|sqrt|ceil|floor|trunc|nearest|(trunc_sat|convert|demote|promote|reinterpret)_.*|splat|not|any_true|all_true|bitmask|(extend_low|extend_high|extadd_pairwise)_.*)$/;
const operandsOf = (name: string): number => (UNARY.test(name) ? 1 : name.endsWith("select") ? 3 : 2);

function namesOf(prefix: number): ReadonlyMap<number, Named> {
  const names = new Map<number, Named>();
  const add = (name: string, number: number, kind: Named["kind"], operands: number): void => {
    if ((number > 0xff ? number >> 8 : 0) !== (prefix === SIMD_PREFIX ? 0 : prefix)) return;
    // The forms of `select` differ only in their types.
    const plain = name.startsWith("select") ? "select" : name;
    names.set(number & 0xff, { name: plain, kind, operands });
  };
  const isSimd = prefix === SIMD_PREFIX;
  for (const [name, [number]] of Object.entries(isSimd ? SIMD : OPS))
    add(name, number, "plain", name.startsWith("select") ? 3 : operandsOf(name));
  for (const [name, [number]] of Object.entries(isSimd ? SIMD_LOADS : LOADS)) add(name, number, "load", 1);
  for (const [name, number] of Object.entries(isSimd ? SIMD_STORES : STORES)) add(name, number, "store", 2);
  if (isSimd)
    for (const [name, [number, , puts]] of Object.entries(LANES)) add(name, number, "lane", puts ? 2 : 1);
  return names;
}
const PLAIN = namesOf(0);
const BEHIND_FC = namesOf(BULK_PREFIX);
const BEHIND_FD = namesOf(SIMD_PREFIX);
const BULK_NAMES = new Map<number, string>(Object.entries(BULK).map(([name, number]) => [number, name]));

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get isDone(): boolean {
    return this.at >= this.#bytes.length;
  }
  byte(): number {
    const byte = this.#bytes[this.at++];
    assert(byte !== undefined, "module ends early", this.at);
    return byte;
  }
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }
  unsigned(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }
  text(): string {
    const length = this.unsigned();
    return String.fromCharCode(...Array.from({ length }, () => this.byte()));
  }
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
  type(): ResultType {
    const byte = this.byte();
    const type = TYPES[byte];
    assert(type !== undefined, "unknown type", byte);
    return type;
  }
}

export function disassemble(bytes: Uint8Array): DisassembledModule {
  const r = new Reader(bytes);
  r.at = 8;
  let types: Omit<FunctionType, "name">[] = [];
  const imports: FunctionType[] = [];
  const functions: FunctionType[] = [];
  const exports = new Set<string>();
  const bodies: DisassembledFunction[] = [];
  /** By function, imports included, then by place in its body. */
  const hints = new Map<number, ReadonlyMap<number, boolean>>();
  let entries: readonly string[] = [];
  let tableSize: number | null = null;
  const all = (index: number): FunctionType => {
    const found = imports[index] ?? functions[index - imports.length];
    assert(found !== undefined, "unknown function", index);
    return found;
  };
  while (!r.isDone) {
    const id = r.byte();
    const size = r.unsigned();
    const end = r.at + size;
    switch (id) {
      case 0:
        if (r.text() === BRANCH_HINTS)
          r.list(() => {
            const index = r.unsigned();
            hints.set(index, new Map(r.list(() => [r.unsigned(), r.unsigned() === 1 && r.byte() === 1])));
          });
        break;
      case 1:
        types = r.list(() => {
          r.byte();
          return { params: r.list(() => r.type() as ValueType), result: r.list(() => r.type())[0] ?? "void" };
        });
        break;
      case 2:
        r.list(() => {
          r.text();
          const name = r.text();
          if (r.byte() === 0) imports.push({ name, ...types[r.unsigned()]! });
          else if (r.byte() >= 0) r.unsigned();
        });
        break;
      case 3:
        r.list(() => functions.push({ name: `f${functions.length}`, ...types[r.unsigned()]! }));
        break;
      case 4:
        r.at += 3;
        tableSize = r.unsigned();
        break;
      case 7:
        r.list(() => {
          const name = r.text();
          const kind = r.byte();
          const index = r.unsigned();
          exports.add(name);
          if (kind === 0) functions[index - imports.length] = { ...all(index), name };
        });
        break;
      case 9:
        r.at += 5;
        entries = r.list(() => all(r.unsigned()).name);
        break;
      case 10:
        r.list(() => {
          const hinted = hints.get(imports.length + bodies.length) ?? new Map<number, boolean>();
          bodies.push(new BodyReader(r, functions[bodies.length]!, all, types, hinted).read());
        });
        break;
      default:
        break;
    }
    r.at = end;
  }
  return {
    imports,
    functions: bodies,
    exports,
    table: tableSize === null ? null : { entries, size: tableSize },
  };
}

class BodyReader {
  readonly #r: Reader;
  readonly #function: FunctionType;
  readonly #functions: (index: number) => FunctionType;
  readonly #types: readonly Omit<FunctionType, "name">[];
  readonly #hints: ReadonlyMap<number, boolean>;
  readonly #labels: string[] = [];
  readonly #callees = new Set<string>();
  #start = 0;
  #opened = 0;
  #operations = 0;

  constructor(
    r: Reader,
    function_: FunctionType,
    functions: (index: number) => FunctionType,
    types: readonly Omit<FunctionType, "name">[],
    hints: ReadonlyMap<number, boolean>,
  ) {
    this.#r = r;
    this.#hints = hints;
    this.#function = function_;
    this.#functions = functions;
    this.#types = types;
  }

  read(): DisassembledFunction {
    const r = this.#r;
    const bytes = r.unsigned();
    this.#start = r.at;
    const runs = r.list(() => ({ count: r.unsigned(), type: r.type() as ValueType }));
    const locals = runs.flatMap(({ count, type }) => Array.from({ length: count }, () => type));
    const { expressions } = this.#sequence();
    return {
      ...this.#function,
      locals,
      bytes,
      operations: this.#operations,
      body: expressions,
      callees: this.#callees,
    };
  }

  /** Reads up to the `end` or `else` that belongs here. */
  #sequence(): { expressions: Expression[]; hasElse: boolean } {
    const expressions: Expression[] = [];
    for (;;) {
      const opcode = this.#r.byte();
      if (opcode === 0x0b || opcode === 0x05) return { expressions, hasElse: opcode === 0x05 };
      this.#operations++;
      this.#one(opcode, expressions);
    }
  }

  /** Adds an expression that takes up to `count` operands from the end of the list. */
  #add(
    list: Expression[],
    head: string,
    count: number,
    hasValue: boolean,
    bodies: readonly (readonly Expression[])[] = [],
    likely?: boolean,
  ): void {
    let from = list.length;
    while (from > 0 && list.length - from < count && list[from - 1]!.hasValue) from--;
    list.push({ head, operands: list.splice(from), bodies, hasValue, likely });
  }

  #label(): string {
    const name = this.#labels[this.#labels.length - 1 - this.#r.unsigned()];
    assert(name !== undefined, "branch to a label that is not open", this.#function.name);
    return name;
  }
  #block(list: Expression[], kind: "block" | "loop" | "if"): void {
    const likely = this.#hints.get(this.#r.at - 1 - this.#start);
    const type = this.#r.type();
    const label = kind === "if" ? "" : `$${++this.#opened}`;
    this.#labels.push(label);
    const first = this.#sequence();
    const bodies = [first.expressions];
    if (first.hasElse) bodies.push(this.#sequence().expressions);
    this.#labels.pop();
    const head = [kind, label, type === "void" ? "" : `(result ${type})`].filter((part) => part !== "");
    this.#add(list, head.join(" "), kind === "if" ? 1 : 0, type !== "void", bodies, likely);
  }

  #one(opcode: number, list: Expression[]): void {
    const r = this.#r;
    switch (opcode) {
      case 0x00:
        return this.#add(list, "unreachable", 0, false);
      case 0x02:
        return this.#block(list, "block");
      case 0x03:
        return this.#block(list, "loop");
      case 0x04:
        return this.#block(list, "if");
      case 0x0c:
        return this.#add(list, `br ${this.#label()}`, 0, false);
      case 0x0d:
        return this.#add(list, `br_if ${this.#label()}`, 1, false);
      case 0x0e: {
        const labels = r.list(() => this.#label());
        return this.#add(list, `br_table ${[...labels, this.#label()].join(" ")}`, 1, false);
      }
      case 0x0f:
        return this.#add(list, "return", this.#function.result === "void" ? 0 : 1, false);
      case 0x10:
      case 0x12: {
        const { name, params, result } = this.#functions(r.unsigned());
        this.#callees.add(name);
        const isTail = opcode === 0x12;
        const head = `${isTail ? "return_call" : "call"} $${name}`;
        return this.#add(list, head, params.length, !isTail && result !== "void");
      }
      case 0x11:
      case 0x13: {
        const { params, result } = this.#types[r.unsigned()]!;
        r.unsigned();
        const isTail = opcode === 0x13;
        const head = `${isTail ? "return_call_indirect" : "call_indirect"} ${signatureText(params, result)}`;
        return this.#add(list, head, params.length + 1, !isTail && result !== "void");
      }
      case 0x1a:
        return this.#add(list, "drop", 1, false);
      case 0x20:
        return this.#add(list, `local.get ${r.unsigned()}`, 0, true);
      case 0x21:
        return this.#add(list, `local.set ${r.unsigned()}`, 1, false);
      case 0x22:
        return this.#add(list, `local.tee ${r.unsigned()}`, 1, true);
      case 0x41:
        return this.#add(list, `i32.const ${r.signed()}`, 0, true);
      case 0x42:
        return this.#add(list, `i64.const ${constantText(r.signed())}`, 0, true);
      case BULK_PREFIX:
        return this.#behindFc(list);
      case SIMD_PREFIX:
        return this.#vector(list);
      default:
        return this.#operator(list, PLAIN.get(opcode), opcode);
    }
  }

  #operator(list: Expression[], operator: Named | undefined, number: number): void {
    const r = this.#r;
    assert(operator !== undefined, "unknown operator", number.toString(16), this.#function.name);
    const { name, operands, kind } = operator;
    if (kind === "lane") return this.#add(list, `${name} ${r.byte()}`, operands, true);
    if (kind === "plain") return this.#add(list, name, operands, true);
    r.unsigned();
    const offset = r.unsigned();
    const head = offset === 0 ? name : `${name} offset=0x${offset.toString(16)}`;
    this.#add(list, head, operands, kind === "load");
  }
  #behindFc(list: Expression[]): void {
    const r = this.#r;
    const number = r.unsigned();
    const bulk = BULK_NAMES.get(number);
    if (bulk === undefined) return this.#operator(list, BEHIND_FC.get(number), number);
    r.at += bulk === "memory.copy" ? 2 : 1;
    this.#add(list, bulk, 3, false);
  }
  #vector(list: Expression[]): void {
    const r = this.#r;
    const number = r.unsigned();
    const sixteen = (): number[] => Array.from({ length: 16 }, () => r.byte());
    if (number === V128_CONST)
      return this.#add(
        list,
        `v128.const i8x16 ${sixteen()
          .map((byte) => `0x${byte.toString(16)}`)
          .join(" ")}`,
        0,
        true,
      );
    if (number === SHUFFLE) return this.#add(list, `i8x16.shuffle ${sixteen().join(" ")}`, 2, true);
    this.#operator(list, BEHIND_FD.get(number), number);
  }
}

/** Masks and addresses are easier to read in hexadecimal. */
function constantText(value: bigint): string {
  if (value > -0x10000n && value < 0x10000n) return `${value}`;
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** "(param i32 i64) (result i32)". */
export function signatureText(params: readonly ValueType[], result: ResultType): string {
  const parts = [];
  if (params.length > 0) parts.push(`(param ${params.join(" ")})`);
  if (result !== "void") parts.push(`(result ${result})`);
  return parts.join(" ");
}
