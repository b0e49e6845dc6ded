/**
 * Scopes of a frame, and the store that gives containers the numbers by which a client asks for them. This file is the folder's boundary.
 *
 * Invariant: numbers are good until the machine runs; one that is older is refused, never answered with something else.
 */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { AdapterError, noSuchReference, notAssignable } from "../errors.ts";
import type { Format, Names } from "../expressions/index.ts";
import type { Register } from "../registers/index.ts";
import type { Frame } from "../stack/frame.ts";
import { frameRegister, variablesOf } from "../stack/names.ts";
import type { SymbolTable, Variable } from "../symbols/index.ts";
import { EVERYTHING, fixed, type Container, type Node, type Page } from "./node.ts";
import { registerGroups, type RegisterAccess } from "./registers.ts";
import { tablesNode } from "./tables.ts";
import { variableNode } from "./value.ts";

export { EVERYTHING, type Container, type Node, type Page } from "./node.ts";
export { valueNode } from "./value.ts";
export { registerNode, type RegisterAccess } from "./registers.ts";

export interface NamedScope {
  readonly name: string;
  readonly hint: "locals" | "registers" | "globals";
  readonly container: Container;
  /** Opened only when asked for: long, or slow. */
  readonly isExpensive: boolean;
}

/** Registers of a frame. */
export function registerAccess(frame: Frame, names: Names): RegisterAccess {
  return {
    core: frame.core,
    names,
    read(register) {
      try {
        return frameRegister(frame, register.name)?.value ?? register.read(frame.core);
      } catch (error) {
        if (error instanceof AdapterError) return "not saved by the functions it called";
        throw error;
      }
    },
    isWritable: (register: Register) => frame.isTop || !["General", "Flags"].includes(register.group),
  };
}

export function scopesOf(frame: Frame, table: SymbolTable, names: Names): NamedScope[] {
  const scopes: NamedScope[] = [];
  const nodes = (variables: readonly Variable[]) =>
    fixed((format) => variables.map((variable) => variableNode(frame, variable, names, format)));
  if (frame.symbols !== null && frame.symbols.function.origin === "dwarf") {
    scopes.push({ name: "Locals", hint: "locals", container: nodes(variablesOf(frame)), isExpensive: false });
  }
  const globals = table.fileVariables(frame.physical.address);
  if (globals.length > 0)
    scopes.push({ name: "Globals", hint: "globals", container: nodes(globals), isExpensive: true });
  const access = registerAccess(frame, names);
  scopes.push({
    name: "Registers",
    hint: "registers",
    container: registerGroups(access, tablesNode(access)),
    isExpensive: false,
  });
  return scopes;
}

export class VariableStore {
  readonly #containers = new Map<number, Container>();
  /** Numbers are never used twice in a session, so that an old one cannot name something new. */
  #next = 1;

  /** Forgets everything: the machine runs. */
  clear(): void {
    this.#containers.clear();
  }

  add(container: Container | undefined): number {
    if (container === undefined) return 0;
    const id = this.#next++;
    this.#containers.set(id, container);
    return id;
  }

  /** Throws `noSuchReference`. */
  get(reference: number): Container {
    const container = this.#containers.get(reference);
    if (container === undefined) throw noSuchReference(reference);
    return container;
  }

  /** The child of a container called `name`. Throws `noSuchReference`. */
  find(reference: number, name: string, format: Format): Node | null {
    return (
      this.get(reference)
        .list(pageOf(name), format)
        .find((node) => node.name === name) ?? null
    );
  }

  /** Assigns to a child and returns what it is then. Throws `notAssignable` and what writing throws. */
  assign(reference: number, name: string, text: string, format: Format): Node {
    const node = this.find(reference, name, format);
    if (node?.assign === undefined) throw notAssignable(`"${name}" cannot be changed.`);
    node.assign(text);
    return this.find(reference, name, format) ?? node;
  }

  /** A node as DAP's variable. */
  variable(node: Node): DebugProtocol.Variable {
    const { children } = node;
    const attributes = node.assign === undefined ? ["readOnly"] : [];
    const hint: DebugProtocol.VariablePresentationHint = {
      ...(node.kind === undefined ? {} : { kind: node.kind }),
      ...(attributes.length === 0 ? {} : { attributes }),
      ...(node.lazy === true ? { lazy: true } : {}),
    };
    return {
      name: node.name,
      value: node.value,
      variablesReference: this.add(children),
      ...(node.type === undefined ? {} : { type: node.type }),
      ...(node.evaluateName === undefined ? {} : { evaluateName: node.evaluateName }),
      ...(node.memoryReference === undefined ? {} : { memoryReference: node.memoryReference }),
      ...(children?.named === undefined || children.named === 0 ? {} : { namedVariables: children.named }),
      ...(children?.indexed === undefined || children.indexed === 0
        ? {}
        : { indexedVariables: children.indexed }),
      ...(Object.keys(hint).length === 0 ? {} : { presentationHint: hint }),
    };
  }
}

/** The page that contains a child by name, so that an element of a large array is found without listing all. */
function pageOf(name: string): Page {
  const index = /^\[(\d+)\]$/.exec(name)?.[1];
  return index === undefined ? EVERYTHING : { filter: "all", start: Number(index), count: 1 };
}
