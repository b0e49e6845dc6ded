/** Exception vectors and their error codes in words (SDM 3A table 6-1, §6.13, §4.7). */
import { PAGE_FAULT } from "../../emulator/index.ts";

export interface Vector {
  readonly number: number;
  /** "#PF" */
  readonly mnemonic: string;
  readonly name: string;
  readonly kind: "fault" | "trap" | "abort" | "interrupt" | "fault or trap";
}

const list: readonly (readonly [number, string, string, Vector["kind"]])[] = [
  [0, "#DE", "divide error", "fault"],
  [1, "#DB", "debug", "fault or trap"],
  [2, "NMI", "non-maskable interrupt", "interrupt"],
  [3, "#BP", "breakpoint (INT3)", "trap"],
  [4, "#OF", "overflow (INTO)", "trap"],
  [5, "#BR", "BOUND range exceeded", "fault"],
  [6, "#UD", "invalid opcode", "fault"],
  [7, "#NM", "no x87 or SSE available", "fault"],
  [8, "#DF", "double fault", "abort"],
  [10, "#TS", "invalid TSS", "fault"],
  [11, "#NP", "segment not present", "fault"],
  [12, "#SS", "stack-segment fault", "fault"],
  [13, "#GP", "general protection", "fault"],
  [14, "#PF", "page fault", "fault"],
  [16, "#MF", "x87 floating-point error", "fault"],
  [17, "#AC", "alignment check", "fault"],
  [18, "#MC", "machine check", "abort"],
  [19, "#XM", "SIMD floating-point error", "fault"],
];

export const VECTORS: readonly Vector[] = list.map(([number, mnemonic, name, kind]) => ({
  number,
  mnemonic,
  name,
  kind,
}));

export const vectorNamed = (number: number): Vector | null =>
  VECTORS.find((vector) => vector.number === number) ?? null;

/** "#PF (page fault)", "vector 0x20". */
export function vectorText(number: number): string {
  const known = vectorNamed(number);
  return known === null ? `vector 0x${number.toString(16)}` : `${known.mnemonic} (${known.name})`;
}

/** What the bits of an error code say: for #PF the access, else the selector. */
export function errorCodeText(vector: number, code: number): string {
  const hex = `0x${code.toString(16)}`;
  if (vector === 14) return `${hex}: ${pageFaultText(code)}`;
  if (code === 0) return "0";
  if (vector === 17) return hex;
  const parts: string[] = [];
  const index = code >>> 3;
  if ((code & 2) !== 0) parts.push(`IDT entry 0x${index.toString(16)} (${vectorText(index)})`);
  else
    parts.push(
      `${(code & 4) !== 0 ? "LDT" : "GDT"} selector 0x${(code & 0xfffc).toString(16)} (entry ${index})`,
    );
  if ((code & 1) !== 0) parts.push("while delivering an external event");
  return `${hex}: ${parts.join(", ")}`;
}

export function pageFaultText(code: number): string {
  const who = (code & PAGE_FAULT.user) !== 0 ? "user" : "supervisor";
  const what =
    (code & PAGE_FAULT.fetch) !== 0
      ? "instruction fetch"
      : (code & PAGE_FAULT.write) !== 0
        ? "write"
        : "read";
  const why =
    (code & PAGE_FAULT.reserved) !== 0
      ? "with a reserved bit set in a paging entry"
      : (code & PAGE_FAULT.present) !== 0
        ? "that the page's rights forbid"
        : "of a page that is not present";
  return `${who} ${what} ${why}`;
}
