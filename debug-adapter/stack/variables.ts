/**
 * The variables of a frame by where they are: in memory, with the bytes they take, or elsewhere.
 *
 * Elsewhere: locations (`symbols/dwarf/`), values and their text (`expressions/`).
 */
import type { StackVariable } from "../../media/protocol.ts";
import { AdapterError } from "../errors.ts";
import { bare, formatValue, toInteger, type Names, type Value } from "../expressions/index.ts";
import { REGISTER_NAMES, typeName, type Type, type Variable } from "../symbols/index.ts";
import type { Chain, Stretch } from "./chain.ts";
import type { Frame } from "./frame.ts";
import { frameNames, variablesOf, variableValue } from "./names.ts";

/** A variable that lies in memory. */
export interface Located {
  readonly variable: Variable;
  readonly frame: Frame;
  readonly names: Names;
  readonly address: bigint;
  readonly sizeBytes: number;
  readonly value: Value;
}

/** A variable that points to a structure. */
export interface Pointing {
  readonly name: string;
  readonly functionName: string;
  readonly address: bigint;
  readonly type: Type;
  readonly names: Names;
}

export interface FrameVariables {
  readonly located: readonly Located[];
  readonly elsewhere: readonly StackVariable[];
  readonly pointing: readonly Pointing[];
}

const PLAIN = { letter: null, count: null } as const;
const known = new WeakMap<Stretch, FrameVariables>();

/** Good for one stop, like the stretch. */
export function variablesIn(chain: Chain, stretch: Stretch): FrameVariables {
  let found = known.get(stretch);
  if (found === undefined) known.set(stretch, (found = collect(chain, stretch)));
  return found;
}

function collect(chain: Chain, stretch: Stretch): FrameVariables {
  const located: Located[] = [];
  const elsewhere: StackVariable[] = [];
  const pointing: Pointing[] = [];
  for (const frame of stretch.frames) {
    const names = frameNames(frame, chain.table);
    for (const variable of variablesOf(frame)) {
      const location = variable.locate(frame.physical.context);
      const value = quietly(() => variableValue(frame, variable));
      if (location.kind === "memory" && value !== null) {
        const sizeBytes = sizeOf(variable.type, frame);
        located.push({ variable, frame, names, address: location.address, sizeBytes, value });
      } else {
        elsewhere.push({
          name: variable.name,
          type: typeName(variable.type),
          value: value === null ? "" : formatValue(value, names, PLAIN),
          where:
            location.kind === "register"
              ? (REGISTER_NAMES[frame.architecture][location.register] ?? "a register")
              : location.kind === "unavailable"
                ? location.reason
                : location.kind === "value"
                  ? "computed"
                  : "in several places",
        });
      }
      const pointed = value === null ? null : pointerTo(value);
      if (pointed !== null)
        pointing.push({
          name: variable.name,
          functionName: frame.symbols?.function.name ?? "",
          ...pointed,
          names,
        });
    }
  }
  return { located, elsewhere, pointing };
}

/** Arrays whose length only the program knows have a size there, too. */
function sizeOf(type: Type | null, frame: Frame): number {
  const plain = bare(type);
  if (plain?.kind === "array" && plain.sizeBytes === 0) {
    const bounds = plain.bounds(frame.physical.context);
    return bounds.reduce<number>((product, bound) => product * (bound ?? 0), plain.element?.sizeBytes ?? 0);
  }
  return type?.sizeBytes ?? 0;
}

function pointerTo(value: Value): { readonly address: bigint; readonly type: Type } | null {
  const type = bare(value.type);
  const target = type?.kind === "pointer" ? bare(type.target) : null;
  if (target === null || (target.kind !== "struct" && target.kind !== "class")) return null;
  const address = quietly(() => toInteger(value));
  return address === null || target.sizeBytes === 0
    ? null
    : { address: BigInt.asUintN(64, address), type: target };
}

export function quietly<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof AdapterError) return null;
    throw error;
  }
}
