/**
 * Types that no debug information is needed for: C's and the kernel's integers, pointers to and arrays of any type.
 *
 * Elsewhere: the types of a program (`symbols/`), how values of them look (`format.ts`).
 */
import type { ArrayType, BaseType, ModifiedType, PointerType, StructType, Type } from "../symbols/index.ts";

const base = (name: string, sizeBytes: number, encoding: BaseType["encoding"]): BaseType => ({
  kind: "base",
  name,
  sizeBytes,
  encoding,
});

export const INT = base("int", 4, "signed");
export const UNSIGNED = base("unsigned int", 4, "unsigned");
export const LONG = base("long", 8, "signed");
export const UNSIGNED_LONG = base("unsigned long", 8, "unsigned");
export const UNSIGNED_128 = base("unsigned __int128", 16, "unsigned");
export const BOOL = base("bool", 1, "boolean");
export const CHAR = base("char", 1, "character");
export const DOUBLE = base("double", 8, "float");
/** What a symbol without debug information is taken for, as in gdb. */
export const UNTYPED = base("<data variable, no debug info>", 4, "signed");

/** Widths that do not depend on the mode, by every name a kernel gives them. */
const FIXED: readonly (readonly [names: string, size: number, encoding: BaseType["encoding"]])[] = [
  ["u8 uint8_t __u8 BYTE", 1, "unsigned"],
  ["i8 s8 int8_t __s8", 1, "signed"],
  ["u16 uint16_t __u16 WORD", 2, "unsigned"],
  ["i16 s16 int16_t __s16", 2, "signed"],
  ["u32 uint32_t __u32 DWORD", 4, "unsigned"],
  ["i32 s32 int32_t __s32", 4, "signed"],
  ["u64 uint64_t __u64 QWORD", 8, "unsigned"],
  ["i64 s64 int64_t __s64", 8, "signed"],
  ["f32", 4, "float"],
  ["f64", 8, "float"],
];
const NAMED: ReadonlyMap<string, BaseType> = new Map(
  FIXED.flatMap(([names, size, encoding]) =>
    names.split(" ").map((name) => [name, base(name, size, encoding)] as const),
  ),
);
const WORDS: ReadonlySet<string> = new Set([
  "size_t",
  "ssize_t",
  "uintptr_t",
  "intptr_t",
  "usize",
  "isize",
  "ptrdiff_t",
]);

/** Whether a word names a type without any debug information. */
export const isBuiltinType = (name: string): boolean => NAMED.has(name) || WORDS.has(name);

/** A type from its words ("unsigned long", "u8"), or null; undefined stands for `void`. `long` is as wide as an address of the guest's mode. */
export function builtinType(words: string, addressBytes: number): BaseType | null | undefined {
  if (words === "void") return undefined;
  const fixed = NAMED.get(words);
  if (fixed !== undefined) return fixed;
  if (WORDS.has(words))
    return base(words, addressBytes, /^[si](?!ze_t)|^ptr/.test(words) ? "signed" : "unsigned");
  if (words === "bool" || words === "_Bool") return BOOL;
  if (words === "float") return base("float", 4, "float");
  if (words === "double") return DOUBLE;
  if (words === "long double") return base("long double", addressBytes === 8 ? 16 : 12, "float");
  const parts = words.split(" ");
  const count = (word: string): number => parts.filter((part) => part === word).length;
  const longs = count("long");
  const others =
    parts.length -
    longs -
    count("unsigned") -
    count("signed") -
    count("int") -
    count("short") -
    count("char");
  if (others !== 0 || longs > 2 || count("int") > 1) return null;
  const isUnsigned = count("unsigned") > 0;
  if (count("char") === 1) return base(words, 1, isUnsigned ? "unsigned-character" : "character");
  const size = count("short") === 1 ? 2 : longs === 2 ? 8 : longs === 1 ? addressBytes : 4;
  return base(words, size, isUnsigned ? "unsigned" : "signed");
}

export const pointerTo = (target: Type | null, addressBytes: number): PointerType => ({
  kind: "pointer",
  name: "",
  sizeBytes: addressBytes,
  reference: "none",
  target,
});

export const arrayOf = (element: Type | null, count: number): ArrayType => ({
  kind: "array",
  name: "",
  sizeBytes: (element?.sizeBytes ?? 1) * count,
  element,
  dimensions: [count],
  bounds: () => [count],
  isVector: false,
});

const QUALIFIED: ReadonlySet<string> = new Set(["typedef", "const", "volatile", "restrict", "atomic"]);
const isModified = (type: Type): type is ModifiedType => QUALIFIED.has(type.kind);

/** The type behind typedefs and qualifiers; null is `void`. */
export function bare(type: Type | null): Exclude<Type, ModifiedType> | null {
  let result = type;
  // Broken debug information may contain a cycle.
  for (let depth = 0; depth < 64 && result !== null; depth++) {
    if (!isModified(result)) return result as Exclude<Type, ModifiedType>;
    result = result.target;
  }
  return null;
}

export type Numeric = "signed" | "unsigned" | "float" | "pointer";

const ENCODINGS: Record<BaseType["encoding"], Numeric | null> = {
  signed: "signed",
  character: "signed",
  float: "float",
  unsigned: "unsigned",
  boolean: "unsigned",
  "unsigned-character": "unsigned",
  utf: "unsigned",
  address: "unsigned",
  complex: null,
  decimal: null,
  other: null,
};

/** How a type computes, or null if it does not. */
export function numeric(type: Type | null): Numeric | null {
  const plain = bare(type);
  if (plain?.kind === "pointer") return "pointer";
  if (plain?.kind === "enum") return plain.isSigned ? "signed" : "unsigned";
  return plain?.kind === "base" ? ENCODINGS[plain.encoding] : null;
}

/** Structures, classes and unions. */
export const isStructure = (type: Type | null): type is StructType =>
  type?.kind === "struct" || type?.kind === "class" || type?.kind === "union";
