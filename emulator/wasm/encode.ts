/**
 * A WebAssembly module as bytes (core specification, chapter 5). One imported memory, functions built from nodes, a function table if there is need of one.
 *
 * Elsewhere: the code of a function (`body.ts`), what the functions mean. Errors are broken invariants of the caller: an unknown name or label asserts.
 */
import { assert } from "../assert.ts";
import { BodyEncoder, TYPE_BYTE } from "./body.ts";
import type { Local, Node } from "./node.ts";
import type { ResultType, ValueType } from "./operator.ts";
import { Writer } from "./writer.ts";

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
  /** Functions imported from module "host", in order. The memory comes from there, too. */
  readonly imports: readonly { readonly name: string; readonly signature: Signature }[];
  readonly functions: readonly FunctionBody[];
  /** Names of the functions the module's own table holds from 0 on, for `call_indirect`. */
  readonly table: readonly string[];
  /** Free slots behind them; with it the table is exported as "table". It may grow. */
  readonly tableRoom?: number;
  /** Signatures of indirect calls that no function of the module has. */
  readonly signatures?: readonly Signature[];
  /** Puts the functions' names where profilers look for them. */
  readonly named?: boolean;
}

const keys = new WeakMap<Signature, string>();
/** What an indirect call names its signature by: "i32,i64>i32". */
export function signatureKey(signature: Signature): string {
  let key = keys.get(signature);
  if (key === undefined) {
    key = `${signature.params.join(",")}>${signature.result}`;
    keys.set(signature, key);
  }
  return key;
}

/** The custom section that says which way branches mostly go (branch hinting, WebAssembly's metadata.code). */
export const BRANCH_HINTS = "metadata.code.branch_hint";

const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  export: 7,
  element: 9,
  code: 10,
} as const;
const FUNCTION = 0;
const TABLE = 1;
const MEMORY = 2;
const FUNCREF = 0x70;

// Kept from one module to the next, so that a module costs no buffers.
const out = new Writer();
const contents = new Writer();
const code = new Writer();
const bodies = new Writer();
const hints = new Writer();
const name = new Writer();

export function encodeModule(module: ModuleDescription): Uint8Array {
  const signatures = new Map<string, number>();
  const distinct: Signature[] = [];
  const indexOf = (signature: Signature): number => {
    const key = signatureKey(signature);
    const known = signatures.get(key);
    if (known !== undefined) return known;
    signatures.set(key, distinct.length);
    return distinct.push(signature) - 1;
  };
  const functions = new Map<string, number>();
  const types: number[] = [];
  for (const f of module.imports) {
    functions.set(f.name, types.length);
    types.push(indexOf(f.signature));
  }
  for (const f of module.functions) {
    assert(!functions.has(f.name), "function defined twice", f.name);
    functions.set(f.name, types.length);
    types.push(indexOf(f.signature));
  }
  for (const signature of module.signatures ?? []) indexOf(signature);
  const lookup = (function_: string): number => {
    const index = functions.get(function_);
    assert(index !== undefined, "unknown function", function_);
    return index;
  };
  const { imports, table, tableRoom } = module;

  out.clear();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  section(SECTION.type, () => {
    contents.unsigned(distinct.length);
    for (const { params, result } of distinct) {
      contents.byte(0x60);
      contents.unsigned(params.length);
      for (const p of params) contents.byte(TYPE_BYTE[p]);
      contents.unsigned(result === "void" ? 0 : 1);
      if (result !== "void") contents.byte(TYPE_BYTE[result]);
    }
  });
  section(SECTION.import, () => {
    contents.unsigned(imports.length + 1);
    contents.text("host");
    contents.text("memory");
    contents.byte(MEMORY);
    contents.byte(0);
    contents.unsigned(1);
    imports.forEach((f, index) => {
      contents.text("host");
      contents.text(f.name);
      contents.byte(FUNCTION);
      contents.unsigned(types[index]!);
    });
  });
  section(SECTION.function, () => {
    contents.unsigned(module.functions.length);
    for (let at = imports.length; at < types.length; at++) contents.unsigned(types[at]!);
  });
  if (table.length > 0 || tableRoom !== undefined)
    section(SECTION.table, () => {
      contents.unsigned(1);
      contents.byte(FUNCREF);
      contents.byte(0);
      contents.unsigned(table.length + (tableRoom ?? 0));
    });
  section(SECTION.export, () => {
    const exported = module.functions.filter((f) => f.exported);
    contents.unsigned(exported.length + (tableRoom === undefined ? 0 : 1));
    for (const f of exported) {
      contents.text(f.name);
      contents.byte(FUNCTION);
      contents.unsigned(lookup(f.name));
    }
    if (tableRoom === undefined) return;
    contents.text("table");
    contents.byte(TABLE);
    contents.unsigned(0);
  });
  if (table.length > 0)
    section(SECTION.element, () => {
      contents.unsigned(1);
      contents.unsigned(0);
      contents.byte(0x41);
      contents.byte(0);
      contents.byte(0x0b);
      contents.unsigned(table.length);
      for (const entry of table) contents.unsigned(lookup(entry));
    });
  bodies.clear();
  hints.clear();
  let hinted = 0;
  const body = new BodyEncoder(code, functions, signatures);
  module.functions.forEach((f, at) => {
    code.clear();
    body.encode(f);
    bodies.append(code);
    if (body.hints.length === 0) return;
    hinted++;
    hints.unsigned(imports.length + at);
    hints.unsigned(body.hints.length);
    for (const hint of body.hints) {
      hints.unsigned(hint.at);
      hints.unsigned(1);
      hints.unsigned(Number(hint.likely));
    }
  });
  if (hinted > 0)
    section(SECTION.custom, () => {
      contents.text(BRANCH_HINTS);
      contents.unsigned(hinted);
      contents.extend(hints);
    });
  section(SECTION.code, () => {
    contents.unsigned(module.functions.length);
    contents.extend(bodies);
  });
  if (module.named === true)
    section(SECTION.custom, () => {
      contents.text("name");
      name.clear();
      name.unsigned(functions.size);
      for (const [text, index] of functions) {
        name.unsigned(index);
        name.text(text);
      }
      contents.byte(1);
      contents.append(name);
    });
  return out.bytes.slice(0, out.length);
}

function section(id: number, write: () => void): void {
  contents.clear();
  write();
  out.byte(id);
  out.append(contents);
}
