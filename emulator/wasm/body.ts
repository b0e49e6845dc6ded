/**
 * The code of one function as bytes. It leaves out what can never be reached, arms of an `if` whose condition is known, branches to where control goes anyway,
 * and the reading back of a local that has just been set.
 */
import { assert } from "../assert.ts";
import type { FunctionBody } from "./encode.ts";
import type { Label, Node } from "./node.ts";
import {
  BULK,
  BULK_PREFIX,
  LOAD_OPERATORS,
  OPERATORS,
  STORE_OPERATORS,
  type Operator,
  type ResultType,
} from "./operator.ts";
import { LANES, SHUFFLE, SIMD_PREFIX, V128_CONST } from "./simd.ts";
import type { Writer } from "./writer.ts";

export const TYPE_BYTE: Record<ResultType, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  void: 0x40,
};

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const END = 0x0b;
const ANONYMOUS: Label = { name: "if" };

/** Whether the last thing in a block is to go where it ends anyway. */
function isBranchToEnd(node: Extract<Node, { kind: "block" | "loop" }>): boolean {
  const last = node.body.at(-1);
  return (
    node.kind === "block" && last?.kind === "br" && last.label === node.label && last.condition === undefined
  );
}

export class BodyEncoder {
  readonly #w: Writer;
  readonly #functions: ReadonlyMap<string, number>;
  readonly #signatures: ReadonlyMap<string, number>;
  /** Of the function encoded last: where its branches with a known direction are, in bytes from its beginning, in order. */
  readonly hints: { readonly at: number; readonly likely: boolean }[] = [];
  /** Open blocks, outermost first. */
  readonly #labels: Label[] = [];
  #name = "";
  /** What comes next in this block cannot be reached. */
  #isEnded = false;
  /** Where the last `local.set` begins and ends, and of which local. */
  #setAt = 0;
  #setEnd = -1;
  #setLocal = 0;

  /** Indices by the names of functions and the keys of signatures. */
  constructor(w: Writer, functions: ReadonlyMap<string, number>, signatures: ReadonlyMap<string, number>) {
    this.#w = w;
    this.#functions = functions;
    this.#signatures = signatures;
  }

  encode(f: FunctionBody): void {
    const w = this.#w;
    this.#name = f.name;
    this.#setEnd = -1;
    this.#isEnded = false;
    this.hints.length = 0;
    // Runs of locals of one type; parameters come first and are not declared.
    let runs = 0;
    f.locals.forEach((local, at) => {
      if (f.locals[at - 1]?.type !== local.type) runs++;
    });
    w.unsigned(runs);
    for (let from = 0; from < f.locals.length;) {
      const { type } = f.locals[from]!;
      let to = from;
      while (f.locals[to]?.type === type) to++;
      w.unsigned(to - from);
      w.byte(TYPE_BYTE[type]);
      from = to;
    }
    this.#many(f.body);
    w.byte(END);
  }

  #depth(label: Label): number {
    const labels = this.#labels;
    let at = labels.length - 1;
    while (at >= 0 && labels[at] !== label) at--;
    assert(at >= 0, "branch to a label that is not open", label.name, this.#name);
    return labels.length - 1 - at;
  }
  #many(nodes: readonly Node[]): void {
    for (const node of nodes) {
      this.#one(node);
      if (this.#isEnded) return;
    }
  }
  #operator(operator: Operator): void {
    if (operator.prefix === 0) return this.#w.byte(operator.number);
    this.#w.byte(operator.prefix);
    this.#w.unsigned(operator.number);
  }
  #simd(number: number): void {
    this.#w.byte(SIMD_PREFIX);
    this.#w.unsigned(number);
  }
  // Natural alignment is only a hint; 0 (byte) is always valid, and V8 ignores it on x64 and arm64.
  #memarg(offset: number): void {
    this.#w.byte(0);
    this.#w.unsigned(offset);
  }
  #open(opcode: number, type: ResultType, label: Label): void {
    this.#w.byte(opcode);
    this.#w.byte(TYPE_BYTE[type]);
    this.#labels.push(label);
  }
  #close(): void {
    this.#labels.pop();
    this.#isEnded = false;
    this.#w.byte(END);
  }
  #function(name: string): number {
    const index = this.#functions.get(name);
    assert(index !== undefined, "unknown function", name, this.#name);
    return index;
  }
  #signature(key: string): number {
    const index = this.#signatures.get(key);
    assert(index !== undefined, "unknown signature", key, this.#name);
    return index;
  }
  /** Notes how the branch that comes next mostly goes. */
  #hint(likely: boolean): void {
    this.hints.push({ at: this.#w.length, likely });
  }
  #set(opcode: number, index: number): void {
    const w = this.#w;
    this.#setAt = w.length;
    w.byte(opcode);
    w.unsigned(index);
    this.#setEnd = w.length;
    this.#setLocal = index;
  }
  #get(index: number): void {
    const w = this.#w;
    if (this.#setEnd === w.length && this.#setLocal === index && w.bytes[this.#setAt] === SET) {
      w.bytes[this.#setAt] = TEE;
      return;
    }
    w.byte(GET);
    w.unsigned(index);
  }

  #one(node: Node): void {
    const w = this.#w;
    switch (node.kind) {
      case "op":
        for (const argument of node.args) this.#one(argument);
        return this.#operator(OPERATORS[node.op]);
      case "get":
        return this.#get(node.local.index);
      case "const":
        if (node.type === "i32") {
          w.byte(0x41);
          return w.signed32(node.value);
        }
        w.byte(0x42);
        return w.signed64(node.value);
      case "load":
        this.#one(node.address);
        this.#operator(LOAD_OPERATORS[node.op]);
        return this.#memarg(node.offset);
      case "set":
      case "tee":
        this.#one(node.value);
        return this.#set(node.kind === "set" ? SET : TEE, node.local.index);
      case "store":
        this.#one(node.address);
        this.#one(node.value);
        this.#operator(STORE_OPERATORS[node.op]);
        return this.#memarg(node.offset);
      case "if":
        return this.#if(node);
      case "br":
        if (node.condition !== undefined) this.#one(node.condition);
        this.#isEnded = node.condition === undefined;
        w.byte(this.#isEnded ? 0x0c : 0x0d);
        return w.unsigned(this.#depth(node.label));
      case "block":
      case "loop":
        this.#open(node.kind === "block" ? 0x02 : 0x03, node.type, node.label);
        this.#many(isBranchToEnd(node) ? node.body.slice(0, -1) : node.body);
        return this.#close();
      case "br_table":
        this.#one(node.index);
        this.#isEnded = true;
        w.byte(0x0e);
        w.unsigned(node.labels.length);
        for (const label of node.labels) w.unsigned(this.#depth(label));
        return w.unsigned(this.#depth(node.default));
      case "call":
      case "return_call":
        for (const argument of node.args) this.#one(argument);
        this.#isEnded = node.kind === "return_call";
        w.byte(this.#isEnded ? 0x12 : 0x10);
        return w.unsigned(this.#function(node.target));
      case "call_indirect":
      case "return_call_indirect":
        for (const argument of node.args) this.#one(argument);
        this.#one(node.index);
        this.#isEnded = node.kind === "return_call_indirect";
        w.byte(this.#isEnded ? 0x13 : 0x11);
        w.unsigned(this.#signature(node.signature));
        return w.unsigned(0);
      case "return":
        if (node.value !== undefined) this.#one(node.value);
        this.#isEnded = true;
        return w.byte(0x0f);
      case "drop":
        this.#one(node.value);
        return w.byte(0x1a);
      case "unreachable":
        this.#isEnded = true;
        return w.byte(0x00);
      case "v128":
        this.#simd(V128_CONST);
        for (const byte of node.bytes) w.byte(byte);
        return;
      case "shuffle":
        for (const argument of node.args) this.#one(argument);
        this.#simd(SHUFFLE);
        for (const lane of node.lanes) w.byte(lane);
        return;
      case "lane":
        for (const argument of node.args) this.#one(argument);
        this.#simd(LANES[node.op][0]);
        return w.byte(node.lane);
      case "bulk":
        for (const argument of node.args) this.#one(argument);
        w.byte(BULK_PREFIX);
        w.unsigned(BULK[node.op]);
        // Memory 0, of a copy both.
        if (node.op === "memory.copy") w.byte(0);
        return w.byte(0);
    }
  }

  #if(node: Extract<Node, { kind: "if" }>): void {
    const { condition } = node;
    if (condition.kind === "const") {
      const chosen = condition.value === 0 || condition.value === 0n ? node.no : node.yes;
      return this.#many(chosen);
    }
    this.#one(condition);
    if (node.likely !== undefined) this.#hint(node.likely);
    this.#open(0x04, node.type, ANONYMOUS);
    this.#many(node.yes);
    if (node.no.length > 0) {
      this.#isEnded = false;
      this.#w.byte(0x05);
      this.#many(node.no);
    }
    this.#close();
  }
}
