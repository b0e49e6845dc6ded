/**
 * The debug information of one file: its sections, its units, and the way from an offset or a type signature to an entry.
 *
 * Opening it reads the headers of the units and nothing else. Units that are read whole stay in memory up to WARM_BYTES.
 * Elsewhere: which unit covers an address (`address-map.ts`), which has a name (`name-index.ts`).
 */
import { SymbolError } from "../error.ts";
import { Section } from "../reader.ts";
import { UT } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { type DebugContext, Unit, type UnitHeader } from "./unit.ts";

const WARM_BYTES = 64 << 20;
// More problems than these are the same one over and over.
const PROBLEMS_MAX = 100;
// Words of zero between units.
const PADDING_MAX = 4096;

export class DebugData implements DebugContext {
  readonly name: string;
  readonly addressSize: 4 | 8;
  readonly supplementary: DebugContext | undefined;
  /** Whether an address, as linked, can be code: what a linker threw away keeps its debug information at 0 or thereabouts. */
  readonly hasCode: (address: bigint) => boolean;
  /** What had to be left out, and where in the file the reason is. */
  readonly problems: SymbolError[] = [];
  readonly #find: (name: string) => Section | undefined;
  readonly #sections = new Map<string, Section>();
  readonly #texts = { ".debug_str": new Map<number, string>(), ".debug_line_str": new Map<number, string>() };
  readonly #warm = new Map<Unit, number>();
  #warmBytes = 0;
  #units: readonly Unit[] | undefined;
  #typeUnits: Map<bigint, Unit> | undefined;

  constructor(source: {
    readonly name: string;
    readonly addressSize: 4 | 8;
    readonly section: (name: string) => Section | undefined;
    readonly hasCode: (address: bigint) => boolean;
    readonly supplementary?: DebugContext | undefined;
  }) {
    this.name = source.name;
    this.addressSize = source.addressSize;
    this.#find = source.section;
    this.hasCode = source.hasCode;
    this.supplementary = source.supplementary;
  }

  section(name: string): Section {
    let section = this.#sections.get(name);
    if (!section) {
      section = this.attempt(() => this.#find(name)) ?? Section.empty(this.name, name);
      this.#sections.set(name, section);
    }
    return section;
  }

  text(section: ".debug_str" | ".debug_line_str", offset: number): string {
    const texts = this.#texts[section];
    let text = texts.get(offset);
    if (text === undefined) {
      text = this.section(section).string(offset);
      // File names of a kernel: tens of thousands. More is something else.
      if (texts.size < 500_000) texts.set(offset, text);
    }
    return text;
  }

  attempt<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.problem(error);
      return undefined;
    }
  }

  problem(error: SymbolError): void {
    if (this.problems.length >= PROBLEMS_MAX || this.problems.some((each) => each.message === error.message))
      return;
    this.problems.push(error);
  }

  /** All units of `.debug_info`, in file order, and behind them those of `.debug_types`. */
  get units(): readonly Unit[] {
    if (!this.#units) {
      const units: Unit[] = [];
      for (const name of [".debug_info", ".debug_types"]) {
        const section = this.section(name);
        this.attempt(() => {
          for (const unit of this.#headers(section, name === ".debug_types")) units.push(unit);
        });
      }
      this.#units = units;
    }
    return this.#units;
  }

  unitAt(offset: number): Unit | undefined {
    const { units } = this;
    const section = this.section(".debug_info");
    let from = 0;
    let to = units.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const unit = units[middle]!;
      if (unit.section === section && unit.offset <= offset) from = middle + 1;
      else to = middle;
    }
    const unit = units[from - 1];
    return unit && offset < unit.end ? unit : undefined;
  }

  entryAt(offset: number): Entry {
    const unit = this.unitAt(offset);
    if (!unit) throw this.section(".debug_info").error(offset, "reference to an entry outside all units");
    return unit.entry(offset);
  }

  typeUnit(signature: bigint): Unit | undefined {
    this.#typeUnits ??= new Map(
      this.units
        .filter((unit) => unit.kind === UT.type || unit.kind === UT.split_type)
        .map((unit) => [unit.signature, unit]),
    );
    return this.#typeUnits.get(signature);
  }

  touch(unit: Unit): void {
    const size = unit.end - unit.offset;
    this.#warm.set(unit, size);
    this.#warmBytes += size;
    for (const [other, bytes] of this.#warm) {
      if (this.#warmBytes <= WARM_BYTES || other === unit) break;
      this.#warm.delete(other);
      this.#warmBytes -= bytes;
      other.release();
    }
  }

  *#headers(section: Section, areTypes: boolean): Generator<Unit> {
    let padding = 0;
    for (let offset = 0; offset < section.size;) {
      const cursor = section.cursor(offset, section.size, 64);
      const { length, is64 } = cursor.initialLength();
      const end = cursor.position + length;
      if (length === 0 || end > section.size) {
        // Zeroes between units are padding; anything else ends the list, because there is no way to find the next unit.
        if (length === 0 && !is64 && padding++ < PADDING_MAX) {
          offset += 4;
          continue;
        }
        throw section.error(offset, `a unit of ${length} bytes reaches behind the end of the section`);
      }
      const header = this.attempt(() => this.#header(section, offset, end, is64, areTypes));
      if (header) yield new Unit(this, header);
      offset = end;
    }
  }

  #header(section: Section, offset: number, end: number, is64: boolean, areTypes: boolean): UnitHeader {
    const cursor = section.cursor(offset + (is64 ? 12 : 4), end, 64);
    const version = cursor.u16();
    if (version < 2 || version > 5)
      throw section.error(offset, `DWARF version ${version} is not one of 2 to 5`);
    let kind: number = areTypes ? UT.type : UT.compile;
    let addressSize: number;
    let abbreviations: number;
    if (version >= 5) {
      kind = cursor.u8();
      addressSize = cursor.u8();
      abbreviations = cursor.offset(is64);
    } else {
      abbreviations = cursor.offset(is64);
      addressSize = cursor.u8();
    }
    if (addressSize !== 4 && addressSize !== 8 && addressSize !== 2)
      throw section.error(offset, `addresses of ${addressSize} bytes`);
    let signature = 0n;
    let typeOffset = 0;
    if (kind === UT.type || kind === UT.split_type) {
      signature = cursor.u64();
      typeOffset = cursor.offset(is64);
    } else if (kind === UT.skeleton || kind === UT.split_compile) {
      cursor.skip(8);
    } else if (kind !== UT.compile && kind !== UT.partial) {
      throw section.error(offset, `unit type 0x${kind.toString(16)} is not known`);
    }
    return {
      section,
      offset,
      first: cursor.position,
      end,
      version,
      is64,
      addressSize,
      kind,
      abbreviations,
      signature,
      typeOffset,
    };
  }
}
