/**
 * Rules for linker scripts: a faulty script gives exactly the finding between `⟦` and `⟧`, its corrected twin none, and the installed ld links the twin.
 *
 * Elsewhere: rules for assembly (`faulty/`).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Built, BuiltSection } from "../../extension/language/server/built.ts";
import type { Finding } from "../../extension/language/server/rules/rule.ts";
import { scriptRules } from "../../extension/language/server/script/index.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { marked } from "./cursor.ts";

const hasTools = ["as", "ld"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

const assembly = `.section .multiboot, "a"
.long 0x1badb002
.text
.globl _start
_start: nop
.section .text.init, "ax"
nop
.data
.long 5
.section .rodata, "a"
.long 6
.bss
.skip 8
`;

function section(name: string, address: number, size: number, flags: string, loaded = true): BuiltSection {
  const hex = `0x${address.toString(16)}`;
  const segment = loaded ? { index: 0, rights: "R E" } : null;
  return { name, address: hex, loadAddress: hex, size, flags, segment };
}

function program(sections: readonly BuiltSection[], symbols: readonly string[]): Built {
  return {
    path: "/work/kernel.elf",
    modified: 0,
    sections,
    symbols: new Map(symbols.map((name) => [name, { name, address: "0x100000", size: 0, kind: "other" }])),
    lines: new Map(),
  };
}

interface Case {
  readonly rule: string;
  readonly faulty: string;
  readonly corrected: string;
  readonly message: string;
  readonly built?: Built;
  /** Options that the corrected script is linked with. */
  readonly options?: readonly string[];
}

const cases: readonly Case[] = [
  {
    rule: "script-overlap",
    faulty: "SECTIONS {\n.text 0x100000 : { *(.text) }\n⟦.data⟧ 0x100000 : { *(.data) }\n}",
    corrected: "SECTIONS {\n.text 0x100000 : { *(.text .text.*) }\n.data 0x101000 : { *(.data) }\n}",
    message: '".data" and ".text" both have the address 0x100000.',
  },
  {
    rule: "script-overlap",
    faulty: "SECTIONS {\n.low 0x8000 : { LONG(1) . = 0x1000; }\n⟦.high⟧ 0x8800 : { LONG(2) }\n}",
    corrected: "SECTIONS {\n.low 0x8000 : { LONG(1) . = 0x800; }\n.high 0x8800 : { LONG(2) }\n}",
    message: '".high" at address 0x8800 overlaps ".low", which goes from 0x8000 to 0x9000.',
  },
  {
    rule: "script-overlap",
    faulty:
      "base = 2M;\nSECTIONS {\n.text 1M : AT(base) { *(.text) }\n⟦.data⟧ 4M : AT(2 * 1M) { *(.data) }\n}",
    corrected:
      "base = 2M;\nSECTIONS {\n.text 1M : AT(base) { *(.text .text.*) }\n.data 4M : AT(base + 1M) { *(.data) }\n}",
    message: '".data" and ".text" both have the load address 0x200000.',
  },
  {
    rule: "script-overlap",
    faulty: "SECTIONS {\n.text 1M : { *(.text) }\n⟦.data⟧ 1M + 0x1000 : { LONG(1) }\n}",
    corrected: "SECTIONS {\n.text 1M : { *(.text .text.*) }\n.data 1M + 0x5000 : { LONG(1) }\n}",
    message: "with the size it had in kernel.elf",
    built: program([section(".text", 0x100000, 0x4f00, "AX")], []),
  },
  {
    rule: "script-writable-executable",
    faulty: "PHDRS { text PT_LOAD FLAGS(⟦7⟧); }\nSECTIONS { . = 1M; .text : { *(.text) } :text }",
    corrected: "PHDRS { text PT_LOAD FLAGS(5); }\nSECTIONS { . = 1M; .text : { *(.text) } :text }",
    message: 'Segment "text" is writable and executable',
  },
  {
    rule: "script-writable-executable",
    faulty: "PHDRS { all PT_LOAD; }\nSECTIONS { . = 1M; .text : { *(.text) } :all\n⟦.data⟧ : { *(.data) } }",
    corrected:
      "PHDRS { all PT_LOAD; data PT_LOAD; }\nSECTIONS { . = 1M; .text : { *(.text) } :all\n. = ALIGN(4K); .data : { *(.data) } :data }",
    message: 'gets code (".text") and writable data (".data")',
  },
  {
    rule: "script-load-address",
    faulty:
      "BASE = 0xffffffff80000000;\nSECTIONS { . = BASE + 1M;\n.text : AT(ADDR(.text) - BASE) { *(.text) }\n.data : AT(ADDR(⟦.text⟧) - BASE) { *(.data) }\n}",
    corrected:
      "BASE = 0xffffffff80000000;\nSECTIONS { . = BASE + 1M;\n.text : AT(ADDR(.text) - BASE) { *(.text .text.*) }\n.data : AT(ADDR(.data) - BASE) { *(.data) }\n}",
    message: '".data" is loaded where ".text" is',
  },
  {
    rule: "script-load-address",
    faulty:
      "SECTIONS { . = 0xc0100000;\n.text : AT(ADDR(.text) - 0xc0000000) { *(.text) }\n.rodata : AT(ADDR(.rodata) - ⟦0xc000000⟧) { *(.rodata) }\n.data : AT(ADDR(.data) - 0xc0000000) { *(.data) }\n}",
    corrected:
      "SECTIONS { . = 0xc0100000;\n.text : AT(ADDR(.text) - 0xc0000000) { *(.text .text.*) }\n.rodata : AT(ADDR(.rodata) - 0xc0000000) { *(.rodata) }\n.data : AT(ADDR(.data) - 0xc0000000) { *(.data) }\n}",
    message: "0xc000000 below its address; that of the other sections is 0xc0000000 below.",
  },
  {
    rule: "script-duplicate-symbol",
    faulty: "SECTIONS { . = 1M; .text : { *(.text) } end = .;\n.data : { *(.data) } ⟦end⟧ = .; }",
    corrected: "SECTIONS { . = 1M; .text : { *(.text) } text_end = .;\n.data : { *(.data) } end = .; }",
    message: '"end" already has a value from line 1, which is lost here.',
  },
  {
    rule: "script-duplicate-symbol",
    faulty: "HIDDEN(a = 1);\n⟦a⟧ = 2;\nSECTIONS { . = 1M; }",
    corrected: "a = 1;\nb = a;\na = 2;\na = a + 1;\na += 1;\nPROVIDE(a = 5);\nSECTIONS { . = 1M; }",
    message: "is lost here",
  },
  {
    rule: "script-unknown-region",
    faulty: "MEMORY { ram : ORIGIN = 1M, LENGTH = 1M }\nSECTIONS { .text : { *(.text) } >⟦rom⟧ }",
    corrected:
      'MEMORY { ram : ORIGIN = 1M, LENGTH = 1M }\nREGION_ALIAS("rom", ram)\nSECTIONS { .text : { *(.text) } >rom AT>ram }',
    message: 'There is no memory region "rom"',
  },
  {
    rule: "script-unknown-region",
    faulty:
      "MEMORY { rom : ORIGIN = 0, LENGTH = 1M }\nSECTIONS { . = ORIGIN(⟦ram⟧); .text : { *(.text) } >rom }",
    corrected:
      "MEMORY { ram : ORIGIN = 1M, LENGTH = 1M }\nSECTIONS { . = ORIGIN(ram); .text : { *(.text .text.*) } >ram .data : { *(.data) } >ram .rest : { *(*) } >ram }",
    message: 'There is no memory region "ram"',
  },
  {
    rule: "script-unknown-header",
    faulty: "PHDRS { text PT_LOAD; }\nSECTIONS { . = 1M; .text : { *(.text) } :⟦code⟧ }",
    corrected:
      "PHDRS { text PT_LOAD; }\nSECTIONS { . = 1M; .text : { *(.text) } :text .data : { *(.data) } :NONE }",
    message: 'There is no program header "code"',
  },
  {
    rule: "script-placed-twice",
    faulty: "SECTIONS { . = 1M;\n.text : { *(.text .text.*) }\n.init : { start = .; *(⟦.text.init⟧) }\n}",
    corrected: "SECTIONS { . = 1M;\n.init : { start = .; *(.text.init) }\n.text : { *(.text .text.*) }\n}",
    message: '".text.init" is already in ".text" by ".text.*" (line 2): nothing is left for ".init".',
  },
  {
    rule: "script-placed-twice",
    faulty: "SECTIONS { . = 1M;\n/DISCARD/ : { *(.rodata) }\n.rodata : { *(⟦.rodata⟧) } }",
    corrected:
      "SECTIONS { . = 1M;\n.rodata : { *(EXCLUDE_FILE(*x.o) .rodata) }\n.x : { *(.rodata) }\n/DISCARD/ : { *(.rodata) } }",
    message: "already thrown away",
  },
  {
    rule: "script-multiboot-discarded",
    faulty: "SECTIONS { . = 1M; .text : { *(.text) }\n/DISCARD/ : { *(.comment ⟦.multiboot⟧) } }",
    corrected:
      "SECTIONS { . = 1M; .text : { *(.multiboot) *(.text) }\n/DISCARD/ : { *(.comment .multiboot) } }",
    message: "no boot loader will find it",
  },
  {
    rule: "script-multiboot-discarded",
    faulty: "SECTIONS { . = 1M; .text : { *(.text) }\n/DISCARD/ : { *(⟦*⟧) } }",
    corrected: "SECTIONS { . = 1M; .boot : { *(.multiboot) } .text : { *(.text) }\n/DISCARD/ : { *(*) } }",
    message: 'The Multiboot header (".multiboot") is thrown away',
  },
  {
    rule: "script-multiboot-keep",
    faulty:
      "ENTRY(_start)\nSECTIONS { . = 1M; .text : { *(⟦.multiboot⟧) *(.text) } .init : { KEEP(*(.text.init)) } }",
    corrected:
      "ENTRY(_start)\nSECTIONS { . = 1M; .text : { KEEP(*(.multiboot)) *(.text) } .init : { KEEP(*(.text.init)) } }",
    message: 'is not in KEEP, as ".text.init" is',
    options: ["--gc-sections"],
  },
  {
    rule: "script-multiboot-behind",
    faulty: "SECTIONS { . = 1M; .text : { *(.text) } .boot : { KEEP(*(⟦.multiboot⟧)) } }",
    corrected: "SECTIONS { . = 1M; .boot : { KEEP(*(.multiboot)) } .text : { *(.text) } }",
    message: 'behind ".text", 0x3000 bytes in kernel.elf: boot loaders look for it in the first 8 KiB',
    built: program([section(".text", 0x100000, 0x3000, "AX"), section(".boot", 0x103000, 12, "A")], []),
  },
  {
    rule: "script-undefined-symbol",
    faulty: "SECTIONS { . = 1M; .text : { *(.text) } end = .; size = end - ⟦begin⟧; }",
    corrected:
      "SECTIONS { . = 1M; begin = .; .text : { *(.text) } end = .; size = end - begin; x = DEFINED(nothing) ? nothing : 4; }",
    message: 'Nothing defines "begin"',
    built: program([], ["end", "size"]),
  },
  {
    rule: "script-undefined-symbol",
    faulty: "ENTRY(⟦start⟧)\nSECTIONS { . = 1M; .text : { *(.text) } end = .; }",
    corrected: "ENTRY(_start)\nSECTIONS { . = 1M; .text : { *(.text) } end = .; }",
    message: 'Nothing defines "start"',
    built: program([], ["end"]),
  },
  {
    rule: "script-orphan",
    faulty: "⟦SECTIONS⟧ { . = 1M; .text : { *(.text) } end = .; }",
    corrected: "SECTIONS { . = 1M; .text : { *(.text) } .rodata : { *(.rodata) } end = .; }",
    message: 'No rule places ".rodata" at 0x101000 of kernel.elf',
    built: program(
      [
        section(".text", 0x100000, 16, "AX"),
        section(".rodata", 0x101000, 4, "A"),
        section(".comment", 0, 20, "MS", false),
      ],
      ["end"],
    ),
  },
];

function findings(
  script: string,
  built: Built | undefined,
): readonly (Finding & { readonly rule: string })[] {
  const world = new Workspace();
  world.isComplete = true;
  world.built = built ? [built] : [];
  world.open("file:///work/boot.S", "gas", assembly);
  world.open("file:///work/kernel.ld", "linkerscript", script);
  const file = world.file("file:///work/kernel.ld");
  expect(file?.lines.flatMap(({ errors }) => errors)).toEqual([]);
  return file
    ? scriptRules.flatMap((rule) =>
        [...rule.check(file, world)].flatMap((finding) => (finding ? [{ ...finding, rule: rule.code }] : [])),
      )
    : [];
}

it.each(cases.map((one, number) => [`${number} ${one.rule}`, one] as const))("%s", (_, one) => {
  const { parts, world, uri } = marked(one.faulty, "kernel.ld");
  const text = world
    .file(uri)
    ?.lines.map((line) => line.text)
    .join("\n");
  const found = findings(text ?? "", one.built);
  expect(found.map(({ rule, line, start, end }) => ({ rule, line, start, end }))).toEqual(
    parts.map(({ line, start, end }) => ({ rule: one.rule, line, start, end })),
  );
  expect(found[0]?.message).toContain(one.message);
  expect(findings(one.corrected, one.built)).toEqual([]);
});

it("mends what it finds by its fixes", () => {
  let fixCount = 0;
  for (const { faulty, built } of cases) {
    const text = faulty.replaceAll(/[⟦⟧]/gu, "");
    for (const { fixes, rule } of findings(text, built)) {
      for (const { edits } of fixes ?? []) {
        const lines = text.split("\n");
        for (const { line, start, end, text: inserted } of edits.toSorted((a, b) => b.start - a.start)) {
          lines[line] = `${lines[line]?.slice(0, start)}${inserted}${lines[line]?.slice(end)}`;
        }
        expect(findings(lines.join("\n"), built).filter((one) => one.rule === rule)).toEqual([]);
        fixCount += 1;
      }
    }
  }
  expect(fixCount).toBeGreaterThanOrEqual(3);
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "script-rules-"));
  if (hasTools) {
    execFileSync("as", ["--64", "-o", path.join(folder, "boot.o"), "-"], { input: assembly });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.runIf(hasTools).each(cases.map((one, number) => [`${number} ${one.rule}`, one] as const))(
  "the corrected one links: %s",
  (_, { corrected, options = [] }) => {
    const file = path.join(folder, "kernel.ld");
    writeFileSync(file, corrected);
    const object = path.join(folder, "boot.o");
    const { stderr, status } = spawnSync(
      "ld",
      ["-o", path.join(folder, "out"), "-T", file, object, ...options],
      {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C" },
      },
    );
    expect(
      stderr.split("\n").filter((line) => /error|not declared|overlaps|non-existent/.test(line)),
    ).toEqual([]);
    expect(status, stderr).toBe(0);
  },
);

const scripts = "/usr/lib/x86_64-linux-gnu/ldscripts";
const own = spawnSync("ls", [scripts]).status === 0 ? readdirSync(scripts) : [];

it.runIf(own.length > 0)("finds nothing in ld's own scripts", () => {
  for (const name of own.filter((one) => /^elf.*\.x/.test(one))) {
    expect(findings(readFileSync(path.join(scripts, name), "utf8"), undefined), name).toEqual([]);
  }
});

it.each([
  ["a branch", "SECTIONS {\n#ifdef A\n.text 1M : { *(.text) }\n#else\n.text 1M : { *(.text) }\n#endif\n}"],
  ["a macro", "#define END end = .;\nSECTIONS { . = 1M; end = .; OTHER(x) end = .; }"],
  ["two symbols in branches", "#ifdef A\na = 1;\n#else\na = 2;\n#endif"],
  ["sections that are not loaded", "SECTIONS { .debug_info 0 : { *(.data) } .debug_line 0 : { *(.text) } }"],
  ["an overlay", "SECTIONS { OVERLAY 0x1000 : AT(0x4000) { .a { *(.text) } .b { *(.data) } } }"],
  ["sections of no input", "SECTIONS { .a 1M : { *(.nothing) } .b 1M : { *(.text) } }"],
  ["memory that is not loaded", "SECTIONS { .text 1M : { *(.text) } .vga 1M (NOLOAD) : { LONG(0) } }"],
  ["an included file", "INCLUDE memory.ld\nSECTIONS { .text : { *(.text) } >ram }"],
  ["a script that another one has the regions of", "SECTIONS { .text : { *(.text) } >ram :text }"],
  ["regions of another script", "SECTIONS { .text : { *(.text) } } INSERT AFTER .data;"],
  ["one that is not complete", "SECTIONS { end = .; x = DEFINED(y) ? y : 1; }"],
  [
    "a load address behind another section",
    "B = 3M;\nSECTIONS { .text : AT(ADDR(.text) - B) { *(.text) } .data : AT(ADDR(.text) + SIZEOF(.text) - B) { *(.data) } }",
  ],
  [
    "two kinds of distances",
    "SECTIONS { .a : AT(ADDR(.a) - 0x1000000) { } .b : AT(ADDR(.b) - 0x2000000) { } .c : AT(ADDR(.c) - 0x1000000) { } }",
  ],
  ["no other KEEP", "SECTIONS { . = 1M; .text : { *(.multiboot) *(.text) } }"],
])("is silent about %s", (_, script) => {
  expect(findings(script, undefined)).toEqual([]);
});
