/**
 * Entries by name: functions, global variables, types; and which entries are instances of which.
 *
 * Made by one pass over all units, a unit a step, so that a caller can do other things in between or give up; what has been passed
 * can be asked about at once. Names are those in the entries (`open`, not `net::Socket::open`) and linkage names.
 * Invariant: an entry is known by its key, its offset in `.debug_info`, or TYPES_BIAS more in `.debug_types`.
 */
import { AT, TAG } from "./constants.ts";
import type { DebugData } from "./debug-data.ts";
import type { Entry, Unit } from "./unit.ts";

const TYPES_BIAS = 2 ** 51;
// Types of one name: most are the same header's structure in another unit.
const DEFINITIONS_MAX = 16;

const TYPE_TAGS: ReadonlySet<number> = new Set([
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.interface_type,
  TAG.enumeration_type,
  TAG.typedef,
  TAG.template_alias,
  TAG.base_type,
  TAG.unspecified_type,
]);
const TAGS: ReadonlySet<number> = new Set([
  ...TYPE_TAGS,
  TAG.subprogram,
  TAG.inlined_subroutine,
  TAG.variable,
  TAG.lexical_block,
]);

/** Lists of numbers by name. */
class Lists {
  readonly #lists = new Map<string, number | number[]>();

  add(name: string, key: number, max: number): void {
    const list = this.#lists.get(name);
    if (list === undefined) this.#lists.set(name, key);
    else if (typeof list === "number") this.#lists.set(name, [list, key]);
    else if (list.length < max) list.push(key);
  }

  get(name: string): readonly number[] {
    const list = this.#lists.get(name);
    return list === undefined ? [] : typeof list === "number" ? [list] : list;
  }

  names(): IterableIterator<string> {
    return this.#lists.keys();
  }
}

/** Pairs (origin, instance), found by origin. */
class Instances {
  #origins = new Float64Array(1024);
  #instances = new Float64Array(1024);
  #count = 0;
  #order: Uint32Array | undefined;

  add(origin: number, instance: number): void {
    if (this.#count === this.#origins.length) {
      const grow = (from: Float64Array): Float64Array<ArrayBuffer> => {
        const to = new Float64Array(from.length * 2);
        to.set(from);
        return to;
      };
      this.#origins = grow(this.#origins);
      this.#instances = grow(this.#instances);
    }
    this.#origins[this.#count] = origin;
    this.#instances[this.#count++] = instance;
    this.#order = undefined;
  }

  of(origin: number): number[] {
    if (!this.#order) {
      const order = new Uint32Array(this.#count);
      for (let i = 0; i < order.length; i++) order[i] = i;
      this.#order = order.sort((a, b) => this.#origins[a]! - this.#origins[b]! || a - b);
    }
    const order = this.#order;
    let from = 0;
    let to = order.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#origins[order[middle]!]! < origin) from = middle + 1;
      else to = middle;
    }
    const found: number[] = [];
    for (; from < order.length && this.#origins[order[from]!] === origin; from++)
      found.push(this.#instances[order[from]!]!);
    return found;
  }
}

export class NameIndex {
  readonly #data: DebugData;
  readonly #functions = new Lists();
  readonly #variables = new Lists();
  readonly #types = new Lists();
  readonly #instances = new Instances();
  /** Strings of `.debug_str` by offset, because the same few name most things. */
  readonly #strings = new Map<number, string>();
  #next = 0;

  constructor(data: DebugData) {
    this.#data = data;
  }

  /** Passes over the units not yet seen. Each value is the fraction of bytes done. */
  *index(): Generator<number> {
    const { units } = this.#data;
    const total = units.reduce((sum, unit) => sum + unit.end - unit.offset, 0) || 1;
    let done = 0;
    for (let i = 0; i < this.#next; i++) done += units[i]!.end - units[i]!.offset;
    while (this.#next < units.length) {
      const unit = units[this.#next++]!;
      this.#data.attempt(() => this.#scan(unit));
      done += unit.end - unit.offset;
      yield done / total;
    }
    this.#strings.clear();
  }

  get isComplete(): boolean {
    return this.#next >= this.#data.units.length;
  }

  /** Entries of functions with this name or linkage name: declarations, definitions, abstract instances. */
  functions(name: string): Entry[] {
    return this.#entries(this.#functions.get(name));
  }

  variables(name: string): Entry[] {
    return this.#entries(this.#variables.get(name));
  }

  /** Definitions of types with this name. */
  types(name: string): Entry[] {
    return this.#entries(this.#types.get(name));
  }

  variableNames(): IterableIterator<string> {
    return this.#variables.names();
  }

  functionNames(): IterableIterator<string> {
    return this.#functions.names();
  }

  typeNames(): IterableIterator<string> {
    return this.#types.names();
  }

  /** What names `entry` as its origin or specification, and what names those, and so on. */
  instancesOf(entry: Entry): Entry[] {
    const keys: number[] = [];
    const seen = new Set<number>();
    const pending = [this.#key(entry)];
    for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
      for (const instance of this.#instances.of(key)) {
        if (seen.has(instance) || seen.size > 100_000) continue;
        seen.add(instance);
        keys.push(instance);
        pending.push(instance);
      }
    }
    return this.#entries(keys);
  }

  #key(entry: Entry): number {
    return entry.offset + (entry.unit.section.name === ".debug_types" ? TYPES_BIAS : 0);
  }

  #entries(keys: readonly number[]): Entry[] {
    const entries: Entry[] = [];
    for (const key of keys) {
      const entry = this.#data.attempt(() =>
        key < TYPES_BIAS
          ? this.#data.entryAt(key)
          : this.#data.units.find((unit) => this.#inTypes(unit, key - TYPES_BIAS))?.entry(key - TYPES_BIAS),
      );
      if (entry) entries.push(entry);
    }
    return entries;
  }

  #inTypes(unit: Unit, offset: number): boolean {
    return unit.section.name === ".debug_types" && offset >= unit.offset && offset < unit.end;
  }

  #scan(unit: Unit): void {
    const bias = unit.section.name === ".debug_types" ? TYPES_BIAS : 0;
    // Depth of the function being passed; what lies deeper is its own.
    let functionDepth = Number.MAX_SAFE_INTEGER;
    unit.scan(TAGS, (entry, depth) => {
      if (depth <= functionDepth) functionDepth = Number.MAX_SAFE_INTEGER;
      const key = entry.offset + bias;
      switch (entry.tag) {
        case TAG.subprogram:
          if (functionDepth === Number.MAX_SAFE_INTEGER) functionDepth = depth;
          this.#function(entry, key);
          return true;
        case TAG.inlined_subroutine:
          this.#instance(entry, AT.abstract_origin, key);
          return true;
        case TAG.lexical_block:
          return true;
        case TAG.variable:
          if (depth < functionDepth) this.#variable(entry, key);
          return false;
        default:
          this.#type(entry, key);
          return (
            entry.tag !== TAG.enumeration_type && entry.tag !== TAG.typedef && entry.tag !== TAG.base_type
          );
      }
    });
  }

  #function(entry: Entry, key: number): void {
    const name = this.#name(entry, AT.name);
    if (name !== undefined) this.#functions.add(name, key, Number.MAX_SAFE_INTEGER);
    const linkage = this.#name(entry, AT.linkage_name) ?? this.#name(entry, AT.MIPS_linkage_name);
    if (linkage !== undefined && linkage !== name) this.#functions.add(linkage, key, Number.MAX_SAFE_INTEGER);
    this.#instance(entry, AT.specification, key);
    this.#instance(entry, AT.abstract_origin, key);
  }

  #variable(entry: Entry, key: number): void {
    this.#instance(entry, AT.specification, key);
    if (!entry.has(AT.location) && !entry.has(AT.const_value)) return;
    const named = entry.has(AT.name) ? entry : entry.withAttribute(AT.name);
    const name = named && this.#name(named, AT.name);
    if (name !== undefined) this.#variables.add(name, key, DEFINITIONS_MAX);
    const linkage = named && (this.#name(named, AT.linkage_name) ?? this.#name(named, AT.MIPS_linkage_name));
    if (linkage !== undefined && linkage !== name) this.#variables.add(linkage, key, DEFINITIONS_MAX);
  }

  #type(entry: Entry, key: number): void {
    const name = this.#name(entry, AT.name);
    if (name !== undefined && !entry.flag(AT.declaration)) this.#types.add(name, key, DEFINITIONS_MAX);
  }

  #instance(entry: Entry, attribute: number, key: number): void {
    const origin = entry.referenceOffset(attribute);
    if (origin !== undefined) this.#instances.add(origin, key);
  }

  #name(entry: Entry, attribute: number): string | undefined {
    const offset = entry.stringOffset(attribute);
    if (offset === undefined) return entry.string(attribute);
    let name = this.#strings.get(offset);
    if (name === undefined) {
      name = entry.string(attribute) ?? "";
      this.#strings.set(offset, name);
    }
    return name;
  }
}
