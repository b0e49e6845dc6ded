/**
 * A WebAssembly module as bytes (core specification, chapter 5). One memory, one function table, functions built from nodes.
 *
 * Elsewhere: what the functions mean. Errors are broken invariants of the caller: an unknown name or label asserts.
 */
import { assert } from "../assert.ts";
import {
  BULK,
  BULK_PREFIX,
  LOADS,
  OPS,
  STORES,
  isSimd,
  isSimdLoad,
  isSimdStore,
  type Label,
  type Local,
  type Node,
  type ResultType,
  type ValueType,
} from "./node.ts";
import { LANES, SHUFFLE, SIMD, SIMD_LOADS, SIMD_PREFIX, SIMD_STORES, V128_CONST } from "./simd.ts";

export interface Signature {
  readonly params: readonly ValueType[];
  readonly result: ResultType;
}

export interface FunctionBody {
  readonly name: string;
  readonly signature: Signature;
  /** All locals behind the parameters, by index. */
  readonly locals: readonly Local[];
  readonly body: readonly Node[];
  readonly exported: boolean;
}

export interface ModuleDescription {
  /** Functions imported from module "host", in order. */
  readonly imports: readonly { readonly name: string; readonly signature: Signature }[];
  readonly functions: readonly FunctionBody[];
  /** Names of the functions the module's own table holds, for `call_indirect`. */
  readonly table: readonly string[];
  /** Free slots behind them; with it the table is exported as "table". */
  readonly tableRoom?: number;
}

const TYPE_BYTE: Record<ResultType, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  void: 0x40,
};

/** Growing byte buffer with LEB128. */
class Writer {
  bytes = new Uint8Array(1 << 16);
  length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = value;
  }
  unsigned(value: number): void {
    while (value > 0x7f) {
      this.byte((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    this.byte(value);
  }
  signed(value: bigint): void {
    if (value >= -64n && value < 64n) return this.byte(Number(value & 0x7fn));
    for (;;) {
      const low = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0))
        return this.byte(low);
      this.byte(low | 0x80);
    }
  }
  text(value: string): void {
    this.unsigned(value.length);
    for (let i = 0; i < value.length; i++) this.byte(value.charCodeAt(i));
  }
  append(other: Writer): void {
    this.unsigned(other.length);
    for (let i = 0; i < other.length; i++) this.byte(other.bytes[i] ?? 0);
  }
  section(id: number, write: (section: Writer) => void): void {
    const section = new Writer();
    write(section);
    this.byte(id);
    this.append(section);
  }
}

export function encodeModule(module: ModuleDescription): Uint8Array {
  const signatures = new Map<string, number>();
  const signatureKey = (s: Signature) => `${s.params.join(",")}>${s.result}`;
  const signatureList: Signature[] = [];
  const signatureIndex = (signature: Signature): number => {
    const key = signatureKey(signature);
    let index = signatures.get(key);
    if (index === undefined) {
      index = signatureList.push(signature) - 1;
      signatures.set(key, index);
    }
    return index;
  };
  const functionIndex = new Map<string, number>();
  const all = [...module.imports, ...module.functions];
  all.forEach((f, index) => {
    assert(!functionIndex.has(f.name), "function defined twice", f.name);
    functionIndex.set(f.name, index);
    signatureIndex(f.signature);
  });
  const lookup = (name: string): number => {
    const index = functionIndex.get(name);
    assert(index !== undefined, "unknown function", name);
    return index;
  };

  const out = new Writer();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  const bodies = new Writer();
  bodies.unsigned(module.functions.length);
  for (const f of module.functions) bodies.append(encodeBody(f, lookup, signatureFromKey));
  out.section(1, (s) => {
    s.unsigned(signatureList.length);
    for (const { params, result } of signatureList) {
      s.byte(0x60);
      s.unsigned(params.length);
      for (const p of params) s.byte(TYPE_BYTE[p]);
      s.unsigned(result === "void" ? 0 : 1);
      if (result !== "void") s.byte(TYPE_BYTE[result]);
    }
  });
  out.section(2, (s) => {
    s.unsigned(module.imports.length + 1);
    s.text("host");
    s.text("memory");
    s.byte(2);
    s.byte(0);
    s.unsigned(1);
    for (const { name, signature } of module.imports) {
      s.text("host");
      s.text(name);
      s.byte(0);
      s.unsigned(signatureIndex(signature));
    }
  });
  out.section(3, (s) => {
    s.unsigned(module.functions.length);
    for (const f of module.functions) s.unsigned(signatureIndex(f.signature));
  });
  out.section(4, (s) => {
    s.unsigned(1);
    s.byte(0x70);
    s.byte(0);
    s.unsigned(module.table.length + (module.tableRoom ?? 0));
  });
  out.section(7, (s) => {
    const exported = module.functions.filter((f) => f.exported);
    s.unsigned(exported.length + (module.tableRoom === undefined ? 0 : 1));
    if (module.tableRoom !== undefined) {
      s.text("table");
      s.byte(1);
      s.unsigned(0);
    }
    for (const f of exported) {
      s.text(f.name);
      s.byte(0);
      s.unsigned(lookup(f.name));
    }
  });
  out.section(9, (s) => {
    s.unsigned(1);
    s.unsigned(0);
    s.byte(0x41);
    s.signed(0n);
    s.byte(0x0b);
    s.unsigned(module.table.length);
    for (const name of module.table) s.unsigned(lookup(name));
  });
  out.byte(10);
  out.append(bodies);
  return out.bytes.slice(0, out.length);

  function signatureFromKey(key: string): number {
    const index = signatures.get(key);
    assert(index !== undefined, "unknown signature", key);
    return index;
  }
}

function encodeBody(
  f: FunctionBody,
  functionIndex: (name: string) => number,
  signature: (key: string) => number,
): Writer {
  const w = new Writer();
  // Runs of locals of one type; parameters come first and are not declared.
  const runs: { type: ValueType; count: number }[] = [];
  for (const local of f.locals) {
    const last = runs.at(-1);
    if (last !== undefined && last.type === local.type) last.count++;
    else runs.push({ type: local.type, count: 1 });
  }
  w.unsigned(runs.length);
  for (const { type, count } of runs) {
    w.unsigned(count);
    w.byte(TYPE_BYTE[type]);
  }
  const labels: Label[] = [];
  const depth = (label: Label): number => {
    const at = labels.lastIndexOf(label);
    assert(at >= 0, "branch to a label that is not open", label.name, f.name);
    return labels.length - 1 - at;
  };
  const many = (nodes: readonly Node[]): void => nodes.forEach(one);
  const anonymous: Label = { name: "if" };
  // Natural alignment is only a hint; 0 (byte) is always valid, and V8 ignores it on x64 and arm64.
  const memarg = (offset: number): void => {
    w.byte(0);
    w.unsigned(offset);
  };
  const simd = (number: number): void => {
    w.byte(SIMD_PREFIX);
    w.unsigned(number);
  };
  const operator = (number: number): void => {
    if (number > 0xff) w.byte(number >> 8);
    w.byte(number & 0xff);
  };
  function one(node: Node): void {
    switch (node.kind) {
      case "const":
        w.byte(node.type === "i32" ? 0x41 : 0x42);
        return w.signed(node.value);
      case "op":
        many(node.args);
        return isSimd(node.op) ? simd(SIMD[node.op][0]) : operator(OPS[node.op][0]);
      case "v128":
        simd(V128_CONST);
        return node.bytes.forEach((byte) => w.byte(byte));
      case "shuffle":
        many(node.args);
        simd(SHUFFLE);
        return node.lanes.forEach((number) => w.byte(number));
      case "lane":
        many(node.args);
        simd(LANES[node.op][0]);
        return w.byte(node.lane);
      case "load":
        one(node.address);
        if (isSimdLoad(node.op)) simd(SIMD_LOADS[node.op][0]);
        else w.byte(LOADS[node.op][0]);
        return memarg(node.offset);
      case "store":
        one(node.address);
        one(node.value);
        if (isSimdStore(node.op)) simd(SIMD_STORES[node.op]);
        else w.byte(STORES[node.op]);
        return memarg(node.offset);
      case "get":
        w.byte(0x20);
        return w.unsigned(node.local.index);
      case "set":
      case "tee":
        one(node.value);
        w.byte(node.kind === "set" ? 0x21 : 0x22);
        return w.unsigned(node.local.index);
      case "if":
        one(node.condition);
        w.byte(0x04);
        w.byte(TYPE_BYTE[node.type]);
        labels.push(anonymous);
        many(node.yes);
        if (node.no.length > 0) {
          w.byte(0x05);
          many(node.no);
        }
        labels.pop();
        return w.byte(0x0b);
      case "block":
      case "loop":
        w.byte(node.kind === "block" ? 0x02 : 0x03);
        w.byte(TYPE_BYTE[node.type]);
        labels.push(node.label);
        many(node.body);
        labels.pop();
        return w.byte(0x0b);
      case "br":
        if (node.condition !== undefined) one(node.condition);
        w.byte(node.condition === undefined ? 0x0c : 0x0d);
        return w.unsigned(depth(node.label));
      case "br_table":
        one(node.index);
        w.byte(0x0e);
        w.unsigned(node.labels.length);
        for (const label of node.labels) w.unsigned(depth(label));
        return w.unsigned(depth(node.default));
      case "call":
        many(node.args);
        w.byte(0x10);
        return w.unsigned(functionIndex(node.target));
      case "call_indirect":
        many(node.args);
        one(node.index);
        w.byte(0x11);
        w.unsigned(signature(node.signature));
        return w.unsigned(0);
      case "bulk":
        many(node.args);
        w.byte(BULK_PREFIX);
        w.unsigned(BULK[node.op]);
        // Memory 0, of a copy both.
        if (node.op === "memory.copy") w.byte(0);
        return w.byte(0);
      case "return":
        if (node.value !== undefined) one(node.value);
        return w.byte(0x0f);
      case "drop":
        one(node.value);
        return w.byte(0x1a);
      case "unreachable":
        return w.byte(0x00);
    }
  }
  many(f.body);
  w.byte(0x0b);
  return w;
}
