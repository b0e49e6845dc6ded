/**
 * Directives of the assemblers as facts: how one is written and what it does, in a sentence.
 *
 * Invariant: every directive that the parsers know has an entry (a test says so), aliases of one share it.
 * Elsewhere: the tables (`gas-directives.ts`, `nasm-directives.ts`), what directives mean to the parsers (`../gas/directive.ts`, `../nasm/`).
 */
import { gasDirectives } from "./gas-directives.ts";
import { nasmDirectives } from "./nasm-directives.ts";

export interface Directive {
  readonly name: string;
  /** What follows the name: "name[, \"flags\"[, @type]]". */
  readonly operands: string;
  readonly sentence: string;
  /** 0: what every boot file uses; 1: ordinary; 2: rarely written by hand. */
  readonly rarity: 0 | 1 | 2;
}

/** Names that mean the same, operands, sentence. */
export type Row = readonly [names: string, operands: string, sentence: string];

/** `common` and `rare` are those that stand before and behind the others. */
function made(rows: readonly Row[], common: string, rare: string): ReadonlyMap<string, Directive> {
  const isCommon = new Set(common.split(" "));
  const isRare = new Set(rare.split(" "));
  return new Map(
    rows.flatMap(([names, operands, sentence]) =>
      names.split(" ").map((name): [string, Directive] => {
        const rarity = isCommon.has(name) ? 0 : isRare.has(name) || name.startsWith(".cfi_") ? 2 : 1;
        return [name, { name, operands, sentence, rarity }];
      }),
    ),
  );
}

const gasCommon =
  ".text .data .bss .section .globl .global .code16 .code32 .code64 .byte .word .long .quad .ascii .asciz .string .skip .fill .balign .org .set .equ .macro .endm .rept .endr .include .if .else .endif .intel_syntax .att_syntax #include #define #ifdef #ifndef #if #else #endif";
const gasRare =
  ".abort .rep .bundle_align_mode .bundle_lock .bundle_unlock .common .dc .dc.a .dc.b .dc.d .dc.l .dc.s .dc.w .dc.x .dcb .dcb.b .dcb.l .dcb.w .desc .dim .ds .ds.b .ds.l .ds.w .eject .elsec .elsif .endef .endfunc .endmacro .eqv .func .gnu_attribute .ifnotdef .largecomm .linkonce .list .ln .lns .mri .nolist .psize .rva .sbttl .scl .secrel32 .slong .space .sspace .stabd .stabn .stabs .stabx .tag .tfloat .title .val .vtable_entry .vtable_inherit .xref .att_mnemonic .intel_mnemonic .extern .loc_mark_labels .line .base64 .bfloat16 .def";
const nasmCommon =
  "bits section global extern db dw dd dq resb resw resd resq times equ org align default %define %macro %endmacro %include %if %ifdef %else %endif %assign %rep %endrep";
const nasmRare =
  "use16 use32 use64 required dt do dy dz rest reso resy resz group import export library module uppercase list debug map prefix gprefix suffix gsuffix postfix gpostfix lprefix lsuffix safeseh osabi dollarhex float sectalign";

export const directives = {
  gas: made(gasDirectives, gasCommon, gasRare),
  nasm: made(nasmDirectives, nasmCommon, nasmRare),
} as const;
