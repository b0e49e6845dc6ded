/**
 * Entries by name: functions, global variables, types; and which entries are instances of which.
 *
 * Made by one pass over all units, a unit a step, so that a caller can do other things in between or give up; what has been passed
 * can be asked about at once. Names are those in the entries (`open`, not `net::Socket::open`) and linkage names.
 * Invariant: an entry is known by its key, its offset in `.debug_info`, or TYPES_BIAS more in `.debug_types`.
 */
import { AT, TAG } from "./constants.ts";
import type { DebugData } from "./debug-data.ts";
import type { Entry } from "./entry.ts";
import type { Probe } from "./probe.ts";
import type { Unit } from "./unit.ts";

const TYPES_BIAS = 2 ** 51;
// Types of one name: most are the same header's structure in another unit.
const DEFINITIONS_MAX = 4;

const TAGS: ReadonlySet<number> = new Set([
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.interface_type,
  TAG.enumeration_type,
  TAG.typedef,
  TAG.template_alias,
  TAG.base_type,
  TAG.unspecified_type,
  TAG.subprogram,
  TAG.inlined_subroutine,
  TAG.variable,
]);

const SLOT = {
  name: 0,
  linkage: 1,
  declaration: 2,
  specification: 3,
  origin: 4,
  location: 5,
  constant: 6,
} as const;
const WANTED: ReadonlyMap<number, number> = new Map([
  [AT.name, SLOT.name],
  [AT.linkage_name, SLOT.linkage],
  [AT.MIPS_linkage_name, SLOT.linkage],
  [AT.declaration, SLOT.declaration],
  [AT.specification, SLOT.specification],
  [AT.abstract_origin, SLOT.origin],
  [AT.location, SLOT.location],
  [AT.const_value, SLOT.constant],
]);

/** Keys of entries by name. A name in `.debug_str` goes by its offset there, and its text is read when the first question comes. */
class Lists {
  readonly #lists = new Map<number | string, number | number[]>();
  readonly #text: (offset: number) => string;
  readonly #max: number;
  /** Where each name's keys are; made anew when there are new ones. */
  #byText: Map<string, (number | string)[]> | undefined;

  constructor(text: (offset: number) => string, max: number) {
    this.#text = text;
    this.#max = max;
  }

  add(name: number | string, key: number): void {
    const list = this.#lists.get(name);
    if (list === undefined) {
      this.#lists.set(name, key);
      this.#byText = undefined;
    } else if (typeof list === "number") {
      if (this.#max > 1) this.#lists.set(name, [list, key]);
    } else if (list.length < this.#max) list.push(key);
  }

  get(name: string): number[] {
    return (this.#texts().get(name) ?? []).flatMap((each) => this.#lists.get(each) ?? []);
  }

  names(): IterableIterator<string> {
    return this.#texts().keys();
  }

  #texts(): Map<string, (number | string)[]> {
    if (!this.#byText) {
      this.#byText = new Map();
      for (const name of this.#lists.keys()) {
        const text = typeof name === "number" ? this.#text(name) : name;
        const list = this.#byText.get(text);
        if (list) list.push(name);
        else this.#byText.set(text, [name]);
      }
    }
    return this.#byText;
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
  readonly #functions: Lists;
  readonly #variables: Lists;
  readonly #types: Lists;
  readonly #instances = new Instances();
  #next = 0;

  constructor(data: DebugData) {
    this.#data = data;
    const text = (offset: number): string =>
      data.attempt(() => data.section(".debug_str").string(offset)) ?? "";
    this.#functions = new Lists(text, Number.MAX_SAFE_INTEGER);
    this.#variables = new Lists(text, DEFINITIONS_MAX);
    this.#types = new Lists(text, DEFINITIONS_MAX);
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
    unit.probe(TAGS, WANTED, (probe) => {
      if (probe.depth <= functionDepth) functionDepth = Number.MAX_SAFE_INTEGER;
      const key = probe.offset + bias;
      if (probe.tag === TAG.inlined_subroutine) {
        this.#instance(probe, SLOT.origin, key);
      } else if (probe.tag === TAG.subprogram) {
        if (functionDepth === Number.MAX_SAFE_INTEGER) functionDepth = probe.depth;
        this.#named(this.#functions, probe, key);
        this.#instance(probe, SLOT.specification, key);
        this.#instance(probe, SLOT.origin, key);
      } else if (probe.tag === TAG.variable) {
        if (probe.depth < functionDepth) this.#variable(probe, key);
      } else if (!probe.flag(SLOT.declaration)) {
        const name = probe.string(SLOT.name);
        if (name !== undefined) this.#types.add(name, key);
      }
    });
  }

  #named(lists: Lists, probe: Probe, key: number): void {
    const name = probe.string(SLOT.name);
    if (name !== undefined) lists.add(name, key);
    const linkage = probe.string(SLOT.linkage);
    if (linkage !== undefined && linkage !== name) lists.add(linkage, key);
  }

  #variable(probe: Probe, key: number): void {
    this.#instance(probe, SLOT.specification, key);
    if (!probe.has(SLOT.location) && !probe.has(SLOT.constant)) return;
    if (probe.has(SLOT.name)) {
      this.#named(this.#variables, probe, key);
      return;
    }
    // A definition outside its class or namespace has its name in the declaration.
    const named = probe.unit.entry(probe.offset).withAttribute(AT.name);
    if (!named) return;
    const name = named.name;
    if (name !== undefined) this.#variables.add(name, key);
    const linkage = named.string(AT.linkage_name) ?? named.string(AT.MIPS_linkage_name);
    if (linkage !== undefined && linkage !== name) this.#variables.add(linkage, key);
  }

  #instance(probe: Probe, slot: number, key: number): void {
    const origin = probe.reference(slot);
    if (origin >= 0) this.#instances.add(origin, key);
  }
}
