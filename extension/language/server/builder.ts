/**
 * A line while it is parsed: what was found so far, and the state it will leave.
 *
 * Invariant: nothing outside a parser sees it; `finish` makes the immutable line. Inside the body of a macro `section`, `bits` and labels are templates
 * and change no state.
 */
import type {
  Bits,
  Condition,
  Definition,
  Include,
  Line,
  LineState,
  Linkage,
  Reference,
  Span,
  Statement,
  SyntaxError,
  Template,
} from "./syntax.ts";

export interface Builder {
  readonly text: string;
  readonly before: LineState;
  state: LineState;
  readonly statements: Statement[];
  readonly comments: Span[];
  readonly definitions: Definition[];
  readonly references: Reference[];
  readonly linkage: Linkage[];
  readonly templates: Template[];
  readonly includes: Include[];
  readonly errors: SyntaxError[];
  opens: string | undefined;
  closes: string | undefined;
}

export function begin(text: string, before: LineState): Builder {
  return {
    text,
    before,
    state: before,
    statements: [],
    comments: [],
    definitions: [],
    references: [],
    linkage: [],
    templates: [],
    includes: [],
    errors: [],
    opens: undefined,
    closes: undefined,
  };
}

export function finish(builder: Builder): Line {
  const { text, before, state: after, opens, closes } = builder;
  const line: Line = {
    text,
    before,
    after,
    statements: settled(builder.statements),
    comments: settled(builder.comments),
    definitions: settled(builder.definitions),
    references: settled(builder.references),
    linkage: settled(builder.linkage),
    templates: settled(builder.templates),
    includes: settled(builder.includes),
    errors: settled(builder.errors),
  };
  if (opens === undefined && closes === undefined) {
    return line;
  }
  const fold = {
    ...(opens === undefined ? {} : { opens }),
    ...(closes === undefined ? {} : { closes }),
  };
  return { ...line, fold };
}

const none: readonly never[] = [];

/** Most lists of most lines are empty: one empty list for all of them saves half of a large file's memory. */
function settled<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? none : list;
}

export function update(builder: Builder, change: Partial<LineState>): void {
  builder.state = { ...builder.state, ...change };
}

/** The name of the macro whose body this is; undefined outside. */
export function macroAround(builder: Builder): string | undefined {
  return builder.state.macros.at(-1);
}

export function setBits(builder: Builder, bits: Bits): void {
  if (macroAround(builder) === undefined && builder.state.bits !== bits) {
    update(builder, { bits });
  }
}

/** How `.section`, `.pushsection`, `.popsection` and `.previous` move about. */
export function setSection(builder: Builder, section: string, sections?: readonly string[]): void {
  if (macroAround(builder) === undefined) {
    const { state } = builder;
    update(builder, { section, previous: state.section, sections: sections ?? state.sections });
  }
}

export function openMacro(builder: Builder, name: string): void {
  update(builder, { macros: [...builder.state.macros, name] });
}

export function closeMacro(builder: Builder): void {
  update(builder, { macros: builder.state.macros.slice(0, -1) });
}

/** `#if`, `.if`, `%if`. */
export function openCondition(builder: Builder): void {
  const { bits, section, macros, conditions } = builder.state;
  const condition: Condition = { bits, section, macros, ends: [], hasElse: false };
  update(builder, { conditions: [...conditions, condition] });
}

/** `#else`, `#elif`: a branch that starts from what was before the condition. */
export function nextBranch(builder: Builder, isElse: boolean): void {
  const { state } = builder;
  const condition = state.conditions.at(-1);
  if (condition) {
    const ends = condition.ends.includes(state.bits) ? condition.ends : [...condition.ends, state.bits];
    const next: Condition = { ...condition, ends, hasElse: condition.hasElse || isElse };
    const { bits, section, macros } = condition;
    update(builder, {
      bits,
      section,
      macros,
      conditions: [...state.conditions.slice(0, -1), next],
    });
  }
}

export function closeCondition(builder: Builder): void {
  const { state } = builder;
  const condition = state.conditions.at(-1);
  if (condition) {
    const ends = [...condition.ends, ...(condition.hasElse ? [] : [condition.bits])];
    const bits = ends.every((end) => end === state.bits) ? state.bits : null;
    update(builder, { bits, conditions: state.conditions.slice(0, -1) });
  }
}

/** Names found by `add` stand among arguments, where they may be only text. */
export function asArguments(builder: Builder, add: () => void): void {
  const from = builder.references.length;
  add();
  for (let number = from; number < builder.references.length; number += 1) {
    const reference = builder.references[number];
    if (reference) {
      builder.references[number] = { ...reference, isArgument: true };
    }
  }
}
