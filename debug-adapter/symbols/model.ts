/**
 * What the symbols of a program say, as plain shapes: positions, functions, frames, variables, locations and types.
 *
 * All addresses are those of the running guest, that is, with the image's load offset added. Nothing here is read from the file
 * before it is looked at: `target`, `members` and the like are getters where it matters, so a cyclic type is no problem.
 * Elsewhere: who makes them (`image.ts`, `dwarf/`), how types are spelled and walked (`type-name.ts`, `walk.ts`).
 */

export interface AddressRange {
  readonly low: bigint;
  /** First address behind it. */
  readonly high: bigint;
}

/** The instruction set whose DWARF register numbers apply. */
export type Architecture = "x86-64" | "i386";

export interface SourcePosition {
  /** Path as the compiler recorded it, joined with the compilation directory if it was relative, `.` and `..` resolved. */
  readonly file: string;
  /** From 1; 0 if the compiler attributes the code to no line. */
  readonly line: number;
  /** From 1; 0 if unknown. */
  readonly column: number;
}

/** A row of a line table with the addresses it holds for. */
export interface LineEntry extends SourcePosition, AddressRange {
  /** A recommended place for a breakpoint (DWARF `is_stmt`). */
  readonly isStatement: boolean;
  readonly endsPrologue: boolean;
}

/** A place at which a breakpoint for a source line goes. */
export interface LineAddress extends SourcePosition {
  readonly address: bigint;
  /** Name of the function or inlined function it is in, if known. */
  readonly functionName: string | null;
}

export interface SymbolFunction {
  /** Qualified, demangled, without parameters: `net::Socket::open`. */
  readonly name: string;
  /** As the linker sees it, `_ZN3net6Socket4openEv`; equal to `name` in C and assembly. */
  readonly linkageName: string;
  /** Demangled with parameters, where the linkage name has them; else equal to `name`. */
  readonly signature: string;
  /** Its entry. */
  readonly low: bigint;
  /** First address behind its prologue, where its parameters can be read: where a breakpoint on the function goes. */
  readonly body: bigint;
  /** Inlined somewhere: `low`, `ranges` and `body` are those of that one copy. */
  readonly isInlinedCopy: boolean;
  /** All its code, the part with the entry first; a bare label reaches to the next symbol. */
  readonly ranges: readonly AddressRange[];
  /** Where it is defined; null without debug information. */
  readonly declaration: SourcePosition | null;
  /** `dwarf`: described by debug information. `symbol`: known from the ELF symbol table only. */
  readonly origin: "dwarf" | "symbol";
  /** Name of the image it is in. */
  readonly image: string;
  /** Null without debug information. */
  readonly type: FunctionType | null;
}

/** A function active at an address: a real one, or one that was inlined into the next in the list. */
export interface SymbolFrame {
  readonly function: SymbolFunction;
  readonly isInlined: boolean;
  /** Where execution is in this function; for all but the innermost that is the line of the inlined call. Null without a line table. */
  readonly position: SourcePosition | null;
  /** Innermost block first; the last is the function itself with its parameters. */
  scopes(): readonly Scope[];
}

export interface Scope extends Partial<AddressRange> {
  readonly kind: "function" | "block";
  readonly variables: readonly Variable[];
}

export interface Variable {
  readonly name: string;
  readonly kind: "parameter" | "local" | "global";
  /** Null if the debug information does not say (a bare ELF symbol has none). */
  readonly type: Type | null;
  readonly declaration: SourcePosition | null;
  /** Compiler-made (C++ `this` is one). */
  readonly isArtificial: boolean;
  /** Where its value is in the frame of `context`. */
  locate(context: FrameContext): Location;
}

/** The state of one frame: what the location of a variable may depend on. */
export interface FrameContext {
  /** The address the frame is at. For a caller the return address minus one, as everything that looks code up by it. */
  readonly address: bigint;
  /** By DWARF register number; registers that are not known in this frame are absent. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** Null where the guest has no readable memory. May be called for any address and up to a mebibyte. */
  readonly readMemory: (address: bigint, length: number) => Uint8Array | null;
  /** Canonical frame address, if `unwind` found one. */
  readonly cfa?: bigint | undefined;
  /** The caller's frame, for values that only it knows (`DW_OP_entry_value`). */
  readonly caller?: (() => FrameContext | null) | undefined;
}

/** Where a value is, or what it is. */
export type Location =
  | { readonly kind: "memory"; readonly address: bigint }
  /** In a register, starting `byteOffset` bytes up from its low end. */
  | { readonly kind: "register"; readonly register: number; readonly byteOffset: number }
  /** The program keeps it nowhere, but this is what it would be. */
  | { readonly kind: "value"; readonly bytes: Uint8Array }
  | { readonly kind: "pieces"; readonly pieces: readonly Piece[] }
  /** "optimized out", or why it cannot be found. */
  | { readonly kind: "unavailable"; readonly reason: string };

export interface Piece {
  readonly location: Location;
  readonly sizeBits: number;
  /** Where in `location` the piece starts, in bits from the low end. */
  readonly offsetBits: number;
}

interface TypeCommon {
  /** As declared; empty if it has no name. Spelled out in full by `typeName`. */
  readonly name: string;
  /** 0 if unknown: a function, a declaration, an array without bound. */
  readonly sizeBytes: number;
}

export interface BaseType extends TypeCommon {
  readonly kind: "base";
  readonly encoding:
    | "signed"
    | "unsigned"
    | "boolean"
    | "float"
    | "complex"
    | "character"
    | "unsigned-character"
    | "utf"
    | "address"
    | "decimal"
    | "other";
}

export interface PointerType extends TypeCommon {
  readonly kind: "pointer";
  /** A C++ reference is a pointer that is written like its target. */
  readonly reference: "none" | "lvalue" | "rvalue";
  /** Null is `void`. */
  readonly target: Type | null;
}

export interface ModifiedType extends TypeCommon {
  readonly kind: "typedef" | "const" | "volatile" | "restrict" | "atomic";
  /** Null is `void`. */
  readonly target: Type | null;
}

export interface StructType extends TypeCommon {
  readonly kind: "struct" | "class" | "union";
  /** In C, where the name is used with its keyword. */
  readonly isTagged: boolean;
  /** Declared but nowhere defined, as far as is known. */
  readonly isIncomplete: boolean;
  readonly members: readonly Member[];
  /** Rust enums and the like: which members are there depends on a discriminant. */
  readonly variants: VariantPart | null;
}

export interface Member {
  /** Empty for an anonymous structure or union, whose members are used as if they were the outer one's. */
  readonly name: string;
  readonly type: Type | null;
  readonly kind: "field" | "base" | "static";
  /** From the start of the structure; for a bit-field from the start to its lowest bit (little-endian). */
  readonly offsetBits: number;
  /** Of a bit-field; null for any other member. */
  readonly sizeBits: number | null;
  /** A virtual base's offset is found at run time; static members have a place of their own. */
  locate?(object: Location, context: FrameContext): Location;
}

export interface VariantPart {
  readonly discriminant: Member | null;
  /** `values` empty: the variant when no other fits. */
  readonly variants: readonly {
    readonly values: readonly ValueRange[];
    readonly members: readonly Member[];
  }[];
}

/** An inclusive range of discriminant values. */
export interface ValueRange {
  readonly from: bigint;
  readonly to: bigint;
}

export interface ArrayType extends TypeCommon {
  readonly kind: "array";
  readonly element: Type | null;
  /** Number of elements, outermost dimension first; null if only the running program knows, or nobody. */
  readonly dimensions: readonly (number | null)[];
  /** As `dimensions`, but with what the program knows (C's variable-length arrays). */
  bounds(context: FrameContext): readonly (number | null)[];
  readonly isVector: boolean;
}

export interface EnumType extends TypeCommon {
  readonly kind: "enum";
  /** In C, where the name is used with its keyword. */
  readonly isTagged: boolean;
  readonly isSigned: boolean;
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
}

export interface FunctionType extends TypeCommon {
  readonly kind: "function";
  /** Null is `void`. */
  readonly returns: Type | null;
  readonly parameters: readonly { readonly name: string; readonly type: Type | null }[];
  readonly isVariadic: boolean;
}

export interface MemberPointerType extends TypeCommon {
  readonly kind: "member-pointer";
  readonly target: Type | null;
  readonly of: Type | null;
}

/** `decltype(nullptr)` and types this reader has no shape for; `name` says which. */
export interface UnspecifiedType extends TypeCommon {
  readonly kind: "unspecified";
}

export type Type =
  | BaseType
  | PointerType
  | ModifiedType
  | StructType
  | ArrayType
  | EnumType
  | FunctionType
  | MemberPointerType
  | UnspecifiedType;
