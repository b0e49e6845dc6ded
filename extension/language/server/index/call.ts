/**
 * What calls of macros define and share: `SYM_FUNC_START(name)` makes `name` as good as a label with `.globl`.
 *
 * Invariant: a call is expanded again only where a macro that it went through has changed, or which files are read together. Typing elsewhere expands only
 * the calls on the lines that changed.
 * Elsewhere: filling in (`../template.ts`), what bodies leave (`Line.templates`).
 */
import type { Definition, Line, Token } from "../syntax.ts";
import { expand, type Expanded, type Macro } from "../template.ts";
import type { IncludeGraph } from "./include.ts";
import { callsOf, type Call, type Part } from "./part.ts";

/** A name that a call defines. */
export interface CallDefinition {
  readonly line: Line;
  readonly token: Token;
  readonly definition: Definition;
  readonly macro: string;
}

interface Expansion {
  readonly call: Call;
  /** Macros it went through, those that were not found among them. */
  readonly visited: readonly string[];
  readonly expanded: readonly Expanded[];
}

interface PartCalls {
  macroVersion: number;
  graphVersion: number;
  scope: ReadonlySet<Part>;
  readonly lines: Map<Line, readonly Expansion[]>;
  readonly defined: Map<string, Line[]>;
  readonly shared: Map<string, Line[]>;
}

export class CallTable {
  readonly #graph: IncludeGraph;
  readonly #definersOfMacro: (name: string) => Iterable<Part>;
  readonly #parts = new Map<Part, PartCalls>();
  readonly #definers = new Map<string, Set<Part>>();
  readonly #macroVersions = new Map<string, number>();
  #macroVersion = 0;
  #cached = new Map<Part, Map<string, Macro | undefined>>();
  #isStale = true;
  /** Lines expanded since the beginning: what changes cost. */
  expandedCount = 0;

  /** `definersOf`: files that have a definition of the name written out. */
  constructor(graph: IncludeGraph, definersOf: (name: string) => Iterable<Part>) {
    this.#graph = graph;
    this.#definersOfMacro = definersOf;
  }

  /** Lines came or went; bodies of these macros may be others. */
  changed(macros: ReadonlySet<string>): void {
    this.#isStale = true;
    if (macros.size > 0) {
      this.#macroVersion += 1;
      macros.forEach((name) => this.#macroVersions.set(name, this.#macroVersion));
      this.#cached = new Map();
    }
  }

  remove(part: Part): void {
    const calls = this.#parts.get(part);
    calls?.defined.forEach((_, name) => this.#definers.get(name)?.delete(part));
    this.#parts.delete(part);
    this.changed(new Set(part.templates.keys()));
  }

  /** Brings every file's calls up to date. Costs nothing where nothing has changed. */
  refresh(parts: Iterable<Part>): void {
    if (this.#isStale) {
      for (const part of parts) {
        this.#refresh(part);
      }
      this.#isStale = false;
    }
  }

  definersOf(name: string): Iterable<Part> {
    return this.#definers.get(name) ?? [];
  }

  /** Names that calls define in any file. */
  *names(): Iterable<string> {
    for (const [name, parts] of this.#definers) {
      if (parts.size > 0) {
        yield name;
      }
    }
  }

  isShared(part: Part, name: string): boolean {
    return this.#parts.get(part)?.shared.has(name) ?? false;
  }

  /** Names that calls of a file share with others. */
  sharedOf(part: Part): Iterable<string> {
    return this.#parts.get(part)?.shared.keys() ?? [];
  }

  definitionsOf(part: Part, name: string): readonly CallDefinition[] {
    const calls = this.#parts.get(part);
    return (calls?.defined.get(name) ?? []).flatMap((line) =>
      this.#definitionsAt(calls, line).filter(({ definition }) => definition.name === name),
    );
  }

  /** All that calls of a file define. */
  *allOf(part: Part): Iterable<CallDefinition> {
    const calls = this.#parts.get(part);
    for (const line of calls?.lines.keys() ?? []) {
      yield* this.#definitionsAt(calls, line);
    }
  }

  #definitionsAt(calls: PartCalls | undefined, line: Line): readonly CallDefinition[] {
    return (calls?.lines.get(line) ?? []).flatMap(({ call, expanded }) =>
      expanded
        .filter(({ kind }) => kind !== "global")
        .map(({ kind, name }) => {
          const token = namingToken(call, name);
          const definition: Definition = { kind: kind === "constant" ? "constant" : "label", name, token };
          return { line, token, definition, macro: call.name.text };
        }),
    );
  }

  #refresh(part: Part): void {
    if (part.calls.size === 0 && !this.#parts.has(part)) {
      return;
    }
    const calls = this.#callsOf(part);
    for (const line of calls.lines.keys()) {
      if (!part.calls.has(line)) {
        this.#forget(part, calls, line);
      }
    }
    const isOther = this.#hasOtherScope(part, calls);
    const isBehind = calls.macroVersion !== this.#macroVersion;
    for (const line of part.calls) {
      const made = calls.lines.get(line);
      if (!made) {
        this.#expand(part, calls, line);
      } else if (isOther || (isBehind && !this.#isValid(made, calls.macroVersion))) {
        this.#forget(part, calls, line);
        this.#expand(part, calls, line);
      }
    }
    calls.macroVersion = this.#macroVersion;
    calls.graphVersion = this.#graph.version;
  }

  #callsOf(part: Part): PartCalls {
    let calls = this.#parts.get(part);
    if (!calls) {
      calls = {
        macroVersion: this.#macroVersion,
        graphVersion: -1,
        scope: new Set(),
        lines: new Map(),
        defined: new Map(),
        shared: new Map(),
      };
      this.#parts.set(part, calls);
    }
    return calls;
  }

  #hasOtherScope(part: Part, calls: PartCalls): boolean {
    if (calls.graphVersion === this.#graph.version) {
      return false;
    }
    const scope = this.#graph.around(part);
    const isOther = scope.size !== calls.scope.size || [...scope].some((each) => !calls.scope.has(each));
    if (isOther) {
      this.#cached.delete(part);
    }
    calls.scope = scope;
    return isOther;
  }

  #isValid(made: readonly Expansion[], since: number): boolean {
    return made.every(({ visited }) =>
      visited.every((name) => (this.#macroVersions.get(name) ?? 0) <= since),
    );
  }

  #expand(part: Part, calls: PartCalls, line: Line): void {
    this.expandedCount += 1;
    const made = callsOf(line).map((call): Expansion => {
      const visited: string[] = [];
      const macroOf = (name: string): Macro | undefined => {
        visited.push(name);
        return this.#macroOf(part, name);
      };
      const args = call.operands.map((operand) => operand.text);
      const found = expand(call.name.text, args, macroOf);
      return { call, visited, expanded: found.length > 0 ? found : aloneOf(part, call, macroOf) };
    });
    calls.lines.set(line, made);
    for (const { kind, name } of made.flatMap(({ expanded }) => expanded)) {
      const table = kind === "global" ? calls.shared : calls.defined;
      const lines = table.get(name);
      if (!lines) {
        table.set(name, [line]);
      } else if (lines.at(-1) !== line) {
        lines.push(line);
      }
      if (kind !== "global") {
        const definers = this.#definers.get(name);
        this.#definers.set(name, definers?.add(part) ?? new Set([part]));
      }
    }
  }

  #forget(part: Part, calls: PartCalls, line: Line): void {
    for (const { kind, name } of (calls.lines.get(line) ?? []).flatMap(({ expanded }) => expanded)) {
      const table = kind === "global" ? calls.shared : calls.defined;
      const left = (table.get(name) ?? []).filter((each) => each !== line);
      if (left.length > 0) {
        table.set(name, left);
      } else {
        table.delete(name);
        if (kind !== "global") {
          this.#definers.get(name)?.delete(part);
        }
      }
    }
    calls.lines.delete(line);
  }

  #macroOf(part: Part, name: string): Macro | undefined {
    let cached = this.#cached.get(part);
    if (!cached) {
      cached = new Map();
      this.#cached.set(part, cached);
    }
    if (!cached.has(name)) {
      const definers = [...this.#definersOfMacro(name)];
      const isIn = (scope: ReadonlySet<Part>): readonly Part[] => definers.filter((each) => scope.has(each));
      const own = macroIn(isIn(this.#graph.reach(part)), name);
      cached.set(name, own ?? macroIn(definers.length > 0 ? isIn(this.#graph.around(part)) : [], name));
    }
    return cached.get(name);
  }
}

/** The argument that gives the name, else the macro's name. */
function namingToken(call: Call, name: string): Token {
  const operand = call.operands.find(({ text }) => text === name);
  return operand ? { text: name, start: operand.start, end: operand.end } : call.name;
}

/** NASM: a name alone on its line is a label, where it is no macro. */
function aloneOf(part: Part, call: Call, macroOf: (name: string) => Macro | undefined): readonly Expanded[] {
  const isAlone = part.file.language === "nasm" && call.operands.length === 0;
  return isAlone && !macroOf(call.name.text) ? [{ kind: "label", name: call.name.text }] : [];
}

/** A macro as some files define it: all its definitions together, since only conditions choose one of them. */
function macroIn(parts: Iterable<Part>, name: string): Macro | undefined {
  let parameters: readonly string[] | undefined;
  const templates: Macro["templates"][number][] = [];
  const take = (more: readonly string[]): void => {
    parameters = parameters && parameters.length >= more.length ? parameters : more;
  };
  for (const part of parts) {
    for (const line of part.definitions.get(name) ?? []) {
      for (const definition of line.definitions) {
        if (definition.name === name && (definition.kind === "macro" || definition.kind === "define")) {
          take([...(definition.parameters ?? []), ...laterParameters(part, line)]);
        }
      }
    }
    for (const line of part.templates.get(name) ?? []) {
      const { continues } = line.before;
      // Parameters may go over several lines, too.
      if (parameters && continues?.kind === "define" && continues.name === name) {
        take(continues.parameters);
      }
      templates.push(...line.templates.filter((template) => template.macro === name));
    }
  }
  return parameters && { parameters, templates };
}

/** Of a `.macro` whose parameters go over several lines. */
function laterParameters(part: Part, first: Line): readonly string[] {
  const found: string[] = [];
  if (first.after.continues?.kind === "operands") {
    const { lines } = part.file;
    for (let at = lines.indexOf(first) + 1; lines[at]?.before.continues?.kind === "operands"; at += 1) {
      for (const { kind, name } of lines[at]?.definitions ?? []) {
        if (kind === "parameter") {
          found.push(name);
        }
      }
    }
  }
  return found;
}
