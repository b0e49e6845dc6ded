/** What the parser sees in NASM's language is what `nasm` sees: the object's symbols are the definitions, its undefined ones what nothing defines. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { expand } from "../../extension/language/server/template.ts";

const hasTools = [
  ["nasm", "-v"],
  ["nm", "--version"],
].every(([tool = "", flag = ""]) => spawnSync(tool, [flag]).status === 0);

const program = `
%define WIDTH 8
%assign count 3
%macro entry 1-2 5
global %1
%1: nop
%1_inner: dd %2
%%skip: jmp %%skip
%endmacro
%macro twice 1
  entry %1, 1
  entry second_%1
%endmacro
struc point
  .x: resd 1
  .y: resd 1
endstruc
struc plain
  plain_a resb 1
endstruc
bits 64
default rel
global main:function, other, shared
extern printf, puts
common room 16
section .text
main:
  mov eax, WIDTH
.loop: dec eax
  jnz .loop
  call printf wrt ..plt
  jmp other.inside
limit equ $ - main
.after: lea rax, [rel message + point_size]
other mov al, 'a'
.inside:
  lock inc dword [rbx + point.y]
  rep movsb
  ret
..@special: jmp ..@special
real: bits 16
  mov ax, \\
    0x10
bits 32
protected: iret
  entry first
  twice made
section .data align=16
message db "it's; here", 0
word_ dw limit, count
shared: dq puts, $$
instance: istruc point
  at point.x, dd 1
  at point.y, dd 2
iend
times 4 db 0
section .bss
buffer resb 64
stack_%+ top: resb 1
[section .rodata]
constant: db 0fh, 0x0f, $0f, 101b, 17q
`;

it.runIf(hasTools)("agrees with nasm and nm", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "nasm-"));
  try {
    const source = path.join(folder, "a.asm");
    const object = path.join(folder, "a.o");
    writeFileSync(source, program);
    execFileSync("nasm", ["-f", "elf64", "-w-all", "-o", object, source]);
    const symbols = execFileSync("nm", [object], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*[\da-f]*\s+([A-Za-z])\s+(\S+)$/.exec(line))
      .flatMap((found) => (found?.[1] && found[2] ? [{ kind: found[1], name: found[2] }] : []))
      .filter(({ name }) => !/^\.\.@\d+\./.test(name));
    const { lines } = open("file:///a.asm", "nasm", program);
    const definitions = lines.flatMap((line) => line.definitions);
    const templates = lines.flatMap((line) => line.templates);
    const macroOf = (name: string) =>
      definitions.some((definition) => definition.kind === "macro" && definition.name === name)
        ? { parameters: [], templates: templates.filter((template) => template.macro === name) }
        : undefined;
    const outside = lines.filter((line) => line.before.macros.length === 0);
    const expanded = outside.flatMap((line) =>
      line.statements.flatMap((statement) =>
        statement.kind === "call"
          ? expand(
              statement.name.text,
              statement.operands.map((operand) => operand.text),
              macroOf,
            )
          : [],
      ),
    );
    const kinds = ["label", "local", "constant", "structure", "field"];
    const defined = new Set([
      ...outside
        .flatMap((line) => line.definitions)
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ name }) => name.replaceAll(/\s*%\+\s*/g, "")),
      ...expanded.map(({ name }) => name),
    ]);
    expect([...defined].toSorted()).toEqual(
      symbols
        .filter(({ kind }) => kind !== "U")
        .map(({ name }) => name)
        .toSorted(),
    );
    const known = new Set(definitions.map(({ name }) => name));
    const used = lines.flatMap((line) =>
      line.references.filter(({ isArgument }) => !isArgument).map(({ name }) => name),
    );
    const open_ = [...new Set(used)].filter(
      (name) => !known.has(name) && !defined.has(name) && name !== "..plt",
    );
    expect(open_.toSorted()).toEqual(
      symbols
        .filter(({ kind }) => kind === "U")
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(lines.flatMap((line) => line.errors)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
