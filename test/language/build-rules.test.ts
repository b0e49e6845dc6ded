/**
 * Rules about build files, as a user sees them: `⟦` … `⟧` is where a finding stands; a text without marks has none. Quick fixes are applied, and what they leave
 * is checked again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandsIn, splitWords } from "../../extension/language/server/rules/build-command.ts";
import { buildActions } from "../../extension/language/server/rules/build-action.ts";
import {
  buildDiagnostics,
  buildFactsOf,
  buildRules,
} from "../../extension/language/server/rules/build-diagnostic.ts";
import { offsetIn, parseJson } from "../../extension/language/server/rules/build-json.ts";
import { buildKindOf, type BuildFacts } from "../../extension/language/server/rules/build-rule.ts";
import { marked } from "./cursor.ts";

const uris = {
  database: "file:///work/build/compile_commands.json",
  target: "file:///work/x86_64-kernel.json",
  cargo: "file:///work/.cargo/config.toml",
};
const nothingSaved: BuildFacts = { savesVectors: false };

/** What the rules say of a text with marks, beside what the marks expect: "line:start-end". */
function check(uri: string, marks: string, facts = nothingSaved) {
  const places: string[] = [];
  let text = "";
  let start = "";
  const here = (): string => `${text.split("\n").length - 1}:${text.length - text.lastIndexOf("\n") - 1}`;
  for (const part of marks.split(/([⟦⟧])/u)) {
    if (part === "⟦") start = here();
    else if (part === "⟧") places.push(`${start}-${here().split(":")[1]}`);
    else text += part;
  }
  const diagnostics = buildDiagnostics(uri, text, facts);
  const found = diagnostics.map(
    ({ range }) => `${range.start.line}:${range.start.character}-${range.end.character}`,
  );
  return { text, diagnostics, found, places };
}

/** The text after all quick fixes of the first diagnostic. */
function mended(uri: string, text: string): string {
  const diagnostics = buildDiagnostics(uri, text, nothingSaved);
  const lines = text.split("\n");
  const edits = buildActions(uri, diagnostics.slice(0, 1))[0]?.edit?.changes?.[uri] ?? [];
  // From the end, so that places before stay what they were.
  for (const { range, newText } of edits.toReversed()) {
    const line = lines[range.start.line] ?? "";
    lines[range.start.line] =
      line.slice(0, range.start.character) + newText + line.slice(range.end.character);
  }
  return lines.join("\n");
}

const entry = (command: string, file = "kernel.c"): string =>
  JSON.stringify({ directory: "/work/build", command, file });
const database = (...commands: string[]): string =>
  `[\n${commands.map((command) => `  ${entry(command)}`).join(",\n")}\n]`;

describe("freestanding C and C++ in a compilation database", () => {
  it.each([
    "x86_64-elf-gcc ⟦-ffreestanding⟧ -O2 -mno-sse -c kernel.c -o kernel.o",
    "/opt/cross/bin/x86_64-elf-g++-13.2.0 -O2 ⟦-ffreestanding⟧ -c kernel.c",
    "clang --target=x86_64-unknown-none-elf ⟦-ffreestanding⟧ -c kernel.c",
    "clang-18 -target x86_64-elf -nostdlib ⟦-ffreestanding⟧ -c kernel.c",
    "gcc -m64 ⟦-ffreestanding⟧ -c kernel.c",
    "gcc -march=x86-64-v2 ⟦-ffreestanding⟧ -c kernel.c",
    "gcc -ffreestanding -mno-sse ⟦-mcmodel=kernel⟧ -c kernel.c",
    "ccache gcc -nostdlib ⟦-mcmodel=kernel⟧ -mno-sse -c kernel.c",
    "gcc -mno-red-zone -mred-zone -mno-sse ⟦-mcmodel=kernel⟧ -c kernel.c",
    'gcc -m64 \\"-DNAME=-mno-red-zone\\" ⟦-ffreestanding⟧ -c kernel.c',
    "gcc -m64 -I -mno-red-zone ⟦-ffreestanding⟧ -c kernel.c",
    'gcc -m64 -D X=\\\\\\"a\\\\\\" ⟦-ffreestanding⟧ -c kernel.c',
  ])("%s", (command) => {
    const text = `[{ "file": "a/kernel.c", "directory": "/work", "command": "${command}" }]`;
    const { found, places, diagnostics } = check(uris.database, text);
    expect(found).toEqual(places);
    expect(diagnostics[0]).toMatchObject({ code: "build-red-zone", severity: 2, source: "redzone" });
    expect(diagnostics[0]?.message).toMatch(/^kernel\.c is compiled for x86-64 without -mno-red-zone/u);
    expect(
      buildDiagnostics(uris.database, mended(uris.database, text.replaceAll(/[⟦⟧]/gu, "")), nothingSaved),
    ).toEqual([]);
  });

  it.each([
    "x86_64-elf-gcc -ffreestanding -mno-red-zone -c kernel.c",
    "gcc -mcmodel=kernel -mred-zone -mno-red-zone -mno-sse -c kernel.c",
    "clang --target=x86_64-elf -ffreestanding -Xclang -disable-red-zone -c kernel.c",
    "clang -mkernel -mcmodel=kernel -mgeneral-regs-only -c kernel.c",
    // For which machine?
    "gcc -ffreestanding -c kernel.c",
    "clang -ffreestanding -nostdlib -c kernel.c",
    // For another.
    "gcc -m32 -ffreestanding -c kernel.c",
    "x86_64-elf-gcc -m32 -ffreestanding -c kernel.c",
    "gcc -m16 -march=x86-64 -ffreestanding -c kernel.c",
    "i686-elf-gcc -ffreestanding -c kernel.c",
    "aarch64-none-elf-gcc -ffreestanding -c kernel.c",
    "powerpc64-linux-gnu-gcc -m64 -ffreestanding -c kernel.c",
    "gcc -m64 -mcpu=power9 -ffreestanding -c kernel.c",
    "clang --target=riscv64-unknown-none-elf -ffreestanding -c kernel.c",
    "x86_64-linux-gnux32-gcc -ffreestanding -c kernel.c",
    // Windows and UEFI have none.
    "x86_64-w64-mingw32-gcc -ffreestanding -c kernel.c",
    "clang --target=x86_64-unknown-windows -ffreestanding -c kernel.c",
    "gcc -m64 -mabi=ms -ffreestanding -c kernel.c",
    // A program for users.
    "x86_64-linux-gnu-gcc -O2 -c kernel.c",
    "gcc -m64 -ffreestanding -fhosted -c kernel.c",
    "gcc -m64 -D -ffreestanding -c kernel.c",
    // What is in the file?
    "gcc -m64 -ffreestanding @options -c kernel.c",
    "gcc -m64 -ffreestanding -specs=kernel.specs -c kernel.c",
    "clang --config kernel.cfg --target=x86_64-elf -ffreestanding -c kernel.c",
    // No C.
    "gcc -m64 -ffreestanding -x assembler-with-cpp -c kernel.c",
    // Not a compiler that is known.
    "clang-cl -m64 -ffreestanding -c kernel.c",
    "nasm -f elf64 -ffreestanding kernel.c",
    "",
  ])("nothing of %s", (command) => {
    expect(check(uris.database, database(command)).diagnostics).toEqual([]);
  });

  it("takes the arguments' list, too, and adds to it", () => {
    const text = `[
  {
    "directory": "/work",
    "arguments": ["x86_64-elf-gcc", ⟦"-ffreestanding"⟧, "-c", "kernel.cc"],
    "file": "kernel.cc"
  }
]`;
    const { found, places, text: plain } = check(uris.database, text);
    expect(found).toEqual(places);
    const after = mended(uris.database, plain);
    expect(after).toContain('["x86_64-elf-gcc", "-ffreestanding", "-mno-red-zone", "-c", "kernel.cc"]');
    expect(buildDiagnostics(uris.database, after, nothingSaved)).toEqual([]);
  });

  it("says it once of many files, and mends them all", () => {
    const wrong = "x86_64-elf-gcc -ffreestanding -c kernel.c";
    const text = database(
      "gcc -c a.c",
      wrong,
      "x86_64-elf-gcc -mno-red-zone -ffreestanding -c b.c",
      wrong,
      wrong,
    );
    const diagnostics = buildDiagnostics(uris.database, text, nothingSaved);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.range.start.line).toBe(2);
    expect(diagnostics[0]?.message).toContain("So are 2 other files.");
    expect(buildActions(uris.database, diagnostics)[0]?.title).toBe(
      "Add -mno-red-zone to the 3 commands that lack it",
    );
    expect(mended(uris.database, text).match(/-ffreestanding -mno-red-zone /g)).toHaveLength(3);
    expect(buildDiagnostics(uris.database, mended(uris.database, text), nothingSaved)).toEqual([]);
  });

  it("leaves assembly alone, and entries that are none", () => {
    const command = "x86_64-elf-gcc -ffreestanding -c boot.S";
    const text = JSON.stringify([
      { directory: "/", command, file: "boot.S" },
      { directory: "/", command },
      { directory: "/", arguments: [1], file: "a.c" },
      7,
      null,
    ]);
    expect(check(uris.database, text).diagnostics).toEqual([]);
    for (const other of ["", "[", "{}", "[[]]", "true"]) {
      expect(check(uris.database, other).diagnostics).toEqual([]);
    }
  });
});

describe("SSE in a kernel", () => {
  const command = "gcc ⟦-mcmodel=kernel⟧ -mno-red-zone -c kernel.c";

  it("is told where nothing saves its registers", () => {
    const text = `[{ "file": "kernel.c", "directory": "/", "command": "${command}" }]`;
    const { found, places, diagnostics, text: plain } = check(uris.database, text);
    expect(found).toEqual(places);
    expect(diagnostics[0]).toMatchObject({ code: "build-sse", severity: 3 });
    expect(mended(uris.database, plain)).toContain("-mcmodel=kernel -mno-sse -mno-red-zone");
    expect(buildDiagnostics(uris.database, mended(uris.database, plain), nothingSaved)).toEqual([]);
    expect(buildDiagnostics(uris.database, plain, { savesVectors: true })).toEqual([]);
  });

  it.each([
    ["boot.S", "  fxsave64 (%rdi)", true],
    ["boot.S", "  xsaveopt (%rdi)", true],
    ["boot.asm", "  fxsave [rdi]", true],
    ["boot.S", "  # fxsave (%rdi)", false],
    ["boot.S", "fxsave_area: .skip 512", false],
    ["boot.S", "  fxrstor (%rdi)", false],
  ])("%s with %s", (name, text, savesVectors) => {
    expect(buildFactsOf(marked(text, name).world)).toEqual({ savesVectors });
  });
});

describe("Rust targets", () => {
  const target = (...members: string[]): string =>
    `{\n  ${['"arch": "x86_64"', '"os": "none"', ...members].join(",\n  ")}\n}\n`;
  const triple = '"llvm-target": "x86_64-unknown-none"';
  const soft = '"features": "-mmx,-sse,+soft-float"';

  it.each([
    ["build-rust-red-zone", target('"llvm-target": ⟦"x86_64-unknown-none"⟧', soft)],
    ["build-rust-red-zone", target('"llvm-target": ⟦"x86_64-unknown-none-elf"⟧', soft)],
    ["build-rust-red-zone", target(triple, soft, '"disable-redzone": ⟦false⟧')],
    ["build-rust-red-zone", `{"llvm-target": ⟦"x86_64-pc-none-elf"⟧, "arch": "x86_64", ${soft}}`],
    ["build-rust-sse", target('"llvm-target": ⟦"x86_64-unknown-none"⟧', '"disable-redzone": true')],
    ["build-rust-sse", target(triple, '"features": ⟦"-mmx,+sse3"⟧', '"disable-redzone": true')],
    ["build-rust-sse", target(triple, '"features": ⟦"-sse,+sse"⟧', '"disable-redzone": true')],
    ["build-rust-sse", target(triple, '"features": ⟦""⟧', '"disable-redzone": true')],
  ])("%s: %s", (code, marks) => {
    const { found, places, diagnostics, text } = check(uris.target, marks);
    expect(found).toEqual(places);
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toEqual([code]);
    const after = mended(uris.target, text);
    expect(buildDiagnostics(uris.target, after, nothingSaved)).toEqual([]);
    expect(parseJson(after)?.kind).toBe("object");
  });

  it.each([
    target(triple, soft, '"disable-redzone": true'),
    target(triple, '"rustc-abi": "x86-softfloat"', '"disable-redzone": true'),
    target('"llvm-target": "x86_64-unknown-linux-gnu"'),
    target('"llvm-target": "x86_64-unknown-windows"'),
    target('"llvm-target": "aarch64-unknown-none"').replace("x86_64", "aarch64"),
    target('"llvm-target": "i686-unknown-none"').replace("x86_64", "x86"),
    `{ "arch": "x86_64", "os": "uefi", ${triple} }`,
    `{ "arch": "x86_64", ${triple}`,
    `[{ "arch": "x86_64", ${triple} }]`,
    '{ "name": "package" }',
  ])("nothing of %s", (text) => {
    expect(check(uris.target, text).diagnostics).toEqual([]);
  });

  it("adds a line with the same indentation", () => {
    expect(mended(uris.target, target(triple, soft))).toBe(target(triple, '"disable-redzone": true', soft));
  });
});

describe("Cargo's configuration", () => {
  it.each([
    '[build]\ntarget = "x86_64-unknown-none"\nrustflags = ["-C", "⟦no-redzone=no⟧"]\n',
    '[build]\ntarget = ["x86_64-unknown-none"] # kernel\nrustflags = "-C opt-level=2 -C⟦no-redzone=off⟧"\n',
    "[target.x86_64-unknown-none]\nrustflags = [\n  '-C', # red zone\n  '⟦no-redzone=n⟧',\n]\n",
    '[target."x86_64-unknown-none"]\nlinker = "ld"\nrustflags = ["-Cno-redzone=yes", "-C⟦no-redzone=false⟧"]\n',
  ])("%s", (marks) => {
    const { found, places, diagnostics, text } = check(uris.cargo, marks);
    expect(found).toEqual(places);
    expect(diagnostics.map(({ code }) => code)).toEqual(["build-cargo-red-zone"]);
    expect(buildDiagnostics(uris.cargo, mended(uris.cargo, text), nothingSaved)).toEqual([]);
  });

  it.each([
    '[build]\ntarget = "x86_64-unknown-none"\nrustflags = ["-C", "no-redzone=yes"]',
    '[build]\ntarget = "x86_64-unknown-none"\nrustflags = ["-C", "no-redzone=no", "-C", "no-redzone"]',
    '[build]\ntarget = "x86_64-unknown-none"\n# rustflags = ["-C", "no-redzone=no"]',
    '[build]\nrustflags = ["-C", "no-redzone=no"]',
    '[build]\ntarget = ["x86_64-unknown-none", "x86_64-unknown-linux-gnu"]\nrustflags = ["-C", "no-redzone=no"]',
    '[target.x86_64-unknown-linux-gnu]\nrustflags = ["-C", "no-redzone=no"]',
    '[target.x86_64-unknown-none]\nrunner = "no-redzone=no"',
    "",
  ])("nothing of %s", (text) => {
    expect(check(uris.cargo, text).diagnostics).toEqual([]);
  });
});

it.each([
  [uris.database, "compile-commands"],
  [uris.target, "rust-target"],
  [uris.cargo, "cargo-config"],
  ["file:///work/.cargo/config", "cargo-config"],
  ["file:///work/config.toml", null],
  ["file:///work/boot.S", null],
])("%s is %s", (uri, kind) => expect(buildKindOf(uri)).toBe(kind));

it("each rule has its own code, a sentence without a full stop, and an explanation with code and a manual", () => {
  expect(new Set(buildRules.map(({ code }) => code)).size).toBe(buildRules.length);
  for (const { title, explanation } of buildRules) {
    expect(title).toMatch(/^[A-Z].*[^.]$/u);
    expect(explanation).toMatch(/```\w+\n/u);
    expect(explanation).toMatch(/\*[^*]+\.\*$/u);
  }
});

describe("words of a command", () => {
  it.each([
    ["gcc -c a.c", ["gcc", "-c", "a.c"]],
    ["  gcc \t -c  ", ["gcc", "-c"]],
    [String.raw`gcc "-DA=\"x y\"" -DB=\"z\" 'c d'`, ["gcc", '-DA="x y"', '-DB="z"', "c d"]],
    [String.raw`a\ b "c\d" 'e\f' ""`, ["a b", "c\\d", "e\\f", ""]],
    ['gcc "open -c', ["gcc", "open -c"]],
    ["gcc 'a'\"b\"c\\", ["gcc", "abc\\"]],
    ['gcc "\\', ["gcc", "\\"]],
  ])("%s", (command, words) => {
    expect(splitWords(command).map(({ text }) => text)).toEqual(words);
  });

  it("stand where the text has them, whatever is escaped", () => {
    const text = String.raw`[{"file":"a.c","directory":"/","command":"gcc \u002dDX=\\\"\u0041\\\" \"-m64\" -c"}]`;
    const [command] = commandsIn(text, () => true);
    const words = command?.words ?? [];
    expect(words.map(({ text: word }) => word)).toEqual(["gcc", '-DX="A"', "-m64", "-c"]);
    const places = words.map((word) => command?.extentOf(word) ?? { start: 0, end: 0 });
    expect(places.map(({ start, end }) => text.slice(start, end))).toEqual([
      "gcc",
      String.raw`\u002dDX=\\\"\u0041\\\"`,
      String.raw`\"-m64\"`,
      "-c",
    ]);
  });
});

describe("JSON with places", () => {
  it("has the values JSON.parse has, and knows where each is", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (source, isSpaced) => {
        const value: unknown = JSON.parse(source);
        const text = isSpaced ? JSON.stringify(value, null, 2) : source;
        const plain = (node: ReturnType<typeof parseJson>): unknown => {
          if (!node) return undefined;
          expect(JSON.parse(text.slice(node.start, node.end))).toEqual(plainOf(node));
          return plainOf(node);
        };
        const plainOf = (node: NonNullable<ReturnType<typeof parseJson>>): unknown => {
          switch (node.kind) {
            case "string":
              expect(offsetIn(text, node, node.value.length)).toBe(node.end - 1);
              return node.value;
            case "literal":
              return node.value;
            case "array":
              return node.items.map(plainOf);
            case "object":
              return Object.fromEntries(
                [...node.members].map(([key, member]) => [key, plainOf(member.value)]),
              );
          }
        };
        expect(plain(parseJson(text))).toEqual(value);
      }),
    );
  });

  it.each([
    "",
    "{",
    '{"a"}',
    '{"a":}',
    "[1,]",
    "[1 2]",
    '"\n"',
    '"\\x"',
    '"\\u12"',
    "tru",
    "01",
    "[]]",
    "'a'",
  ])("%j is none", (text) => {
    expect(parseJson(text)).toBeUndefined();
  });

  it("does not fall into what is nested without end", () => {
    expect(parseJson("[".repeat(100_000) + "]".repeat(100_000))).toBeUndefined();
  });
});
