/** Files of every kind: archives as GNU and BSD write them, damage, compilers' records of their switches, the command line, the running program. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { anchorLine } from "../../extension/analysis/anchor.ts";
import { functionProblem, lensTitle, unitsProblem } from "../../extension/analysis/words.ts";
import { analyseFile, archiveMembers } from "../../debug-adapter/analysis/index.ts";
import { parseLinkMap, memberOf } from "../../debug-adapter/analysis/link-map.ts";
import { switchesOf } from "../../debug-adapter/analysis/unit.ts";
import { analyse, parseAnalyse } from "../../debug-adapter/cli/analyse.ts";
import type { Host } from "../../debug-adapter/cli/host.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { memoryReader } from "../../debug-adapter/symbols/index.ts";
import type { FileAnalysisBody } from "../../media/protocol.ts";
import { build, has, PROGRAMS } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "redzone-analysis-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SAMPLE = join(PROGRAMS, "../../../media/sample-kernel/sample.elf");

function analysed(path: string): FileAnalysisBody {
  const steps = analyseFile(path, nodeFiles);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

const header = (name: string, size: number): string =>
  `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"644".padEnd(8)}${String(size).padEnd(10)}\`\n`;
const members = (text: string): string[] =>
  [...archiveMembers(memoryReader(new TextEncoder().encode(text)), "x.a")].map(
    ({ name, reader }) =>
      `${name}=${reader === null ? "" : new TextDecoder().decode(reader.read(0, reader.size))}`,
  );

describe("archives", () => {
  it("are read in GNU's form: names end with a slash, long ones are in a member of their own", () => {
    const names = "a_long_name_indeed.o/\nanother_long_name.o/\n";
    const text = `!<arch>\n${header("/", 4)}${"xxxx"}${header("//", names.length)}${names}${"\n".repeat(names.length & 1)}${header("/22", 3)}abc\n${header("short.o/", 2)}de`;
    expect(members(text)).toEqual(["another_long_name.o=abc", "short.o=de"]);
  });

  it("are read in BSD's form: long names stand before the contents", () => {
    const text = `!<arch>\n${header("#1/12", 16)}long_name.o\0body${header("__.SYMDEF", 2)}xx${header("plain.o", 2)}yz`;
    expect(members(text)).toEqual(["long_name.o=body", "plain.o=yz"]);
  });

  it("that are thin name files", () => {
    const names = "sub/a.o/\n";
    const text = `!<thin>\n${header("//", names.length)}${names}\n${header("/0", 1000)}${header("b.o/", 500)}`;
    expect(members(text)).toEqual(["sub/a.o=", "b.o="]);
  });

  it("that are damaged say where", () => {
    expect(() => members(`!<arch>\n${header("a.o/", 9999)}abc`)).toThrow(
      /offset 0x8: a member of 9999 bytes does not fit/u,
    );
    expect(() => members(`!<arch>\n${"x".repeat(60)}`)).toThrow(/no archive member begins here/u);
  });

  it.skipIf(!has("ar") || !has("gcc"))("of a real `ar`, thin ones and with long names, are analysed", () => {
    const object = build("leaf", "gcc -O2 -w -c $P/leaf.c -o $O", ["leaf.c"]);
    const long = join(folder, "a_name_of_more_than_fifteen_bytes.o");
    writeFileSync(long, readFileSync(object));
    for (const flags of ["rc", "rcT"]) {
      const archive = join(folder, `${flags}.a`);
      execFileSync("ar", [flags, archive, long]);
      const body = analysed(archive);
      expect(body.problems).toEqual([]);
      expect(body.functions.find(({ name }) => name === "array")).toMatchObject({ redZoneBytes: 72 });
    }
  });
});

describe("compilers' switches", () => {
  it.each([
    ["GNU C17 12.2.0 -mno-red-zone -mtune=generic -march=x86-64 -g -O2", "no"],
    ["GNU C17 12.2.0 -mtune=generic -march=x86-64 -g -O2", "yes"],
    ["GNU C17 12.2.0 -mno-red-zone -mred-zone -g", "yes"],
    ["GNU C++17 12.2.0 -m32 -O2", null],
    ["GNU AS 2.40", null],
    ["Debian clang version 14.0.6", "unknown"],
    ["clang version 17.0.0 /usr/bin/clang -O2 -mno-red-zone -c x.c -grecord-command-line", "no"],
    ["clang LLVM (rustc version 1.95.0 (59807616e 2026-04-14))", "unknown"],
  ])("%s", (producer, expected) => expect(switchesOf(producer)).toBe(expected));
});

describe("linkers' maps", () => {
  it.each([
    [
      "GNU ld",
      " .text          0x0000000000101000       0x2a /usr/lib/gcc/12/libgcc.a(_udivmodti4.o)\n",
      0x101010n,
    ],
    [
      "GNU ld, a long section name",
      " .text.a_rather_long_name\n                0x0000000000101000       0x2a lib/libgcc.a(_udivmodti4.o)\n",
      0x101029n,
    ],
    [
      "LLD",
      "          201000           201000       2a    16         /usr/lib/libgcc.a(_udivmodti4.o):(.text)\n",
      0x201000n,
    ],
  ])("of %s", (_, text, address) => {
    const map = parseLinkMap(text)!;
    expect(memberOf(map.at(address)!)).toBe("libgcc.a(_udivmodti4.o)");
    expect(map.at(address + 0x2an)).toBeNull();
  });

  it("of another kind are none", () => expect(parseLinkMap("0x1000 0x10 hello\n")).toBeNull());
});

describe("the sample kernel", () => {
  const body = analysed(SAMPLE);
  const sum = body.functions.find(({ redZoneBytes }) => redZoneBytes > 0)!;

  it("has one function that uses the red zone, in the one unit that may", () => {
    expect(body.functions.filter(({ redZoneBytes }) => redZoneBytes > 0)).toHaveLength(1);
    expect(sum).toMatchObject({
      name: "sum_in_red_zone",
      redZoneBytes: 96,
      line: 10,
      isLeaf: true,
      isComplete: true,
    });
    expect(sum.path).toMatch(/sample-kernel\/redzone\.c$/u);
    expect(body.units.filter(({ redZone }) => redZone !== "no").map(({ name }) => name)).toEqual([
      "redzone.c",
    ]);
  });

  it.skipIf(!has("objcopy"))("is the same in a 32-bit file, as boot loaders want it", () => {
    const renamed = join(folder, "sample32.elf");
    execFileSync("objcopy", ["-O", "elf32-i386", SAMPLE, renamed]);
    const users = analysed(renamed).functions.filter(({ redZoneBytes }) => redZoneBytes > 0);
    expect(users).toMatchObject([{ name: "sum_in_red_zone", redZoneBytes: 96, frameBytes: 16 }]);
  });

  it("is told of in sentences", () => {
    expect(lensTitle(sum)).toBe("red zone 96 B · stack 16 B");
    expect(functionProblem(sum)).toMatch(
      /^sum_in_red_zone keeps 96 bytes below the stack pointer, in the red zone\./u,
    );
    expect(functionProblem(sum)).toMatch(/Compile it with -mno-red-zone, or give the gates an IST stack\.$/u);
    expect(functionProblem({ ...sum, file: "boot.S" })).toMatch(/Move RSP down before storing there/u);
    expect(functionProblem({ ...sum, file: "main.rs" })).toMatch(/x86_64-unknown-none/u);
    expect(functionProblem({ ...sum, member: "libgcc.a(_umoddi3.o)" })).toMatch(
      /^sum_in_red_zone, which libgcc\.a\(_umoddi3\.o\) brought, keeps.*Link a build of that library/u,
    );
    expect(unitsProblem("sample.elf", body)).toMatch(
      /^1 of 12 compilation units of sample\.elf was built without/u,
    );
  });

  it("is found in edited sources by the function's name", () => {
    const lines = ["int g(void);", "", "", "static int", "f(int a)", "{", "  return f(a);", "}"];
    const at = (line: number): number => anchorLine((each) => lines[each]!, lines.length, line, "f");
    expect([at(1), at(5), at(8), at(900)]).toEqual([4, 4, 4, 4]);
    expect(anchorLine((each) => lines[each]!, lines.length, 3, "gone")).toBe(2);
  });

  it("is printed by the command line, which can fail for it", () => {
    let printed = "";
    let complaints = "";
    const host = {
      files: nodeFiles,
      directory: folder,
      stdout: (bytes: Uint8Array) => (printed += new TextDecoder().decode(bytes)),
      stderr: (text: string) => (complaints += text),
    } as unknown as Host;
    const run = (...words: readonly string[]): number => {
      printed = complaints = "";
      const command = parseAnalyse(words);
      if (typeof command === "string") throw new Error(command);
      return analyse(command, host);
    };
    expect(run(SAMPLE)).toBe(0);
    expect(printed).toMatch(/^sample\.elf: 1 of 80 functions uses the red zone/u);
    expect(printed).toMatch(/^\s+96\s+16\s+sum_in_red_zone\s+redzone\.c:10$/mu);
    expect(run(SAMPLE, "--no-red-zone")).toBe(1);
    expect(run(SAMPLE, "--json")).toBe(0);
    expect((JSON.parse(printed) as unknown[])[0]).toMatchObject({ kind: "kernel", functionCount: 80 });
    expect(run("nowhere.elf", SAMPLE, "--no-red-zone")).toBe(4);
    expect(complaints).toMatch(/Cannot read the program .*nowhere\.elf/u);
    expect(parseAnalyse([])).toMatch(/needs a file/u);
    expect(parseAnalyse(["--what", "x"])).toBe("analyse does not know --what");
  });
});
