/**
 * Snippets with their placeholders at their defaults: the assemblers and the linker take them without a word, and what they say they do they do on our
 * machine.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EFER } from "../../emulator/index.ts";
import {
  plainText,
  snippetText,
  type Notation,
  type Snippet,
} from "../../extension/language/server/completion/snippet.ts";
import { snippets } from "../../extension/language/server/completion/snippets/index.ts";
import { open } from "../../extension/language/server/document.ts";
import { diagnostics } from "../../extension/language/server/features/diagnostics.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";
import { MemoryImage, start as startDisk } from "../bios/machine.ts";
import { start } from "../boot/guest.ts";

const has = (tool: string, flag: string): boolean => spawnSync(tool, [flag]).status === 0;
const hasTools =
  has("as", "--version") && has("nasm", "-v") && has("ld", "--version") && has("nm", "--version");

const folder = mkdtempSync(path.join(tmpdir(), "snippet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Width = 16 | 32 | 64;
type Assembly = Exclude<Notation, "script">;
const notations: readonly Assembly[] = ["att", "intel", "nasm"];
let count = 0;

function fileOf(text: string, extension: string): string {
  count += 1;
  const name = path.join(folder, `${count}.${extension}`);
  writeFileSync(name, text);
  return name;
}

/** Runs a tool that must succeed and say nothing. */
function quietly(tool: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: "utf8" });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
}

const begin = (notation: Assembly, bits: Width): string =>
  ({
    att: `.code${bits}\n`,
    intel: `.intel_syntax noprefix\n.code${bits}\n`,
    nasm: `bits ${bits}\nsection .text\n`,
  })[notation];

/** An object file; `bits` is the format's. */
function assembled(notation: Assembly, text: string, bits: 32 | 64): string {
  const source = fileOf(text, notation === "nasm" ? "asm" : "s");
  const out = `${source}.o`;
  if (notation === "nasm") quietly("nasm", ["-f", `elf${bits}`, "-o", out, source]);
  else quietly("as", ["--fatal-warnings", `--${bits}`, "-o", out, source]);
  return out;
}

function snippet(name: string): Snippet {
  const found = snippets.find((one) => one.name === name);
  if (!found) throw new Error(`no snippet "${name}"`);
  return found;
}

const textOf = (name: string, notation: Notation, rest = ""): string =>
  plainText(snippet(name).texts[notation] ?? "", rest);

describe("the editor's notation", () => {
  it("keeps what is escaped there, and places with their defaults", () => {
    const text = String.raw`    movw $«1:a}b», %ax # \n
«0»`;
    expect(snippetText(text)).toBe("\tmovw \\$${1:a\\}b}, %ax # \\\\n\n${0}");
    expect(plainText(text, "end")).toBe("    movw $a}b, %ax # \\n\nend");
    expect(plainText("«2:x» «2» «1:y»")).toBe("x x y");
  });
  it("has one name for each snippet, and every notation it should have", () => {
    expect(new Set(snippets.map((one) => one.name)).size).toBe(snippets.length);
    for (const one of snippets) {
      const wanted = one.bits.length === 0 ? ["script"] : notations;
      expect([one.name, Object.keys(one.texts)]).toEqual([one.name, wanted]);
    }
  });
});

const cases = snippets.flatMap((one) =>
  notations.flatMap((notation) => one.bits.map((bits) => [one.name, notation, bits] as const)),
);

const scriptCases = snippets
  .filter(({ texts }) => texts.script !== undefined)
  .map(({ name }) => [name, "script", 64] as const);

describe.runIf(hasTools)("assemble", () => {
  const isWhole = (name: string): boolean => name === "boot-sector";

  it.each(cases.filter(([name]) => !isWhole(name)))("%s, %s, %i bits", (name, notation, bits) => {
    const text = begin(notation, bits) + textOf(name, notation);
    const formats =
      bits === 64 ? [64 as const] : name.endsWith("64") ? [64 as const] : [32 as const, 64 as const];
    for (const format of formats) {
      const object = assembled(notation, text, format);
      const missing = execFileSync("nm", ["-u", object], { encoding: "utf8" }).trim();
      // What it calls and does not define is what its description names.
      expect(missing).toBe(name.startsWith("exceptions") ? "U exception_handler" : "");
    }
  });

  it.each(cases)("%s, %s: the parser finds nothing wrong (%i bits)", (name, notation, bits) => {
    const text = begin(notation, bits) + textOf(name, notation);
    const file = open("file:///a.S", notation === "nasm" ? "nasm" : "gas", text);
    expect(
      file.lines.flatMap((line) => line.errors.map(({ message }) => `${line.text}: ${message}`)),
    ).toEqual([]);
    expect(file.lines.at(-1)?.after.section).toMatch(/^(?:\.text)?$/);
  });
});

it.each([...cases.map((each) => [...each] as const), ...scriptCases])(
  "%s, %s: no rule finds anything wrong (%i bits)",
  (name, notation, bits) => {
    const isScript = notation === "script";
    const text = (isScript ? "" : begin(notation, bits)) + textOf(name, notation);
    const uri = `file:///work/file.${isScript ? "ld" : notation === "nasm" ? "asm" : "S"}`;
    const world = new Workspace();
    world.open(uri, isScript ? "linkerscript" : notation === "nasm" ? "nasm" : "gas", text);
    const found = [...diagnostics(world, uri)].filter((one) => one !== null);
    expect(found.map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
  },
);

/** Code of the tests is written in Intel syntax, whatever the notation around it. */
function intel(notation: Assembly, code: string): string {
  switch (notation) {
    case "att":
      return `.intel_syntax noprefix\n${code}\n.att_syntax prefix\n`;
    case "intel":
      return `${code}\n`;
    case "nasm":
      return `${code.replaceAll(" ptr ", " ").replaceAll("OFFSET ", "")}\n`;
  }
}

const word = (notation: Assembly, gas: string, nasm: string): string => (notation === "nasm" ? nasm : gas);
const shared = (notation: Assembly, name: string): string =>
  word(notation, `.globl ${name}\n${name}:\n`, `global ${name}\n${name}:\n`);
const text = (notation: Assembly, name: string, value: string): string =>
  word(notation, `${name}: .asciz "${value}"\n`, `${name}: db "${value}", 0\n`);

function linked(notation: Assembly, source: string, script = "kernel"): string {
  const object = assembled(notation, source, 64);
  const out = `${object}.elf`;
  quietly("ld", ["-n", "-T", fileOf(textOf(script, "script"), "ld"), "-o", out, object]);
  return out;
}

/** A kernel that enters long mode and runs `body` there, with `parts` behind it. */
const longKernel = (notation: Assembly, body: string, parts: string, header = "multiboot1"): string =>
  linked(
    notation,
    [
      begin(notation, 32),
      textOf(header, notation),
      shared(notation, "_start"),
      textOf("long-mode", notation, intel(notation, body)),
      begin(notation, 64),
      parts,
    ].join("\n"),
  );

/** Prints the vector, and the error code where there is one; returns after a breakpoint, leaves after others. */
const handler = (notation: Assembly, frame: string, registerBytes: number, wordBytes: number): string =>
  intel(
    notation,
    `    mov al, byte ptr [${frame} + ${registerBytes}]
    add al, 0x41
    out 0xe9, al
    mov al, byte ptr [${frame} + ${registerBytes + wordBytes}]
    add al, 0x30
    out 0xe9, al
    cmp byte ptr [${frame} + ${registerBytes}], 3
    je handled
    out 0xf4, al
handled:
    ret`,
  );

function run(file: string): { readonly said: string; readonly efer: number } {
  let said = "";
  const guest = start(file);
  const { onOutput } = guest.machine;
  guest.machine.onOutput = (channel, byte) => {
    if (channel === "debugcon") said += String.fromCharCode(byte);
    else onOutput?.(channel, byte);
  };
  guest.run(undefined, 200_000);
  return { said: guest.serial() + said, efer: guest.machine.cpus[0]?.efer ?? 0 };
}

describe.runIf(hasTools)("on our machine", () => {
  const message = "long mode is on";
  const print = (address: string): string =>
    `    call serial_init\n    lea rsi, ${address}\n    call serial_puts\n    out 0xf4, al`;
  const relative = (notation: Assembly, name: string): string =>
    word(notation, `[rip + ${name}]`, `[rel ${name}]`);

  it.each(notations)("Multiboot 1, long mode, serial: %s", (notation) => {
    const parts = textOf("serial", notation) + text(notation, "message", message);
    const { said, efer } = run(longKernel(notation, print(relative(notation, "message")), parts));
    expect(said).toBe(message);
    expect(efer & EFER.LMA).toBe(EFER.LMA);
  });

  it.each(notations)("Multiboot 2, whose magic is in edi: %s", (notation) => {
    const body = "    mov eax, edi\n    out 0xe9, al\n    shr eax, 24\n    out 0xe9, al\n    out 0xf4, al";
    // 0x36D76289, through a channel of characters.
    expect(run(longKernel(notation, body, "", "multiboot2")).said).toBe("\x89\x36");
  });

  it.each(notations)("page tables as data take the place of those in memory: %s", (notation) => {
    const parts =
      textOf("page-tables", notation).replaceAll(/pml4|pdpt/g, "new_$&") +
      textOf("serial", notation) +
      text(notation, "message", message);
    const body = `    lea rax, ${relative(notation, "new_pml4")}\n    mov cr3, rax\n${print(relative(notation, "message"))}`;
    expect(run(longKernel(notation, body, parts)).said).toBe(message);
  });

  it.each(notations)("gates, stubs of exceptions and the return from them, 64 bits: %s", (notation) => {
    const set = `    xor ebx, ebx
    lea r12, ${relative(notation, "exception_table")}
set_next:
    mov edi, ebx
    mov rsi, qword ptr [r12 + rbx * 8]
    call idt_set_gate
    inc ebx
    cmp ebx, 32
    jne set_next
    call idt_load
    mov r15d, 0x58
    int3
    mov eax, r15d
    out 0xe9, al
    mov rax, 0x7fffffff
    mov byte ptr [rax], 1
    out 0xf4, al`;
    const parts = ["idt64", "exceptions64"].map((name) => textOf(name, notation)).join("");
    const source =
      parts.replaceAll("extern exception_handler", "") +
      shared(notation, "exception_handler") +
      handler(notation, "rdi", 15 * 8, 8);
    // Vector 3 without a code, back; vector 14: not present, a write.
    expect(run(longKernel(notation, set, source)).said).toBe("D0XO2");
  });

  it.each(notations)("an interrupt's handler gives back all registers: %s", (notation) => {
    const names = "rax rbx rcx rdx rsi rdi rbp"
      .split(" ")
      .concat(Array.from({ length: 8 }, (_, n) => `r${n + 8}`));
    const load = names.map((name, n) => `    mov ${name}, ${n + 1}`).join("\n");
    const sum = `    std\n    int 0x30\n    pushfq\n${names
      .slice(1)
      .map((name, n) => `    imul ${name}, ${name}, ${n + 2}\n    add rax, ${name}`)
      .join("\n")}
    pop rbx
    shr ebx, 10
    and ebx, 1
    shl ebx, 1
    sub eax, ebx
    sub eax, ${names.reduce((total, _, n) => total + (n + 1) ** 2, 0) - 0x41}
    out 0xe9, al
    out 0xf4, al`;
    const body = `    mov edi, 0x30\n    lea rsi, ${relative(notation, "interrupt_handler")}\n    call idt_set_gate\n    call idt_load\n${load}\n${sum}`;
    const change = names.map((name) => `    mov ${name}, -1`).join("\n");
    const parts = textOf("idt64", notation) + textOf("interrupt64", notation, intel(notation, change));
    // 'A' minus 2, since the direction flag is set again.
    expect(run(longKernel(notation, body, parts)).said).toBe("?");
  });

  it.each(notations)("GDT, gates and stubs in 32-bit code: %s", (notation) => {
    const body = `    mov esp, OFFSET stack_end
    lgdt [gdt_pointer]
    mov eax, 0x10
    mov ss, eax
    mov ds, eax
    push 0x08
    push OFFSET reload
    retf
reload:
    xor ebx, ebx
set_next:
    mov ecx, ebx
    mov eax, dword ptr [exception_table + ebx * 4]
    call idt_set_gate
    inc ebx
    cmp ebx, 32
    jne set_next
    call idt_load
    mov ebp, 0x58
    int3
    mov eax, ebp
    out 0xe9, al
    mov eax, 0x18
    mov es, eax
    out 0xf4, al`;
    const source = [
      begin(notation, 32),
      textOf("multiboot1", notation),
      shared(notation, "_start"),
      intel(notation, body),
      ...["gdt", "idt", "exceptions"].map((name) =>
        textOf(name, notation).replaceAll("extern exception_handler", ""),
      ),
      shared(notation, "exception_handler"),
      intel(notation, "    mov edi, dword ptr [esp + 4]"),
      handler(notation, "edi", 8 * 4, 4),
      word(notation, ".bss\n.skip 4096\nstack_end:\n", "section .bss\nresb 4096\nstack_end:\n"),
    ].join("\n");
    // Vector 13 with the selector 0x18 as its error code.
    expect(run(linked(notation, source)).said).toBe("D0XNH");
  });

  const sectorOf = (notation: Assembly, source: string): Uint8Array => {
    const file = fileOf(source, notation === "nasm" ? "asm" : "s");
    const out = `${file}.bin`;
    if (notation === "nasm") quietly("nasm", ["-f", "bin", "-o", out, file]);
    else {
      quietly("as", ["--fatal-warnings", "--32", "-o", `${file}.o`, file]);
      quietly("ld", ["-m", "elf_i386", "-Ttext", "0x7C00", "--oformat", "binary", "-o", out, `${file}.o`]);
    }
    const bytes = readFileSync(out);
    expect(bytes.length).toBe(512);
    return new Uint8Array([...bytes, ...new Uint8Array(1440 * 1024 - 512)]);
  };

  it.each(notations)("boot sector: %s", (notation) => {
    const source = (notation === "intel" ? ".intel_syntax noprefix\n" : "") + textOf("boot-sector", notation);
    const guest = startDisk([["floppy", new MemoryImage(sectorOf(notation, source))]]);
    guest.settle();
    expect(guest.screen()).toContain("Hello from the boot sector");
  });

  it.each(notations)("protected mode from a boot sector: %s", (notation) => {
    const source = [
      notation === "intel" ? ".intel_syntax noprefix" : "",
      word(notation, ".code16\n.globl _start\n_start:", "bits 16\norg 0x7C00\n_start:"),
      intel(notation, "    xor ax, ax\n    mov ds, ax"),
      textOf(
        "protected-mode",
        notation,
        intel(
          notation,
          "    push 0x50\n    pop eax\n    out 0xe9, al\n    mov eax, cr0\n    and eax, 1\n    out 0xf4, al",
        ),
      ),
      word(notation, ".org _start + 510\n.word 0xAA55\n", "times 510 - ($ - $$) db 0\ndw 0xAA55\n"),
    ].join("\n");
    const guest = startDisk([["floppy", new MemoryImage(sectorOf(notation, source))]]);
    expect(guest.run(2e6)).toEqual({ kind: "debug-exit", code: 3 });
    expect(guest.text()).toBe("P");
  });

  it.each(notations)("the same serial routines in 16 bits: %s", (notation) => {
    const source = [
      notation === "intel" ? ".intel_syntax noprefix" : "",
      word(notation, ".code16\n.globl _start\n_start:", "bits 16\norg 0x7C00\n_start:"),
      intel(
        notation,
        "    xor ax, ax\n    mov ds, ax\n    mov si, OFFSET message\n    call serial_init\n    call serial_puts\n    out 0xf4, al",
      ),
      textOf("serial", notation),
      text(notation, "message", "from real mode"),
      word(notation, ".org _start + 510\n.word 0xAA55\n", "times 510 - ($ - $$) db 0\ndw 0xAA55\n"),
    ].join("\n");
    const guest = startDisk([["floppy", new MemoryImage(sectorOf(notation, source))]]);
    let said = "";
    guest.machine.onOutput = (channel, byte) => {
      if (channel === "serial0") said += String.fromCharCode(byte);
    };
    expect(guest.run(2e6)).toMatchObject({ kind: "debug-exit" });
    expect(said).toBe("from real mode");
  });
});

describe.runIf(hasTools)("linker scripts", () => {
  const source = `
    .section .multiboot, "a"
    .long 0x1BADB002, 0, -0x1BADB002
    .section .boot.text, "ax"
    .globl _start
_start: ret
    .section .boot.bss, "aw", @nobits
    .skip 8
    .text
    .globl main
main: .quad table, value, room, _kernel_start, _kernel_end
    .section .rodata
table: .quad 1
    .data
value: .quad 2
    .bss
room: .skip 100
`;
  const headers = (script: string, file = source): string[] => {
    const elf = linked("att", file, script);
    const said = execFileSync("readelf", ["-lW", elf], { encoding: "utf8" });
    return [...said.matchAll(/^ {2}LOAD +(\S+) (\S+) (\S+) \S+ \S+ (...)/gm)].map(
      ([, offset, linear, physical, rights]) => [offset, linear, physical, rights].join(" "),
    );
  };

  it("a kernel at 1 MiB: header first, rights apart", () => {
    const [code = "", ...others] = headers("kernel", source.replaceAll(/\.boot(\.\w+)/g, "$1"));
    expect(code.replace(/^\S+ /, "")).toBe("0x0000000000100000 0x0000000000100000 R E");
    expect(Number(code.split(" ")[0])).toBeLessThan(8192);
    expect(others.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "0x0000000000101000 0x0000000000101000 R  ",
      "0x0000000000102000 0x0000000000102000 RW ",
    ]);
  });
  it("the higher half: linked high, loaded low", () => {
    expect(headers("higher-half").map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "0x0000000000100000 0x0000000000100000 R E",
      "0x0000000000101000 0x0000000000101000 RW ",
      "0xffffffff80102000 0x0000000000102000 R E",
      "0xffffffff80103000 0x0000000000103000 R  ",
      "0xffffffff80104000 0x0000000000104000 RW ",
    ]);
  });
});
