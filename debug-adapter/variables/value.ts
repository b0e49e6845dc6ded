/** Values of the program as nodes: locals, globals, members, elements, pointers' targets. */
import { AdapterError } from "../errors.ts";
import {
  assign,
  bare,
  childCount,
  children,
  evaluateText,
  formatValue,
  reference,
  toInteger,
  type Child,
  type Format,
  type Names,
  type Value,
} from "../expressions/index.ts";
import { typeName, type Variable } from "../symbols/index.ts";
import { variableValue } from "../stack/names.ts";
import type { Frame } from "../stack/frame.ts";
import type { Container, Node } from "./node.ts";

/** A value as a node. `path` is text that evaluates to it, if there is any. */
export function valueNode(
  name: string,
  value: Value,
  names: Names,
  format: Format,
  path: string | null,
): Node {
  const counts = childCount(value, format);
  const hasChildren = counts.named + counts.indexed > 0;
  return {
    name,
    value: formatValue(value, names, format),
    type: typeName(value.type),
    evaluateName: path ?? undefined,
    memoryReference: quietly(() => reference(value)) ?? undefined,
    children: hasChildren ? valueContainer(value, names, format, path) : undefined,
    assign:
      value.place.kind === "none"
        ? undefined
        : (text) => assign(names.space, value, evaluateText(text, names, { assignments: false }).value),
    place: value.place.kind === "memory" ? value.place.address : undefined,
    sizeBytes: value.type?.sizeBytes,
    code: codeAddress(value),
  };
}

function quietly<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof AdapterError) return null;
    throw error;
  }
}

/** Where a function pointer points. */
function codeAddress(value: Value): bigint | undefined {
  const type = bare(value.type);
  if (type?.kind !== "pointer" || bare(type.target)?.kind !== "function") return undefined;
  return quietly(() => toInteger(value)) ?? undefined;
}

function valueContainer(value: Value, names: Names, format: Format, path: string | null): Container {
  const { named, indexed } = childCount(value, format);
  return {
    named,
    indexed,
    list({ filter, start, count }, asked) {
      const isIndexed = indexed > 0;
      if ((filter === "named") === isIndexed && filter !== "all") return [];
      // An element of `p,16x` is shown in x; the client's own wish (hexadecimal) comes on top.
      const letter = asked.letter ?? format.letter;
      const list = children(
        value,
        names,
        { letter: format.letter, count: format.count },
        isIndexed ? start : 0,
        isIndexed ? count : undefined,
      );
      const page = isIndexed ? list : list.slice(start, start + count);
      return page.map((child) => childNode(child, value, names, { letter, count: null }, path));
    },
  };
}

function childNode(
  { name, value, why }: Child,
  parent: Value,
  names: Names,
  format: Format,
  path: string | null,
): Node {
  const shown = name === "" ? "<anonymous>" : name;
  if (value === null) return { name: shown, value: `<${why ?? "unavailable"}>` };
  return valueNode(shown, value, names, format, path === null ? null : childPath(path, name, parent));
}

/** Text for a child: `(path).name`, `(path)[3]`, `*(path)`. */
function childPath(path: string, name: string, parent: Value): string | null {
  const simple = /^[\w$]+(?:(?:->|\.)\w+|\[\d+\])*$/.test(path) ? path : `(${path})`;
  if (name === "*") return `*${simple}`;
  if (name.startsWith("[")) return `${simple}${name}`;
  if (name === "" || name.startsWith("<")) return path;
  return `${simple}${bare(parent.type)?.kind === "pointer" ? "->" : "."}${name}`;
}

/** A variable of a frame as a node, whether or not it has a value. */
export function variableNode(frame: Frame, variable: Variable, names: Names, format: Format): Node {
  const declaration = variable.declaration ?? undefined;
  const value = attempt(() => variableValue(frame, variable));
  if (value instanceof AdapterError) {
    const why = /has no value here: (.*)\.$/.exec(value.message)?.[1] ?? value.message;
    return { name: variable.name, value: `<${why}>`, type: typeName(variable.type), declaration };
  }
  return { ...valueNode(variable.name, value, names, format, variable.name), declaration };
}

function attempt<T>(action: () => T): T | AdapterError {
  try {
    return action();
  } catch (error) {
    if (error instanceof AdapterError) return error;
    throw error;
  }
}
