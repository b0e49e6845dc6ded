/**
 * Types: entries of debugging information as the shapes of `model.ts` (DWARF 5 chapter 5).
 *
 * A type is made when it is asked for and made once per image; what it refers to is looked at when that is asked for.
 * Invariant: types may be cyclic or absurdly nested, so every recursion here is bounded by DEPTH_MAX.
 * Elsewhere: how a type is spelled (`../type-name.ts`) and how a value is taken apart by it (`../walk.ts`).
 */
import type {
  ArrayType,
  BaseType,
  EnumType,
  FrameContext,
  FunctionType,
  Location,
  Member,
  StructType,
  Type,
  ValueRange,
  VariantPart,
} from "../model.ts";
import { AT, ATE, LANGUAGES_FROM_ONE, TAG } from "./constants.ts";
import { compute, type Environment, Failure, locate } from "./expression.ts";
import { isPlain, qualifiedName } from "./name.ts";
import type { Entry } from "./entry.ts";
import type { Section } from "../reader.ts";

const DEPTH_MAX = 100;
// More children than this in one type is not something a person wrote; a fuzzer does.
const CHILDREN_MAX = 200_000;

const ENCODINGS: Readonly<Record<number, BaseType["encoding"]>> = {
  [ATE.address]: "address",
  [ATE.boolean]: "boolean",
  [ATE.complex_float]: "complex",
  [ATE.float]: "float",
  [ATE.signed]: "signed",
  [ATE.signed_char]: "character",
  [ATE.unsigned]: "unsigned",
  [ATE.unsigned_char]: "unsigned-character",
  [ATE.decimal_float]: "decimal",
  [ATE.UTF]: "utf",
};

/** What types need to know of the image they are in. */
export interface TypeContext {
  environment(entry: Entry, frame: FrameContext): Environment;
  /** Where a variable is: the bound of a variable-length array can be one. */
  locateVariable(entry: Entry, frame: FrameContext): Location;
  /** The definition of a type that a unit only declares. */
  definition(declaration: Entry): Entry | undefined;
  attempt<T>(action: () => T): T | undefined;
}

export class Types {
  readonly #context: TypeContext;
  readonly #made = new Map<Section, Map<number, Type>>();
  #depth = 0;

  constructor(context: TypeContext) {
    this.#context = context;
  }

  /** The type an entry has by its attribute; null is `void`, or what cannot be read. */
  of(entry: Entry, attribute: number = AT.type): Type | null {
    return (
      this.#context.attempt(() => {
        const reference = entry.withAttribute(attribute)?.reference(attribute);
        return reference ? this.read(reference) : null;
      }) ?? null
    );
  }

  /** The type that an entry is, or that it stands for if it only has the signature of a type unit. */
  read(from: Entry): Type {
    const entry = from.has(AT.signature)
      ? (this.#context.attempt(() => from.reference(AT.signature)) ?? from)
      : from;
    let made = this.#made.get(entry.unit.section);
    if (!made) this.#made.set(entry.unit.section, (made = new Map<number, Type>()));
    let type = made.get(entry.offset);
    if (!type) made.set(entry.offset, (type = this.#make(entry)));
    return type;
  }

  /** Runs `action` a level deeper, or gives `otherwise` if that would be too deep. */
  #deeper<T>(action: () => T, otherwise: T): T {
    if (this.#depth >= DEPTH_MAX) return otherwise;
    this.#depth++;
    try {
      return this.#context.attempt(action) ?? otherwise;
    } finally {
      this.#depth--;
    }
  }

  #make(entry: Entry): Type {
    const name = this.#context.attempt(() => qualifiedName(entry)) ?? "";
    const sizeBytes = entry.number(AT.byte_size) ?? 0;
    switch (entry.tag) {
      case TAG.base_type:
        return {
          kind: "base",
          name,
          sizeBytes: sizeBytes || ((entry.number(AT.bit_size) ?? 0) + 7) >> 3,
          encoding: ENCODINGS[entry.number(AT.encoding) ?? 0] ?? "other",
        };
      case TAG.pointer_type:
      case TAG.reference_type:
      case TAG.rvalue_reference_type:
        return this.#lazy(entry, {
          kind: "pointer",
          name,
          sizeBytes: sizeBytes || entry.unit.addressSize,
          reference:
            entry.tag === TAG.pointer_type ? "none" : entry.tag === TAG.reference_type ? "lvalue" : "rvalue",
        });
      case TAG.ptr_to_member_type:
        return this.#memberPointer(entry, name, sizeBytes);
      case TAG.typedef:
      case TAG.template_alias:
        return this.#modified(entry, "typedef", name);
      case TAG.const_type:
      case TAG.immutable_type:
        return this.#modified(entry, "const", name);
      case TAG.volatile_type:
        return this.#modified(entry, "volatile", name);
      case TAG.restrict_type:
        return this.#modified(entry, "restrict", name);
      case TAG.atomic_type:
        return this.#modified(entry, "atomic", name);
      case TAG.structure_type:
      case TAG.class_type:
      case TAG.interface_type:
      case TAG.union_type:
        return this.#struct(entry, name, sizeBytes);
      case TAG.array_type:
        return this.#array(entry, name, sizeBytes);
      case TAG.enumeration_type:
        return this.#enum(entry, name, sizeBytes);
      case TAG.subroutine_type:
      case TAG.subprogram:
        return this.#function(entry, name);
      case TAG.subrange_type:
        return this.#modified(entry, "typedef", name);
      case TAG.unspecified_type:
        return { kind: "unspecified", name, sizeBytes };
      default:
        return {
          kind: "unspecified",
          name: name || `<type of DWARF tag 0x${entry.tag.toString(16)}>`,
          sizeBytes,
        };
    }
  }

  /** Adds a `target` that is found when it is looked at. */
  #lazy<T extends object>(entry: Entry, type: T): T & { readonly target: Type | null } {
    let target: Type | null | undefined;
    const of = (from: Entry, attribute?: number): Type | null => this.of(from, attribute);
    return Object.defineProperty(type, "target", {
      enumerable: true,
      get: () => (target === undefined ? (target = of(entry)) : target),
    }) as T & { readonly target: Type | null };
  }

  #modified(
    entry: Entry,
    kind: "typedef" | "const" | "volatile" | "restrict" | "atomic",
    name: string,
  ): Type {
    const sizeOf = (type: Type | null): number => this.#deeper(() => type?.sizeBytes ?? 0, 0);
    let sizeBytes: number | undefined;
    const type = this.#lazy(entry, {
      kind,
      name,
      get sizeBytes(): number {
        if (sizeBytes === undefined) {
          sizeBytes = 0; // what a type that contains itself finds
          sizeBytes = sizeOf(type.target);
        }
        return sizeBytes;
      },
    });
    return type;
  }

  #memberPointer(entry: Entry, name: string, sizeBytes: number): Type {
    const of = (from: Entry, attribute?: number): Type | null => this.of(from, attribute);
    return this.#lazy(entry, {
      kind: "member-pointer",
      name,
      get sizeBytes(): number {
        // A pointer to a member function is a pair (Itanium C++ ABI §2.3).
        if (sizeBytes !== 0) return sizeBytes;
        return of(entry)?.kind === "function" ? entry.unit.addressSize * 2 : entry.unit.addressSize;
      },
      get of(): Type | null {
        return of(entry, AT.containing_type);
      },
    });
  }

  #struct(declared: Entry, name: string, sizeBytes: number): StructType {
    let entry: Entry | undefined;
    // A declaration stands for the definition in another unit, which may be known only later.
    const definition = (): Entry => {
      if (entry) return entry;
      if (!declared.flag(AT.declaration)) return (entry = declared);
      const found = this.#context.attempt(() => this.#context.definition(declared));
      if (found && !found.flag(AT.declaration)) return (entry = found);
      return declared;
    };
    let content: { members: readonly Member[]; variants: VariantPart | null } | undefined;
    const contents = (): { members: readonly Member[]; variants: VariantPart | null } => {
      const from = definition();
      const complete = content ?? this.#contents(from);
      if (entry) content = complete;
      return complete;
    };
    return {
      kind: declared.tag === TAG.union_type ? "union" : declared.tag === TAG.class_type ? "class" : "struct",
      name,
      isTagged: isPlain(declared),
      get sizeBytes(): number {
        return sizeBytes || (definition().number(AT.byte_size) ?? 0);
      },
      get isIncomplete(): boolean {
        return definition().flag(AT.declaration);
      },
      get members(): readonly Member[] {
        return contents().members;
      },
      get variants(): VariantPart | null {
        return contents().variants;
      },
    };
  }

  #contents(entry: Entry): { members: readonly Member[]; variants: VariantPart | null } {
    const members: Member[] = [];
    let variants: VariantPart | null = null;
    this.#context.attempt(() => {
      for (const child of entry.children()) {
        if (members.length >= CHILDREN_MAX) break;
        if (child.tag === TAG.member || child.tag === TAG.inheritance || child.tag === TAG.variable)
          members.push(this.#member(child));
        else if (child.tag === TAG.variant_part) variants = this.#variantPart(child);
      }
    });
    return { members, variants };
  }

  #member(entry: Entry): Member {
    const of = (from: Entry, attribute?: number): Type | null => this.of(from, attribute);
    const isBase = entry.tag === TAG.inheritance;
    let type: Type | null | undefined;
    const typeOf = (): Type | null => (type === undefined ? (type = of(entry)) : type);
    const head = {
      name: entry.name ?? "",
      get type(): Type | null {
        return typeOf();
      },
    };
    const isStatic = entry.tag === TAG.variable || (entry.tag === TAG.member && entry.flag(AT.declaration));
    if (isStatic) {
      // The declaration inside the class has no address; the definition outside is a global variable of the qualified name.
      const locateStatic = (_object: Location, context: FrameContext): Location =>
        this.#context.locateVariable(entry, context);
      return withType(head, { kind: "static", offsetBits: 0, sizeBits: null, locate: locateStatic });
    }
    const kind = isBase ? "base" : "field";
    const location = entry.raw(AT.data_member_location);
    let offsetBytes = 0;
    if (location?.value instanceof Uint8Array) {
      const expression = location.value;
      const offset = memberOffset(expression, entry);
      if (offset === undefined) {
        const find = (object: Location, context: FrameContext): Location =>
          this.#dynamicMember(entry, expression, object, context);
        return withType(head, { kind, offsetBits: 0, sizeBits: null, locate: find });
      }
      offsetBytes = offset;
    } else {
      offsetBytes = entry.number(AT.data_member_location) ?? 0;
    }
    const sizeBits = entry.number(AT.bit_size) ?? null;
    let offsetBits = offsetBytes * 8 + (entry.number(AT.data_bit_offset) ?? 0);
    const fromTop = entry.number(AT.bit_offset);
    if (sizeBits !== null && fromTop !== undefined) {
      // DWARF 2 and 3 count from the most significant bit of a storage unit, which is backwards on a little-endian machine.
      const storageBytes = entry.number(AT.byte_size) ?? this.#deeper(() => typeOf()?.sizeBytes ?? 0, 0);
      offsetBits += storageBytes * 8 - fromTop - sizeBits;
    }
    return withType(head, { kind, offsetBits: Math.max(0, offsetBits), sizeBits });
  }

  /** A virtual base: its offset stands in the object's virtual table. */
  #dynamicMember(entry: Entry, expression: Uint8Array, object: Location, context: FrameContext): Location {
    if (object.kind !== "memory") return { kind: "unavailable", reason: "the object is in no memory" };
    return locate(expression, {
      ...this.#context.environment(entry, context),
      initial: [object.address],
      objectAddress: object.address,
    });
  }

  #variantPart(entry: Entry): VariantPart {
    const discriminantEntry = this.#context.attempt(() => entry.reference(AT.discr));
    const discriminant = discriminantEntry ? this.#member(discriminantEntry) : null;
    const isSigned = discriminant !== null && this.#isSigned(discriminant.type);
    const variants: { values: readonly ValueRange[]; members: readonly Member[] }[] = [];
    for (const child of entry.children()) {
      if (child.tag !== TAG.variant || variants.length >= CHILDREN_MAX) continue;
      const members: Member[] = [];
      for (const member of child.children()) {
        if (member.tag === TAG.member && members.length < CHILDREN_MAX) members.push(this.#member(member));
      }
      variants.push({ values: discriminantValues(child, isSigned), members });
    }
    return { discriminant, variants };
  }

  #isSigned(type: Type | null): boolean {
    return this.#deeper(() => {
      if (type?.kind === "base") return type.encoding === "signed" || type.encoding === "character";
      if (type?.kind === "enum") return type.isSigned;
      return type !== null && "target" in type && type.kind !== "pointer" && this.#isSigned(type.target);
    }, false);
  }

  #array(entry: Entry, name: string, declaredBytes: number): ArrayType {
    const element = this.#lazy(entry, {});
    let ranges: readonly Entry[] | undefined;
    const subranges = (): readonly Entry[] =>
      (ranges ??=
        this.#context.attempt(() =>
          [...take(entry.children(), 64)].filter(
            (each) => each.tag === TAG.subrange_type || each.tag === TAG.enumeration_type,
          ),
        ) ?? []);
    const dimensions = (): readonly (number | null)[] => {
      const found = subranges().map((range) => this.#constantCount(range));
      return found.length === 0 ? [null] : found;
    };
    const elementBytes = (): number => this.#deeper(() => element.target?.sizeBytes ?? 0, 0);
    const type: ArrayType = {
      kind: "array",
      name,
      get element(): Type | null {
        return element.target;
      },
      get dimensions(): readonly (number | null)[] {
        return dimensions();
      },
      get sizeBytes(): number {
        if (declaredBytes !== 0) return declaredBytes;
        const each = elementBytes();
        return dimensions().reduce<number>((product, count) => product * (count ?? 0), each);
      },
      bounds: (context) => {
        const found = subranges().map(
          (range) => this.#constantCount(range) ?? this.#dynamicCount(range, context),
        );
        return found.length === 0 ? [null] : found;
      },
      isVector: entry.flag(AT.GNU_vector),
    };
    return type;
  }

  #constantCount(range: Entry): number | null {
    if (range.tag === TAG.enumeration_type) return [...take(range.children(), CHILDREN_MAX)].length;
    const count = range.raw(AT.count);
    if (count && !(count.value instanceof Uint8Array) && !isReference(count.form))
      return clampCount(range.constant(AT.count, false));
    const upper = range.raw(AT.upper_bound);
    if (!upper || upper.value instanceof Uint8Array || isReference(upper.form)) return null;
    const bound = range.constant(AT.upper_bound, false);
    if (bound === undefined) return null;
    // An array of no elements has the upper bound -1, in a form that does not say it is negative.
    if (bound === 0xffff_ffffn || bound === 0xffff_ffff_ffff_ffffn) return 0;
    return clampCount(bound - this.#lowerBound(range) + 1n);
  }

  #lowerBound(range: Entry): bigint {
    return range.constant(AT.lower_bound, true) ?? (LANGUAGES_FROM_ONE.has(range.unit.language) ? 1n : 0n);
  }

  #dynamicCount(range: Entry, context: FrameContext): number | null {
    for (const attribute of [AT.count, AT.upper_bound]) {
      const value = this.#context.attempt(() => this.#dynamicBound(range, attribute, context));
      if (value === undefined || value === null) continue;
      return clampCount(
        attribute === AT.count ? value : BigInt.asIntN(64, value) - this.#lowerBound(range) + 1n,
      );
    }
    return null;
  }

  #dynamicBound(range: Entry, attribute: number, context: FrameContext): bigint | null {
    const raw = range.raw(attribute);
    if (!raw) return null;
    if (raw.value instanceof Uint8Array) {
      // The value, not its address: GCC writes "fbreg n; deref".
      const value = compute(raw.value, this.#context.environment(range, context));
      return value instanceof Failure ? null : value;
    }
    const variable = isReference(raw.form) ? range.reference(attribute) : undefined;
    if (!variable) return null;
    const location = this.#context.locateVariable(variable, context);
    const sizeBytes = Math.min(8, this.of(variable)?.sizeBytes ?? 8) || 8;
    let bytes: Uint8Array | null = null;
    if (location.kind === "memory") bytes = context.readMemory(location.address, sizeBytes);
    else if (location.kind === "value") bytes = location.bytes;
    else if (location.kind === "register") return context.registers.get(location.register) ?? null;
    if (!bytes) return null;
    let value = 0n;
    for (let i = Math.min(bytes.length, sizeBytes) - 1; i >= 0; i--)
      value = (value << 8n) | BigInt(bytes[i]!);
    return value;
  }

  #enum(declared: Entry, name: string, sizeBytes: number): EnumType {
    const of = (from: Entry, attribute?: number): Type | null => this.of(from, attribute);
    let cached: { isSigned: boolean; enumerators: readonly { name: string; value: bigint }[] } | undefined;
    const contents = (): NonNullable<typeof cached> => {
      if (cached) return cached;
      const entry = declared.flag(AT.declaration)
        ? (this.#context.attempt(() => this.#context.definition(declared)) ?? declared)
        : declared;
      const enumerators: { name: string; value: bigint }[] = [];
      this.#context.attempt(() => {
        for (const child of entry.children()) {
          if (child.tag !== TAG.enumerator || enumerators.length >= CHILDREN_MAX) continue;
          enumerators.push({ name: child.name ?? "", value: child.constant(AT.const_value, false) ?? 0n });
        }
      });
      const isSigned = this.#isSigned(of(entry)) || enumerators.some((each) => each.value < 0n);
      return (cached = { isSigned, enumerators });
    };
    return {
      kind: "enum",
      name,
      sizeBytes: sizeBytes || 4,
      isTagged: isPlain(declared),
      get isSigned(): boolean {
        return contents().isSigned;
      },
      get enumerators(): readonly { readonly name: string; readonly value: bigint }[] {
        return contents().enumerators;
      },
    };
  }

  #function(entry: Entry, name: string): FunctionType {
    const of = (from: Entry, attribute?: number): Type | null => this.of(from, attribute);
    let cached:
      | { parameters: readonly { name: string; readonly type: Type | null }[]; isVariadic: boolean }
      | undefined;
    const contents = (): NonNullable<typeof cached> => {
      if (cached) return cached;
      const parameters: { name: string; readonly type: Type | null }[] = [];
      let isVariadic = false;
      this.#context.attempt(() => {
        for (const child of entry.children()) {
          if (parameters.length >= 1000) break;
          if (child.tag === TAG.unspecified_parameters) isVariadic = true;
          if (child.tag !== TAG.formal_parameter) continue;
          parameters.push({
            name: child.withAttribute(AT.name)?.name ?? "",
            get type(): Type | null {
              return of(child);
            },
          });
        }
      });
      return (cached = { parameters, isVariadic });
    };
    return {
      kind: "function",
      name: entry.tag === TAG.subprogram ? name : "",
      sizeBytes: 0,
      get returns(): Type | null {
        return of(entry);
      },
      get parameters(): FunctionType["parameters"] {
        return contents().parameters;
      },
      get isVariadic(): boolean {
        return contents().isVariadic;
      },
    };
  }
}

/** Keeps a getter on `head` a getter. */
function withType(
  head: { readonly name: string; readonly type: Type | null },
  rest: Omit<Member, "name" | "type">,
): Member {
  return Object.assign(head, rest);
}

/** The constant offset that a member's expression adds to the object's address (DWARF 2); undefined if it does more than that. */
function memberOffset(expression: Uint8Array, entry: Entry): number | undefined {
  const from = (initial: bigint): bigint | Failure =>
    compute(expression, {
      unit: entry.unit,
      is64: entry.unit.addressSize === 8,
      bias: 0n,
      frame: { address: 0n, registers: new Map(), readMemory: () => null },
      initial: [initial],
    });
  const offset = from(0n);
  return offset instanceof Failure || offset > 0x7fff_ffffn ? undefined : Number(offset);
}

/** `discr_value`, or the pairs of `discr_list` (DWARF 5 §5.7.10). */
function discriminantValues(variant: Entry, isSigned: boolean): ValueRange[] {
  const value = variant.constant(AT.discr_value, isSigned);
  if (value !== undefined) return [{ from: value, to: value }];
  const wide = variant.block(AT.discr_value);
  if (wide) {
    let big = 0n;
    for (let i = wide.length - 1; i >= 0; i--) big = (big << 8n) | BigInt(wide[i]!);
    return [{ from: big, to: big }];
  }
  const list = variant.block(AT.discr_list);
  const ranges: ValueRange[] = [];
  let at = 0;
  const leb = (): bigint => {
    let result = 0n;
    let bits = 0n;
    for (let byte = 0x80; byte >= 0x80 && list && at < list.length; bits += 7n) {
      byte = list[at++]!;
      result |= BigInt(byte & 0x7f) << bits;
      if (byte < 0x80 && isSigned && (byte & 0x40) !== 0) result -= 1n << (bits + 7n);
    }
    return result;
  };
  while (list && at < list.length) {
    const isRange = list[at++] === 1;
    const from = leb();
    ranges.push({ from, to: isRange ? leb() : from });
  }
  return ranges;
}

function isReference(form: number): boolean {
  return (form >= 0x10 && form <= 0x15) || form === 0x20;
}

function clampCount(count: bigint | undefined): number | null {
  if (count === undefined) return null;
  return count <= 0n ? 0 : count > 0xffff_ffff_ffffn ? null : Number(count);
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
