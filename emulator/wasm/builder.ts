/** Builds one function: hands out locals and collects statements, nested blocks included. */
import { assert } from "../assert.ts";
import type { FunctionBody, Signature } from "./encode.ts";
import { get, isTrivial, set, type Label, type Local, type Node } from "./node.ts";
import type { ValueType } from "./operator.ts";

export class FunctionBuilder {
  readonly name: string;
  readonly signature: Signature;
  readonly params: readonly Local[];
  #locals: Local[] = [];
  /** Locals that are free again, by type: a handler's temporaries are reused by the next handler of the same function. */
  #free: Record<ValueType, Local[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #taken: Local[][] = [];
  #blocks: Node[][] = [[]];

  constructor(name: string, signature: Signature) {
    this.name = name;
    this.signature = signature;
    this.params = signature.params.map((type, index) => ({ type, index }));
  }

  param(index: number): Local {
    const local = this.params[index];
    assert(local !== undefined, "parameter that the signature does not have", index, this.name);
    return local;
  }

  local(type: ValueType): Local {
    const reused = this.#free[type].pop();
    const local = reused ?? { type, index: this.params.length + this.#locals.length };
    if (reused === undefined) this.#locals.push(local);
    this.#taken.at(-1)?.push(local);
    return local;
  }

  /** A local of which nothing else is ever made, however deep in scopes it is asked for. */
  permanent(type: ValueType): Local {
    const local = { type, index: this.params.length + this.#locals.length };
    this.#locals.push(local);
    return local;
  }

  /** Names a value, so that it is computed here and only once. Constants and locals stay as they are. */
  let(value: Node): Node {
    if (isTrivial(value)) return value;
    assert(value.type !== "void", "a statement has no value");
    const local = this.local(value.type);
    this.emit(set(local, value));
    return get(local);
  }

  emit(...nodes: readonly Node[]): void {
    this.#blocks.at(-1)?.push(...nodes);
  }

  /** Runs `write` and returns what it emitted instead of appending it. */
  collect(write: () => void): readonly Node[] {
    this.#blocks.push([]);
    write();
    return this.#blocks.pop() ?? [];
  }

  /** Locals taken inside `write` are free again afterwards; their values must not be used outside. */
  scope(write: () => void): void {
    this.#taken.push([]);
    write();
    for (const local of this.#taken.pop() ?? []) this.#free[local.type].push(local);
  }

  finish(exported = false): FunctionBody {
    assert(this.#blocks.length === 1, "blocks left open", this.name);
    return {
      name: this.name,
      signature: this.signature,
      locals: this.#locals,
      body: this.#blocks[0] ?? [],
      exported,
    };
  }
}

export const label = (name: string): Label => ({ name });
