/**
 * What the parser sees in linker scripts is what the installed `ld` sees: its own scripts have no errors and the output sections of its map, and short scripts
 * have errors exactly where ld has.
 *
 * Elsewhere: the tree and the lines (`script.test.ts`), changes and noise (`script-document.test.ts`).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { treeOf } from "../../extension/language/server/script/index.ts";
import { sectionsOf } from "../../extension/language/server/script/tree.ts";

const hasTools = ["as", "ld"].every((tool) => spawnSync(tool, ["--version"]).status === 0);
const emulations = ["elf_x86_64", "elf_i386"];
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "script-"));
  if (hasTools) {
    for (const [emulation, width] of [
      ["elf_x86_64", "--64"],
      ["elf_i386", "--32"],
    ] as const) {
      execFileSync("as", [width, "-o", path.join(folder, `${emulation}.o`), "-"], { input: "nop\n" });
    }
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function link(script: string, emulation = "elf_x86_64", ...options: readonly string[]): string {
  const file = path.join(folder, "script.ld");
  writeFileSync(file, script);
  const object = path.join(folder, `${emulation}.o`);
  const args = ["-m", emulation, "-o", path.join(folder, "out"), "-T", file, object, ...options];
  return spawnSync("ld", args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }).stderr;
}

function errorsOf(script: string): readonly string[] {
  return treeOf(open("file:///a.ld", "linkerscript", script)).errors.map(
    ({ line, start, message }) => `${line + 1}:${start} ${message}`,
  );
}

it
  .runIf(hasTools)
  .each(
    emulations.flatMap((emulation) =>
      [[], ["-shared"], ["-r"], ["-pie"], ["-n"], ["-z", "combreloc"]].map(
        (options) => [emulation, options] as const,
      ),
    ),
  )("ld's own script: %s %s", (emulation, options) => {
  const text = execFileSync("ld", ["-m", emulation, ...options, "--verbose"], { encoding: "utf8" });
  const script = text.split(/^=+$/m)[1] ?? "";
  expect(script.length).toBeGreaterThan(1000);
  const tree = treeOf(open("file:///a.ld", "linkerscript", script));
  expect(tree.errors).toEqual([]);
  const map = path.join(folder, "out.map");
  link(script, emulation, `-Map=${map}`, ...options.filter((option) => option === "-r"));
  const placed = readFileSync(map, "utf8").split("Linker script and memory map")[1] ?? "";
  const names = [...placed.matchAll(/^[./][^\s]+/gm)].map(([name]) => name);
  expect(names.length).toBeGreaterThan(20);
  // ld adds names of input that no rule places at the end.
  const seen = [...sectionsOf(tree)].map(({ name }) => name.text);
  expect(names.slice(0, seen.length)).toEqual(seen);
});

/** ld reads all of it; what it says then of files that are not there is of no interest. */
const accepted = [
  "a = 8; q = a / 4 + (a) * 2 - a % 3;",
  "a = 8; q = a *2+1<<2;",
  "a = 8; q = DEFINED(a)?a:3;",
  "q = 10h + ffh + $ff + 010 + 4K + 101b + 17o + 99d + 0x10M;",
  "q = -5 ? 1 : 2;",
  "q = !3 + ~1 + ~ 3;",
  "q = 3 % 2 && 1 || 2 & 3 | 4 == 5 != 6 <= 7 >= 8 < 9 > 10 << 1 >> 1;",
  "q = 0; q <<= 3; q >>= 1; q &= 1; q |= 2; q /= 1; q *= 2; q -= 1; q += 1;",
  "# comment\nq = 3; # comment\n/* long\n comment */",
  '"q" = 5; a/b = 5; r = "a/b";',
  "q = 5 ; ; ;",
  "q = LOG2CEIL(5) + MAX(1,2) + MIN(3, 4) + ABSOLUTE(3) + CONSTANT(MAXPAGESIZE) + ALIGN(4,8) + NEXT(4) + BLOCK(3) + SIZEOF_HEADERS;",
  'q = SIZEOF(.text) + ADDR (.text) + LOADADDR(.text) + ALIGNOF(.text) + DEFINED(q) + SEGMENT_START("x", 3);',
  'q = ASSERT(1, "x");',
  'ASSERT(1, "x") ASSERT(1, "y"); SECTIONS { ASSERT(1,"z") .text : { *(.text) ASSERT(1, "b"); } }',
  "SECTIONS { .text : { *(.text), *(.data) }, .data : {} }",
  "SECTIONS { .text : { *(.text);; } }",
  "SECTIONS { .text ALIGN(16) (NOLOAD) : AT(4) ALIGN(8) SUBALIGN(4) { *(.text) } =0x90 }",
  "SECTIONS { .text 0x10: { *(.text) } .data (0x20) : {} .x . + 16 : {} .y ALIGN(16) : ONLY_IF_RW { } .z BLOCK(16) : ALIGN_WITH_INPUT { } }",
  "SECTIONS { .text :{*(.text .data)*(.bss)} }",
  "SECTIONS { .text :{ a.o : (.text) lib.a:x.o(.text) [abc]?.o(.text) *(.text,.data) *(.a, .b) } }",
  "SECTIONS { .text : { *(.text) } =0x90909090 q = 5; }",
  "SECTIONS { .text : { *(.text) } =0x90909090, .d : {} }",
  "SECTIONS { .text : { *(.text) } > ram AT > rom .d : {} AT> rom .e : {} >ram :text :data =0 }",
  "SECTIONS { .text : { *(EXCLUDE_FILE(a.o) .text .data) *(EXCLUDE_FILE(a.o b.o) .t EXCLUDE_FILE(c.o) .d) EXCLUDE_FILE(b.o) *(.text) } }",
  "SECTIONS { .text : { *(SORT_BY_NAME(SORT_BY_ALIGNMENT(.text.*))) SORT(*)(.z) SORT_BY_NAME(*)(.q) SORT_NONE(*)(.z) *(SORT(.a) .b SORT(EXCLUDE_FILE(x.o) .c)) } }",
  "SECTIONS { .text : { INPUT_SECTION_FLAGS(SHF_ALLOC & !SHF_WRITE) *(.y) KEEP(INPUT_SECTION_FLAGS(SHF_ALLOC) *(.y)) KEEP(SORT(*)(.k)) } }",
  'SECTIONS { .text : { "a b.o"(.text) *("x y") CREATE_OBJECT_SYMBOLS CONSTRUCTORS SORT(CONSTRUCTORS) *(COMMON) } }',
  "SECTIONS { PROVIDE(q = 4); HIDDEN(r = 5); PROVIDE_HIDDEN(s = 6); .text : { *(.text) PROVIDE(t = .); PROVIDE(u = .); } ENTRY(q) }",
  "SECTIONS { .text : { *(.text) . += 5; . = ALIGN(4); } . += 3; }",
  "SECTIONS { .x : { BYTE(1) SHORT(2); LONG(3) QUAD(4) SQUAD(5) FILL(0x90) } }",
  "SECTIONS { .text (TYPE=SHT_PROGBITS) : { *(.text) } .d (READONLY) : { *(.d) } .e (READONLY (TYPE = 3)) : {} .f (NOLOAD) : {} .g () : {} .h 0x10 (INFO) : {} }",
  "SECTIONS { . = 0x100000; OVERLAY 0x1000 : NOCROSSREFS AT (0x4000) { .o1 { *(.o1) } .o2 { *(.o2) } } }",
  "SECTIONS { .text : { *(.text) } } INSERT AFTER .data;",
  "MEMORY { ram (rwx) : ORIGIN = 0, LENGTH = 1M rom : o = 5, l = 5 flash (rx!w) : org = 0 , len = 1M }",
  "PHDRS { text PT_LOAD FILEHDR PHDRS AT(0) FLAGS(5); data PT_LOAD; x 0x60000000; } SECTIONS { .text : { *(.text) } :text :data = 0x90909090 }",
  "VERSION { V1 { global: foo; bar; local: *; }; V2 { baz; } V1; }",
  "VERSION { { global: foo; }; }",
  "OUTPUT(foo.out) SEARCH_DIR(/lib) NOCROSSREFS(.a .b) NOCROSSREFS_TO(.a .b) EXTERN(foo bar, baz)",
  "INPUT(a.o , a.o AS_NEEDED(c.o) -lfoo) GROUP(a.o)",
  "OUTPUT_FORMAT(elf64-x86-64) OUTPUT_ARCH(i386:x86-64) ENTRY(q) TARGET(elf64-x86-64)",
  "SECTIONS { .d : { *(.x) } .t : { KEEP(*(.text)) KEEP (a.o(.d)) LONG(0xffffffff) QUAD(SIZEOF(.d)) } /DISCARD/ : { *(*) } }",
  'REGION_ALIAS("A", ram)',
];

const refused = [
  "q = 4KB;",
  "q = 3 // x\n;",
  "a = 1; q = a,b;",
  "a = 1; q = a:b;",
  "q = 1",
  "SECTIONS { q = 1 }",
  "q = (1 + 2;",
  "q = ;",
  "SECTIONS { .text : { *(.text) } . = 5; FOO(x) }",
  "SECTIONS { .text : { *(.text) } FOO }",
  "SECTIONS { .text : { *(.text }}",
  "SECTIONS { .text : { *(.text) }",
  "SECTIONS { .text : { *(.text) } } }",
  "SECTIONS { .text { *(.text) } }",
  "SECTIONS { *(.text) }",
  "SECTIONS { KEEP(*(.text)) }",
  "SECTIONS { .x : { *(.x) q = 4 } }",
  "SECTIONS { .text : { BYTE(1 } }",
  "FOO",
  "FOO { }",
  "ENTRY()",
  "ENTRY q = 3;",
  "PHDRS { text PT_LOAD }",
  "PHDRS { text ; }",
  "MEMORY { ram : ORIGIN = 0, LEN = 1M }",
  "MEMORY { ram : ORIGIN = 0, LENGTH = 1M; }",
  "MEMORY { ram ORIGIN = 0, LENGTH = 1M }",
  "SECTIONS { ASSERT(1) .text : {} }",
  "SECTIONS { PROVIDE(q) .text : {} }",
  "/* open",
];

it.each(accepted)("is read: %s", (script) => {
  if (hasTools) {
    expect(link(script)).not.toMatch(/syntax error/);
  }
  expect(errorsOf(script)).toEqual([]);
});

it.each(refused)("has one error: %s", (script) => {
  if (hasTools) {
    expect(link(script)).toMatch(/syntax error|EOF in comment|not a number/);
  }
  expect(errorsOf(script)).toHaveLength(1);
});
