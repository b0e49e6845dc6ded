/**
 * How a type is written: a C declaration without a name, as GDB's `whatis` prints it (`int (*)(char, ...)`, `struct task [4]`).
 *
 * Elsewhere: the types (`model.ts`).
 */
import type { Type } from "./model.ts";

const DEPTH_MAX = 32;

type Modifier = "const" | "volatile" | "restrict" | "atomic";

export function typeName(type: Type | null): string {
  const { before, after } = spell(type, 0);
  return before.trimEnd() + (after.startsWith("[") && !before.endsWith(" ") ? " " : "") + after;
}

/** What stands before the declared name and what behind it. */
interface Spelling {
  readonly before: string;
  readonly after: string;
}

const spaced = (before: string): string => (/[*&( ]$/.test(before) ? before : `${before} `);

function spell(type: Type | null, depth: number): Spelling {
  if (!type) return { before: "void", after: "" };
  if (depth > DEPTH_MAX) return { before: "…", after: "" };
  switch (type.kind) {
    case "base":
    case "typedef":
    case "unspecified":
      return { before: type.name || "<unnamed>", after: "" };
    case "struct":
    case "class":
    case "union":
    case "enum":
      if (type.name === "") return { before: `${type.kind} {...}`, after: "" };
      return { before: type.isTagged ? `${type.kind} ${type.name}` : type.name, after: "" };
    case "const":
    case "volatile":
    case "restrict":
    case "atomic":
      return qualified(type.kind === "atomic" ? "_Atomic" : type.kind, type.kind, type.target, depth);
    case "pointer": {
      // Rust names its pointers and slices; C and C++ do not.
      if (type.name !== "") return { before: type.name, after: "" };
      const sign = type.reference === "none" ? "*" : type.reference === "lvalue" ? "&" : "&&";
      return pointing(sign, type.target, depth);
    }
    case "member-pointer":
      return pointing(`${typeName(type.of)}::*`, type.target, depth);
    case "array": {
      const { before, after } = spell(type.element, depth + 1);
      const dimensions = type.dimensions.map((count) => `[${count ?? ""}]`).join("");
      return { before, after: dimensions + after };
    }
    case "function": {
      const { before, after } = spell(type.returns, depth + 1);
      const parameters = type.parameters.map((parameter) => typeNameAt(parameter.type, depth + 1));
      if (type.isVariadic) parameters.push("...");
      return {
        before: spaced(before),
        after: `(${parameters.length > 0 ? parameters.join(", ") : "void"})${after}`,
      };
    }
  }
}

function typeNameAt(type: Type | null, depth: number): string {
  const { before, after } = spell(type, depth);
  return before.trimEnd() + (after.startsWith("[") ? " " : "") + after;
}

/** Whether `*` and qualifiers of something that points at it need parentheses. */
function isPostfix(type: Type | null): boolean {
  return type?.kind === "array" || type?.kind === "function";
}

function pointing(sign: string, target: Type | null, depth: number): Spelling {
  const { before, after } = spell(target, depth + 1);
  if (isPostfix(target)) return { before: `${spaced(before)}(${sign}`, after: `)${after}` };
  return { before: spaced(before) + sign, after };
}

function qualified(keyword: string, kind: Modifier, target: Type | null, depth: number): Spelling {
  // An array's qualifiers are its elements'.
  if (target?.kind === "array") {
    const { element } = target;
    const inner: Type | null =
      element?.kind === kind
        ? element
        : { kind, name: "", sizeBytes: element?.sizeBytes ?? 0, target: element };
    return spell({ ...target, element: inner, dimensions: target.dimensions }, depth + 1);
  }
  const { before, after } = spell(target, depth + 1);
  // A qualified pointer has its qualifier on the right: `int *const`. Anything else on the left.
  if (target?.kind === "pointer" && target.name === "") return { before: `${before} ${keyword}`, after };
  if (kind === "volatile" && before.startsWith("const ")) {
    return { before: `const volatile${before.slice("const".length)}`, after };
  }
  return { before: `${keyword} ${before}`, after };
}
