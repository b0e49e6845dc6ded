/**
 * The rules there are. Order is that of lists of them; findings are sorted by their places.
 *
 * Elsewhere: how findings are shown (`features/diagnostics.ts`), those of linker scripts (`script/rules/`).
 */
import { scriptRules } from "../script/index.ts";
import type { SyntaxFile } from "../syntax.ts";
import type { World } from "../world.ts";
import { bootSector } from "./boot-sector.ts";
import { cr3Alignment } from "./cr3-alignment.ts";
import { duplicateLabel } from "./duplicate-label.ts";
import { farJump } from "./far-jump.ts";
import { gateSize } from "./gate-size.ts";
import { instructionMode } from "./instruction-mode.ts";
import { iretWidth } from "./iret-width.ts";
import { multibootAlignment } from "./multiboot-alignment.ts";
import { multibootChecksum } from "./multiboot-checksum.ts";
import { multibootFlags } from "./multiboot-flags.ts";
import { multibootMagic } from "./multiboot-magic.ts";
import { multibootPosition } from "./multiboot-position.ts";
import { multibootTags } from "./multiboot-tags.ts";
import { paeBeforePaging } from "./pae-before-paging.ts";
import { PerLine } from "./per-line.ts";
import type { Finding, Rule } from "./rule.ts";
import { stackBalance } from "./stack-balance.ts";
import { tableLimit } from "./table-limit.ts";
import { tablePointer } from "./table-pointer.ts";
import { undefinedSymbol } from "./undefined-symbol.ts";

export const rules: readonly Rule[] = [
  multibootMagic,
  multibootChecksum,
  multibootFlags,
  multibootTags,
  multibootAlignment,
  multibootPosition,
  farJump,
  paeBeforePaging,
  cr3Alignment,
  tableLimit,
  tablePointer,
  gateSize,
  instructionMode,
  iretWidth,
  stackBalance,
  bootSector,
  undefinedSymbol,
  duplicateLabel,
  ...scriptRules,
];

export interface Found {
  readonly rule: Rule;
  readonly finding: Finding;
}

/**
 * Everything the rules find in a file, rule by rule; null between them, where a caller may pause. Lines that silence a rule are left out, and so is a file that
 * the parser cannot read, such as another assembler's.
 */
export function* check(file: SyntaxFile, world: World): Generator<Found | null> {
  if (isForeign(file)) {
    return;
  }
  for (const rule of rules) {
    if (rule.languages.includes(file.language)) {
      for (const finding of rule.check(file, world)) {
        if (finding === null) {
          yield null;
        } else if (!isSilenced(file, finding.line, rule.code)) {
          yield { rule, finding };
        }
      }
      yield null;
    }
  }
}

/** More than a few lines, and more than one of thirty, cannot be read. */
function isForeign(file: SyntaxFile): boolean {
  const count = errorCounts.of(file).reduce((sum, errors) => sum + errors, 0);
  return count > 8 && count * 30 > file.lines.length;
}

const errorCounts = new PerLine((line) => line.errors.length);

const silencing = /\bredzone:\s*ignore\s+([a-z\d-]+(?:\s*,\s*[a-z\d-]+)*)/;

/** A comment `redzone: ignore code, code` on the line or on the one before it. */
export function isSilenced(file: SyntaxFile, line: number, code: string): boolean {
  return [line, line - 1].some((number) => {
    const names = silencing.exec(file.lines[number]?.text ?? "")?.[1];
    return names?.split(/\s*,\s*/).includes(code) ?? false;
  });
}
