/**
 * Variables and parameters: which there are, and where their values are in a frame.
 *
 * Elsewhere: evaluating expressions (`expression.ts`), which scope is active (`function.ts`).
 */
import type { FrameContext, Location, Variable } from "../model.ts";
import { AT, FORM, TAG } from "./constants.ts";
import { type Environment, Failure, locate, toLittleEndian } from "./expression.ts";
import { expressionAt } from "./location-list.ts";
import { qualifiedName } from "./name.ts";
import type { Types } from "./type.ts";
import type { Entry } from "./entry.ts";

// Declarations in one block; a fuzzer can write more.
const VARIABLES_MAX = 10_000;

export interface VariableContext {
  readonly types: Types;
  /** A guest address as the file has it. */
  linked(address: bigint): bigint;
  environment(entry: Entry, frame: FrameContext): Environment;
  attempt<T>(action: () => T): T | undefined;
  declarationOf(entry: Entry): Variable["declaration"];
}

/** Where the value of a variable, parameter or call argument is. Never throws. */
export function locateEntry(entry: Entry, frame: FrameContext, context: VariableContext): Location {
  const found = context.attempt((): Location => {
    const constant = entry.withAttribute(AT.const_value);
    const located = entry.withAttribute(AT.location);
    if (located) {
      const expression = expressionAt(located, AT.location, context.linked(frame.address));
      if (expression) return locate(expression, context.environment(located, frame));
      return { kind: "unavailable", reason: "optimized out" };
    }
    if (constant) return constantLocation(constant, context.types.of(entry)?.sizeBytes ?? 0);
    return {
      kind: "unavailable",
      reason: entry.flag(AT.declaration)
        ? "declared only; its definition has no debug information"
        : "optimized out",
    };
  });
  return found ?? { kind: "unavailable", reason: "its description is damaged" };
}

function constantLocation(entry: Entry, sizeBytes: number): Location {
  const raw = entry.raw(AT.const_value);
  if (!raw) return { kind: "unavailable", reason: "optimized out" };
  if (raw.value instanceof Uint8Array) return { kind: "value", bytes: raw.value.slice() };
  const text =
    raw.form === FORM.string || raw.form === FORM.strp || raw.form === FORM.line_strp
      ? entry.string(AT.const_value)
      : undefined;
  if (text !== undefined) return { kind: "value", bytes: new TextEncoder().encode(`${text}\0`) };
  // A form narrower than the type says no sign: compilers use one only for what is not negative.
  const value = entry.constant(AT.const_value, false) ?? 0n;
  return { kind: "value", bytes: toLittleEndian(value, Math.min(Math.max(sizeBytes, 1), 64)) };
}

export function variableOf(entry: Entry, kind: Variable["kind"], context: VariableContext): Variable {
  const { types } = context;
  let type: Variable["type"] | undefined;
  return {
    name:
      context.attempt(() =>
        kind === "global" ? qualifiedName(entry) : entry.withAttribute(AT.name)?.name,
      ) ?? "",
    kind,
    get type(): Variable["type"] {
      return type === undefined ? (type = types.of(entry)) : type;
    },
    get declaration(): Variable["declaration"] {
      return context.declarationOf(entry);
    },
    isArtificial: context.attempt(() => entry.withAttribute(AT.artificial)?.flag(AT.artificial)) ?? false,
    locate: (frame) => locateEntry(entry, frame, context),
  };
}

/** The variables declared directly in a function or block, parameters first, as declared. */
export function variablesIn(scope: Entry, context: VariableContext): Variable[] {
  const variables: Variable[] = [];
  context.attempt(() => {
    for (const child of scope.children()) {
      if (child.tag !== TAG.formal_parameter && child.tag !== TAG.variable) continue;
      if (variables.length >= VARIABLES_MAX) break;
      const isParameter = child.tag === TAG.formal_parameter;
      // `extern` inside a function declares something that is found as a global.
      if (!isParameter && child.flag(AT.declaration) && !child.has(AT.location)) continue;
      const variable = variableOf(child, isParameter ? "parameter" : "local", context);
      if (variable.name !== "") variables.push(variable);
    }
  });
  return variables;
}

/** The value of the function's frame base in a frame that stands at `linked`, an address as the file has it. */
export function frameBaseOf(
  fun: Entry,
  frame: FrameContext,
  environment: Environment,
  linked: bigint,
): bigint | Failure {
  const expression = expressionAt(fun, AT.frame_base, linked);
  if (!expression) return new Failure("the function has no frame base");
  const location = locate(expression, environment);
  switch (location.kind) {
    case "memory":
      return location.address;
    case "register":
      return (
        frame.registers.get(location.register) ??
        new Failure(`register ${location.register} is not known in this frame`)
      );
    case "value":
      return BigInt.asUintN(
        64,
        location.bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
      );
    case "unavailable":
      return new Failure(location.reason);
    case "pieces":
      return new Failure("the frame base is in pieces");
  }
}
