/** The user's own tools: what they print, what they are given, and, where they are installed, what they find in files of ours. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { argumentsOf, familyOf } from "../../extension/language/tools/argument.ts";
import {
  attemptsFor,
  type Command,
  type Programs,
  type Source,
} from "../../extension/language/tools/attempt.ts";
import { check } from "../../extension/language/tools/check.ts";
import { assemblyCommands, Databases } from "../../extension/language/tools/database.ts";
import { unsaid } from "../../extension/language/tools/duplicate.ts";
import { parseOutput, placeOf } from "../../extension/language/tools/output.ts";
import { findPrograms, type Shell } from "../../extension/language/tools/program.ts";
import { run } from "../../extension/language/tools/run.ts";
import { languageOf } from "./cursor.ts";

describe("what is printed", () => {
  it.each([
    [
      "boot.s:12: Error: no such instruction: `foo bar'",
      "boot.s",
      12,
      0,
      "error",
      "no such instruction: `foo bar'",
    ],
    ["/a b/boot.s:1: Warning: hm", "/a b/boot.s", 1, 0, "warning", "hm"],
    ["d.s:4: Fatal error: bad .section directive", "d.s", 4, 0, "error", "bad .section directive"],
    [
      'a.s: Error: local label `"1"\' is not defined',
      "a.s",
      0,
      0,
      "error",
      'local label `"1"\' is not defined',
    ],
    ["C:\\os\\boot.s:3: Error: bad", "C:\\os\\boot.s", 3, 0, "error", "bad"],
    ["boot.S:7:10: fatal error: none.h: No such file", "boot.S", 7, 10, "error", "none.h: No such file"],
    ['boot.S:7:3: error: #error "no"', "boot.S", 7, 3, "error", '#error "no"'],
    ["n.asm:3: error: symbol `x' not defined", "n.asm", 3, 0, "error", "symbol `x' not defined"],
    [
      "n.asm:9: warning: byte data exceeds bounds [-w+number-overflow]",
      "n.asm",
      9,
      0,
      "warning",
      "byte data exceeds bounds",
    ],
    ["n.asm:9: panic: no", "n.asm", 9, 0, "error", "no"],
  ])("assembler: %s", (line, file, number, column, severity, message) => {
    expect(parseOutput(`before\n${line}\r\nafter: that`, "assembler")).toEqual([
      { path: file, line: number, column, severity, message, calls: [] },
    ]);
  });

  it.each([
    ["ld:kernel.ld:3: syntax error", "kernel.ld", 3, "error", "syntax error"],
    ["/usr/bin/x86_64-elf-ld:/a b/kernel.ld:3: syntax error", "/a b/kernel.ld", 3, "error", "syntax error"],
    ["ld.bfd:kernel.ld:0: syntax error", "kernel.ld", 0, "error", "syntax error"],
    [
      "ld:l.ld:2: warning: redeclaration of memory region `a'",
      "l.ld",
      2,
      "warning",
      "redeclaration of memory region `a'",
    ],
    ["C:\\x\\ld.exe:C:\\os\\kernel.ld:3: error: no", "C:\\os\\kernel.ld", 3, "error", "no"],
  ])("linker: %s", (line, file, number, severity, message) => {
    expect(parseOutput(`${line}\nld: no input files`, "linker")).toEqual([
      { path: file, line: number, column: 0, severity, message, calls: [] },
    ]);
  });

  it("calls of macros belong to the message before them", () => {
    const calls = (text: string) => parseOutput(text, "assembler").map((message) => message.calls);
    expect(calls("a.s:2: Error: bad\na.s:9:  Info: macro invoked from here\n")).toEqual([
      [{ path: "a.s", line: 9, message: "macro invoked from here" }],
    ]);
    expect(calls("n.asm:8: error: bad\nn.asm:6: ... from macro `mm' defined here\n")).toEqual([
      [{ path: "n.asm", line: 6, message: "from macro `mm' defined here" }],
    ]);
  });

  it.each([
    "",
    "a.s: Assembler messages:",
    "compilation terminated.",
    "ld: no input files",
    "    7 | #include",
    "3: 4",
  ])("nothing of %j", (line) => {
    expect([...parseOutput(line, "assembler"), ...parseOutput(line, "linker")]).toEqual([]);
  });

  it.each([
    ["  mov ⟦rax⟧, 3", 1, 7, "no"],
    ["  ⟦%include⟧ <x>", 1, 3, "no"],
    ["\t⟦foo bar⟧  # comment", 1, 0, "no such instruction: `foo bar'"],
    ["  mov ⟦%rbx⟧, %rax", 1, 0, "bad register name `%rbx'"],
    ["  ⟦push ax, bx⟧ ; both", 1, 0, "invalid combination"],
    ["  ⟦push ax⟧  ", 1, 0, "no such thing: `bx'"],
    ["⟦⟧", 1, 0, "syntax error"],
    ["⟦a⟧", 1, 9, "beyond its column"],
    ["a\n⟦b⟧", 7, 0, "beyond its end"],
    ["SECTIONS {\n ⟦.text⟧\n\n", 0, 0, "syntax error"],
    [".text > ⟦ram⟧\n}", 2, 0, "memory region `ram' not declared"],
    ["ram\n\n\n\n⟦}⟧", 5, 0, "memory region `ram' not declared"],
  ])("the place in %j", (marks, line, column, message) => {
    const lines = marks.replaceAll(/[⟦⟧]/gu, "").split("\n");
    const found = placeOf({ line, column, message }, lines);
    const text = lines[found.line] ?? "";
    lines[found.line] =
      `${text.slice(0, found.start)}⟦${text.slice(found.start, found.end)}⟧${text.slice(found.end)}`;
    expect(lines.join("\n")).toBe(marks);
  });
});

it("what is said once is not said again", () => {
  const said = (line: number, message: string, severity = 0) => ({
    message,
    severity,
    range: { start: { line } },
  });
  const found = [said(1, "a"), said(2, "b"), said(2, "c"), said(3, "b"), said(2, "b")];
  expect(unsaid(found, [])).toEqual(found.slice(0, 4));
  expect(unsaid(found, [said(2, "other words")])).toEqual([said(1, "a"), said(3, "b")]);
  // A warning of ours says less than an error of the assembler's.
  expect(unsaid(found, [said(2, "other words", 1)])).toEqual(found.slice(0, 4));
  expect(unsaid([said(2, "b", 1)], [said(2, "other words", 1)])).toEqual([]);
});

describe("what is kept of a command", () => {
  it.each([
    [
      "gcc",
      "-g -O2 -Iinclude -I ../x -DX=1 -D Y -m32 -march=i686 -c -o boot.o boot.S",
      "-O2 -Iinclude -I ../x -DX=1 -D Y -m32 -march=i686",
    ],
    [
      "gcc",
      "-MD -MF dep.d -MMD -MT x -Wp,-MMD,x.d -save-temps -fdump-tree-all -fstack-usage -Wa,-adhln=list -E -S boot.S",
      "",
    ],
    [
      "gcc",
      "-include config.h -nostdinc -isystem sys -Wa,--divide -x assembler-with-cpp boot.S",
      "-include config.h -nostdinc -isystem sys -Wa,--divide -x assembler-with-cpp",
    ],
    [
      "clang",
      "-target x86_64-elf --target=x86_64-elf -fno-pic -Xclang -disable-red-zone -ffreestanding -fcf-protection=none boot.S",
      "-target x86_64-elf --target=x86_64-elf -fno-pic -ffreestanding -fcf-protection=none",
    ],
    [
      "nasm",
      "-f elf64 -felf32 -g -F dwarf -Iinc/ -i x/ -DX -dY=2 -P pre.inc -l boot.lst -o boot.o -MD boot.d -w+all -O0 boot.S",
      "-f elf64 -felf32 -Iinc/ -i x/ -DX -dY=2 -P pre.inc -w+all -O0",
    ],
    [
      "as",
      "--32 -I inc -Iinc2 --defsym X=1 --defsym=Y=2 -mx86-used-note=no -al=list -o x.o boot.S",
      "--32 -I inc -Iinc2 --defsym X=1 --defsym=Y=2 -mx86-used-note=no",
    ],
  ])("%s %s", (program, words, expected) => {
    const family = familyOf(program);
    const found = family && argumentsOf(family, words.split(" "), (word) => word === "boot.S");
    expect(found?.join(" ")).toBe(expected);
  });

  it.each([
    ["gcc", "@options boot.S"],
    ["gcc", "-specs=x.specs boot.S"],
    ["clang", "--config x.cfg boot.S"],
    ["nasm", "-@ options boot.asm"],
  ])("%s %s is not run", (program, words) => {
    const family = familyOf(program);
    expect(family && argumentsOf(family, words.split(" "), () => false)).toBeNull();
  });

  it.each([
    ["/usr/bin/x86_64-elf-gcc-13", "compiler"],
    ["C:\\bin\\clang.exe", "compiler"],
    ["cc", "compiler"],
    ["x86_64-elf-as", "gas"],
    ["./tools/nasm", "nasm"],
    ["sh", null],
    ["yasm", null],
    ["python3", null],
    ["gcc-wrapper.sh", null],
    ["bias", null],
  ])("%s is %s", (program, family) => expect(familyOf(program)).toBe(family));
});

const allPrograms: Programs = { as: "as", compiler: "gcc", nasm: "nasm", ld: "ld" };
const noPrograms: Programs = { as: null, compiler: null, nasm: null, ld: null };

function sourceOf(file: string, text: string, command: Command | null = null): Source {
  return { path: file, folder: path.dirname(file), root: "/work", language: languageOf(file), text, command };
}

const lines = (source: Source, programs = allPrograms): string[] =>
  attemptsFor(source, programs, "INPUT", "RESULT").map(
    (attempt) => `${attempt.directory}$ ${attempt.program} ${attempt.arguments.join(" ")}`,
  );

describe("what is run", () => {
  it.each([
    [
      "boot.s",
      "",
      ["as --64 -I /work -I /work/src -o RESULT INPUT", "as --32 -I /work -I /work/src -o RESULT INPUT"],
    ],
    [
      "boot.S",
      "",
      [
        "gcc -m64 -I/work -iquote /work/src -x assembler-with-cpp -c -o RESULT INPUT",
        "gcc -m32 -I/work -iquote /work/src -x assembler-with-cpp -c -o RESULT INPUT",
      ],
    ],
    [
      "boot.s",
      "#include <x.h>",
      [
        "gcc -m64 -x assembler-with-cpp -I/work -iquote /work/src -c -o RESULT INPUT",
        "gcc -m32 -x assembler-with-cpp -I/work -iquote /work/src -c -o RESULT INPUT",
      ],
    ],
    ["boot.asm", "[ORG 0x7c00]", ["nasm -f bin -I/work/ -I/work/src/ -Xgnu -o RESULT INPUT"]],
    [
      "boot.asm",
      "global start",
      ["elf64", "elf32"].map((format) => `nasm -f ${format} -I/work/ -I/work/src/ -Xgnu -o RESULT INPUT`),
    ],
    [
      "boot.asm",
      "",
      ["elf64", "elf32", "bin"].map(
        (format) => `nasm -f ${format} -I/work/ -I/work/src/ -Xgnu -o RESULT INPUT`,
      ),
    ],
  ])("%s with %j", (name, text, expected) => {
    const source = sourceOf(`/work/src/${name}`, text);
    expect(lines(source)).toEqual(expected.map((line) => `/work$ ${line}`));
    expect(lines(source, noPrograms)).toEqual([]);
  });

  it("a linker script, but none that is preprocessed", () => {
    expect(lines(sourceOf("/work/src/kernel.ld", "SECTIONS {}"))).toEqual([
      "/work/src$ ld -L /work/src -L /work -T INPUT -o RESULT",
    ]);
    expect(lines(sourceOf("/work/src/kernel.ld", "#include <x.h>\nSECTIONS {}"))).toEqual([]);
    expect(lines(sourceOf("/work/src/kernel.lds.S", "SECTIONS {}"))).toEqual([]);
  });

  it("the build's own command, without what it writes", () => {
    const command = (text: string): Command => ({ directory: "/build", words: text.split(" ") });
    const of = (name: string, text: string): string[] =>
      lines(sourceOf(`/work/src/${name}`, "", command(text)));
    expect(of("boot.S", "x86_64-elf-gcc -DX -MD -o boot.o -c ../src/boot.S")).toEqual([
      "/build$ x86_64-elf-gcc -DX -iquote /work/src -x assembler-with-cpp -c -o RESULT INPUT",
    ]);
    expect(of("boot.asm", "tools/nasm -f elf64 -l list ../src/boot.asm -o boot.o")).toEqual([
      "/build$ /build/tools/nasm -f elf64 -I/work/src/ -Xgnu -o RESULT INPUT",
    ]);
    expect(of("boot.S", "rm -rf / boot.S")).toEqual([]);
    expect(of("boot.S", "gcc @all boot.S")).toEqual([]);
  });
});

describe("compilation databases", () => {
  it("commands of assembly by absolute paths; the first of two", () => {
    const entry = (directory: string, file: string, command: string) => ({ directory, file, command });
    const text = JSON.stringify([
      entry("/build", "../src/boot.S", "ccache gcc -c ../src/boot.S"),
      entry("/build", "/work/src/boot.S", "gcc -m32 -c /src/boot.S"),
      entry(".", "gdt.asm", "nasm gdt.asm"),
      entry("/build", "main.c", "gcc -c main.c"),
      entry("/build", "x.S", "sh x.S"),
    ]);
    expect([...assemblyCommands(text, "/work/out")]).toEqual([
      ["/src/boot.S", { directory: "/build", words: ["gcc", "-c", "../src/boot.S"] }],
      ["/work/src/boot.S", { directory: "/build", words: ["gcc", "-m32", "-c", "/src/boot.S"] }],
      ["/work/out/gdt.asm", { directory: "/work/out", words: ["nasm", "gdt.asm"] }],
    ]);
  });
});

describe("which tools there are", () => {
  const shell = (answers: Readonly<Record<string, string>>): Shell => ({
    locate: async (name) => (name in answers ? `/bin/${name}` : null),
    ask: async (program) => ({ status: 0, output: answers[path.basename(program)] ?? "" }),
  });
  const options = { directory: "/", scratch: "/", signal: new AbortController().signal };

  it("those for a PC, cross tools first", async () => {
    const programs = await findPrograms(
      options,
      shell({
        as: "GNU assembler (GNU Binutils) 2.42\nThis assembler was configured for a target of `aarch64-linux-gnu'.",
        "x86_64-elf-as":
          "GNU assembler (GNU Binutils) 2.42\nThis assembler was configured for a target of `x86_64-elf'.",
        gcc: "Target: x86_64-linux-gnu\ngcc version 12.2.0",
        nasm: "NASM version 2.16.01",
        ld: "GNU ld (GNU Binutils) 2.42",
        "x86_64-elf-ld": "GNU ld (GNU Binutils) 2.42",
      }),
    );
    expect(programs).toEqual({
      as: "/bin/x86_64-elf-as",
      compiler: "/bin/gcc",
      nasm: "/bin/nasm",
      ld: "/bin/x86_64-elf-ld",
    });
  });

  it("none for another machine, of another maker, or in another voice", async () => {
    const programs = await findPrograms(
      options,
      shell({
        as: "Apple clang version 15.0.0\nTarget: arm64-apple-darwin23",
        gcc: "Apple clang version 15.0.0\nTarget: x86_64-apple-darwin23",
        clang: "clang version 15\nTarget: arm64-apple-darwin23",
        nasm: "yasm 1.3.0",
        ld: "GNU gold (GNU Binutils) 1.16",
      }),
    );
    expect(programs).toEqual(noPrograms);
  });
});

const isInstalled = (program: string): boolean => {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const hasTools =
  process.platform === "linux" && process.arch === "x64" && ["as", "gcc", "nasm", "ld"].every(isInstalled);

describe.skipIf(!hasTools)("with as, gcc, nasm and ld", () => {
  let folder = "";
  let programs = noPrograms;
  const never = new AbortController().signal;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "redzone-tools-test-"));
    programs = await findPrograms({ directory: folder, scratch: folder, signal: never });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** "name:line: message" of all that is found. */
  async function found(name: string, text: string, options: { command?: Command; isSaved?: boolean } = {}) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, options.isSaved === false ? "; older" : text);
    const before = listing();
    const source = { ...sourceOf(file, text, options.command ?? null), root: folder };
    const { messages } = await check(source, options.isSaved !== false, programs, never);
    expect(listing(), "nothing is written into the workspace").toEqual(before);
    return messages.map(
      (message) =>
        `${path.relative(folder, message.path)}:${message.line}: ${message.program}: ${message.message}`,
    );
  }
  const listing = (): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return `${file} ${readFileSync(file, "latin1")}`;
      });

  it("finds what GNU as finds, of the file and of an unsaved copy", async () => {
    const text = ".code64\n  mov %rax, %rbx\n  movz %rax\n";
    const expected = ["boot.s:3: as: no such instruction: `movz %rax'"];
    expect(await found("boot.s", text)).toEqual(expected);
    expect(await found("boot.s", text, { isSaved: false })).toEqual(expected);
  });

  it("finds in an unsaved copy what is included beside it", async () => {
    writeFileSync(path.join(folder, "gdt.inc"), "  nop nop nop\n");
    expect(await found("boot.asm", 'bits 64\n%include "gdt.inc"\n', { isSaved: false })).toEqual([
      expect.stringMatching(/^gdt\.inc:1: nasm: /u) as string,
    ]);
    writeFileSync(path.join(folder, "gdt.h"), "#define LIMIT 23\n");
    expect(
      await found("boot.S", '#include "gdt.h"\n mov $LIMIT, %eax\n bad LIMIT\n', { isSaved: false }),
    ).toEqual(["boot.S:3: gcc: no such instruction: `bad 23'"]);
  });

  it("says nothing of a width that nobody says", async () => {
    // Each is right in one width only.
    expect(await found("wide.s", "  push %rax\n")).toEqual([]);
    expect(await found("narrow.s", "  push %eax\n")).toEqual([]);
    expect(await found("narrow.asm", "  push ax\n  aaa\n")).toEqual([]);
    expect(await found("both.s", "  push %eax\n  nonsense\n")).toEqual([
      "both.s:2: as: no such instruction: `nonsense'",
    ]);
  });

  it("says nothing of what a build would know", async () => {
    expect(await found("include.S", "#include <generated/none.h>\n  nonsense\n")).toEqual([]);
    expect(await found("include.s", '.include "none.inc"\n  nonsense\n')).toEqual([]);
    expect(await found("include.asm", '%include "none.inc"\n  nonsense one, two\n')).toEqual([]);
    expect(await found("define.asm", "bits 64\n  mov eax, STACK_SIZE\n  mov eax, stack_end\n")).toEqual([
      "define.asm:3: nasm: symbol `stack_end' not defined",
    ]);
    expect(await found("condition.asm", "%if BITS == 64\nbits 64\n%endif\n  nonsense one, two\n")).toEqual(
      [],
    );
    expect(await found("demand.S", "#ifndef CPU\n#error no CPU\n#endif\n  nonsense\n")).toEqual([]);
    expect(await found("warning.s", '.warning "old"\n')).toEqual([]);
  });

  it("with the build's command it says all", async () => {
    const words = (text: string): Command => ({ directory: folder, words: text.split(" ") });
    expect(
      await found("flat.asm", "bits 64\n  mov eax, STACK_SIZE\n  mov al, 0x1234\n", {
        command: words("nasm -f elf64 -o flat.o flat.asm"),
      }),
    ).toEqual([
      "flat.asm:2: nasm: symbol `STACK_SIZE' not defined",
      "flat.asm:3: nasm: byte data exceeds bounds",
    ]);
    expect(
      await found("flat.asm", "bits 64\n  mov eax, STACK_SIZE\n", {
        command: words("nasm -f elf64 -DSTACK_SIZE=16 -l flat.lst -MD flat.d -o flat.o flat.asm"),
      }),
    ).toEqual([]);
    expect(
      await found("thirty-two.S", "  push %eax\n  push %rax\n", {
        command: words("gcc -m32 -MD -MF x.d -save-temps -c thirty-two.S -o thirty-two.o"),
      }),
    ).toEqual(["thirty-two.S:2: gcc: bad register name `%rax'"]);
    expect(await found("none.S", '#include "none.h"\n', { command: words("gcc -c none.S") })).toEqual([
      "none.S:1: gcc: none.h: No such file or directory",
    ]);
  });

  it("names the call of a macro whose body is wrong", async () => {
    const text = ".macro m x\n  mov \\x\n.endm\n  m 3\n";
    const file = path.join(folder, "macro.s");
    writeFileSync(file, text);
    const { messages } = await check({ ...sourceOf(file, text), root: folder }, true, programs, never);
    const lines = messages.flatMap((message) => [message.line, ...message.calls.map((call) => call.line)]);
    // Newer versions of GNU as name the body first, older ones the call.
    expect(new Set(lines)).toEqual(new Set([2, 4]));
  });

  it("reads linker scripts, without what they are to link", async () => {
    expect(
      await found(
        "good.ld",
        'ENTRY(start)\nSECTIONS { .text : { *(.text) } x = missing; ASSERT(0, "no") }\n',
      ),
    ).toEqual([]);
    expect(await found("bad.ld", "SECTIONS {\n  .text : { *(.text) }\n  x = y + ;\n}\n")).toEqual([
      "bad.ld:3: ld: syntax error",
    ]);
    expect(await found("open.ld", "SECTIONS {\n", { isSaved: false })).toEqual([
      "open.ld:0: ld: syntax error",
    ]);
    expect(await found("region.ld", "SECTIONS {\n  .text : { *(.text) } > ram\n}\n")).toEqual([
      "region.ld:3: ld: memory region `ram' not declared",
    ]);
    expect(await found("missing.ld", "INCLUDE none.ld\n")).toEqual([]);
  });

  it("finds nothing in what is right: the sample kernel, the corrected twins of faulty files", async () => {
    const roots = ["media/sample-kernel", "test/language/faulty/corrected"].map((name) => path.resolve(name));
    const wrong: string[] = [];
    for (const root of roots) {
      for (const name of readdirSync(root).filter((each) => /\.(?:S|s|asm|ld)$/u.test(each))) {
        const file = path.join(root, name);
        const source = { ...sourceOf(file, readFileSync(file, "utf8")), root };
        const { messages } = await check(source, true, programs, never);
        wrong.push(...messages.map(({ line, message }) => `${name}:${line}: ${message}`));
      }
    }
    expect(wrong).toEqual([]);
  });

  it("the database is read again when it has changed", async () => {
    const databases = new Databases();
    const database = path.join(folder, "compile_commands.json");
    const write = (command: string): void =>
      writeFileSync(database, JSON.stringify([{ directory: folder, file: "boot.S", command }]));
    const words = async () =>
      (await databases.commandFor(path.join(folder, "boot.S"), ["/none.json", database]))?.words;
    write("gcc -c boot.S");
    expect(await words()).toEqual(["gcc", "-c", "boot.S"]);
    write("gcc -m32 -c boot.S");
    expect(await words()).toEqual(["gcc", "-m32", "-c", "boot.S"]);
    rmSync(database);
    expect(await words()).toBeUndefined();
  });

  it("a run that is stopped leaves nothing running, and says nothing", async () => {
    const controller = new AbortController();
    const marker = path.join(folder, "started");
    const running = run("sh", ["-c", `echo $$ > ${marker}; sleep 600 & wait`], {
      directory: folder,
      scratch: folder,
      signal: controller.signal,
    });
    const isThere = (): boolean => {
      try {
        return readFileSync(marker, "utf8").endsWith("\n");
      } catch {
        return false;
      }
    };
    await expect.poll(isThere, { timeout: 20_000 }).toBe(true);
    const group = Number(readFileSync(marker, "utf8"));
    controller.abort();
    expect(await running).toEqual({ status: null, output: "" });
    // Members that have ended stay until they are waited for; those of a group that is gone cannot be found.
    await expect
      .poll(() => execFileSync("ps", ["-eo", "pgid=,stat="], { encoding: "utf8" }), { timeout: 20_000 })
      .not.toMatch(new RegExp(`^ *${group} +[^Z\\s]`, "mu"));
  });

  it("a program that is not there is no error", async () => {
    expect(
      await run("redzone-no-such-program", [], { directory: folder, scratch: folder, signal: never }),
    ).toEqual({
      status: null,
      output: "",
    });
  });
});
