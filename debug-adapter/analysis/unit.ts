/**
 * Compilation units that were allowed to use the red zone, by what their compiler recorded of its switches.
 *
 * GCC records those that matter in DW_AT_producer (-grecord-gcc-switches, its default); -mred-zone is its default, so a record without -mno-red-zone is a yes.
 * Clang and rustc record none unless asked: of them only what their code does is known.
 */
import type { SymbolImage } from "../symbols/index.ts";

export interface UnitSwitches {
  /** As the compiler recorded it, joined with its directory. */
  readonly file: string;
  readonly producer: string;
  readonly redZone: "yes" | "no" | "unknown";
}

/** What a producer says; null for an assembler, which has no switch for it, and for code of another width. */
export function switchesOf(producer: string): UnitSwitches["redZone"] | null {
  if (/^GNU AS\b|^The Netwide Assembler|^NASM\b|^yasm\b/i.test(producer)) return null;
  // GCC's words are those of its command line; Clang's appear only with -grecord-command-line.
  const words = producer.split(/\s+/);
  if (words.includes("-m32") || words.includes("-m16")) return null;
  const last = words.findLast((word) => word === "-mno-red-zone" || word === "-mred-zone");
  if (last !== undefined) return last === "-mred-zone" ? "yes" : "no";
  const isRecorded = words.some((word) => /^-(?:m|O|f|g)/.test(word));
  return isRecorded ? "yes" : "unknown";
}

/** The units of an image that have code of a compiler. */
export function* unitsOf(image: SymbolImage): Generator<UnitSwitches> {
  const seen = new Set<string>();
  for (const unit of image.units()) {
    const redZone = switchesOf(unit.producer);
    if (redZone === null) continue;
    const key = `${unit.file}\0${unit.producer}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield { ...unit, redZone };
  }
}
