/**
 * What rules count, against the assemblers: values of random expressions, and distances of labels among random data.
 *
 * Where the assembler refuses or our count is "not known" there is nothing to compare; that most are known is checked. Prints its seed where it fails;
 * LANGUAGE_SEED sets it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  constant,
  evaluate,
  label,
  numberOf,
  type Assembler,
} from "../../extension/language/server/rules/constant.ts";
import { layoutOf } from "../../extension/language/server/rules/layout.ts";
import { scopeOf } from "../../extension/language/server/rules/scope.ts";
import { marked } from "./cursor.ts";

const seed = Number(process.env["LANGUAGE_SEED"] ?? 6);
const hasTools = spawnSync("as", ["--version"]).status === 0 && spawnSync("nasm", ["-v"]).status === 0;
const folder = mkdtempSync(path.join(tmpdir(), "redzone-rules-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Random = (below: number) => number;

function randomFrom(start: number): Random {
  let state = start >>> 0 || 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const assemblers: readonly Assembler[] = ["gas", "nasm"];
const operators = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"];

function expression(random: Random, assembler: Assembler, depth: number): string {
  const kind = depth === 0 ? 0 : random(5);
  switch (kind) {
    case 0:
      return number(random, assembler);
    case 1:
      return `(${expression(random, assembler, depth - 1)})`;
    case 2:
      return `${random(2) === 0 ? "-" : "~"}${number(random, assembler)}`;
    default: {
      const operator = operators[random(operators.length)] ?? "+";
      const right = /[<>/%]/.test(operator)
        ? String(1 + random(15))
        : expression(random, assembler, depth - 1);
      return `${expression(random, assembler, depth - 1)} ${operator} ${right}`;
    }
  }
}

function number(random: Random, assembler: Assembler): string {
  const value = random(4) === 0 ? random(2 ** 31) : random(256);
  const forms = [String(value), `0x${value.toString(16)}`, `0b${value.toString(2)}`];
  if (assembler === "nasm")
    forms.push(`0${value.toString(16)}h`, `${value.toString(8)}q`, `0x${value.toString(16).toUpperCase()}`);
  else forms.push(`0${value.toString(8)}`, "' '");
  return (forms[random(forms.length)] ?? "0").replace("' '", "'a");
}

/** The 64-bit numbers that the assembler makes of a column of expressions. */
function assembled(assembler: Assembler, expressions: readonly string[]): readonly bigint[] {
  const source = path.join(folder, `a.${assembler}`);
  const out = path.join(folder, "out");
  const directive = assembler === "gas" ? ".quad" : "dq";
  writeFileSync(source, expressions.map((text) => `${directive} ${text}\n`).join(""));
  if (assembler === "gas") {
    execFileSync("as", ["--64", "-o", `${out}.o`, source], { stdio: ["ignore", "ignore", "pipe"] });
    execFileSync("objcopy", ["-O", "binary", "-j", ".text", `${out}.o`, out]);
  } else {
    execFileSync("nasm", ["-f", "bin", "-w-all", "-o", out, source]);
  }
  const bytes = readFileSync(out);
  return expressions.map((_, at) => bytes.readBigUInt64LE(at * 8));
}

describe.runIf(hasTools)("expressions", { timeout: 120_000 }, () => {
  it.each(assemblers)(`are counted as the assembler does: %s, seed ${seed}`, (assembler) => {
    const random = randomFrom(seed);
    const texts = Array.from({ length: 600 }, () => expression(random, assembler, 3));
    const values = assembled(assembler, texts);
    let knownCount = 0;
    texts.forEach((text, at) => {
      const value = numberOf(evaluate(text, assembler, () => undefined));
      if (value !== undefined) {
        knownCount += 1;
        expect({ text, value: BigInt.asUintN(64, value) }, `seed ${seed}`).toEqual({
          text,
          value: values[at],
        });
      }
    });
    expect(knownCount).toBeGreaterThan(texts.length / 2);
  });
});

describe("expressions that are not wholly known", () => {
  const lookup = (name: string) =>
    name === "five"
      ? { value: constant(5n) }
      : name === "text"
        ? { text: "1 + 2" }
        : name === "unknown"
          ? undefined
          : { value: label(name) };
  const show = (text: string, assembler: Assembler = "nasm"): string => {
    const value = evaluate(text, assembler, lookup);
    return value
      ? [value.number, ...[...value.labels].map(([name, count]) => `${count}*${name}`)].join(" ")
      : "unknown";
  };
  it.each([
    ["end - start - 1", "-1 1*end -1*start"],
    ["end - end", "0"],
    ["2 * (end - start) - end", "0 1*end -2*start"],
    ["start + five", "5 1*start"],
    // Text, not a value.
    ["text * 3", "7"],
    ["unknown - unknown", "unknown"],
    ["start << 1", "unknown"],
    ["start & 5", "unknown"],
    ["$ - $$", "0 1*$ -1*$$"],
    ["5 +", "unknown"],
    ["", "unknown"],
    ["(5", "unknown"],
    ["5)", "unknown"],
    ["1.5", "unknown"],
    ["five ? 1 : 2", "unknown"],
  ])("%s", (text, expected) => {
    expect(show(text)).toBe(expected);
  });
  it("of GNU as: numeric labels, the location counter, octal numbers", () => {
    expect(show("2f - 1b", "gas")).toBe("0 1*2f -1*1b");
    expect(show(". - start", "gas")).toBe("0 1*. -1*start");
    expect(show("010 + 'a", "gas")).toBe("105");
  });
});

const pieces: Readonly<Record<Assembler, readonly ((random: Random) => string)[]>> = {
  gas: [
    (random) => `.byte ${list(random)}`,
    (random) => `.word ${list(random)}`,
    (random) => `.long ${list(random)}`,
    (random) => `.quad ${list(random)}`,
    (random) => `.skip ${random(40)}`,
    (random) => `.fill ${random(5)}, ${[1, 2, 4, 8][random(4)]}, 7`,
    (random) => `.balign ${2 ** random(6)}`,
    (random) => `.p2align ${random(5)}`,
    (random) => `.ascii "${'ab\\n\\101\\"'.repeat(random(3))}"`,
    (random) => `.asciz "x", "${"é".repeat(random(3))}"`,
    () => "nop",
    () => "movl $5, %eax",
    (random) => `.section .other${random(2)}, "a"`,
    () => ".text",
    () => ".data",
    (random) => `.if ${random(2)}\n.long 1\n.endif`,
    (random) => `.rept ${random(3)}\n.long 1\n.endr`,
  ],
  nasm: [
    (random) => `db ${list(random)}`,
    (random) => `dw ${list(random)}`,
    (random) => `dd ${list(random)}`,
    (random) => `dq ${list(random)}`,
    (random) => `times ${random(9)} dw 3`,
    (random) => `align ${2 ** random(5)}, db 0`,
    (random) => `db "${"abc".repeat(random(3))}x", 0`,
    (random) => `dd 'abcde${"f".repeat(random(4))}'`,
    () => "nop",
    () => "mov eax, 5",
    () => "section .text",
    () => "section .data align=32",
    () => "section .other",
    (random) => `%if ${random(2)}\ndd 1\n%endif`,
    (random) => `%rep ${random(3)}\ndd 1\n%endrep`,
  ],
};

function list(random: Random): string {
  return Array.from({ length: 1 + random(4) }, () => String(random(100))).join(", ");
}

function symbols(
  assembler: Assembler,
  text: string,
): ReadonlyMap<string, { readonly section: string; readonly value: bigint }> {
  const source = path.join(folder, `l.${assembler}`);
  const out = path.join(folder, "l.o");
  writeFileSync(source, text);
  if (assembler === "gas") execFileSync("as", ["--64", "-o", out, source]);
  else execFileSync("nasm", ["-f", "elf64", "-w-all", "-o", out, source]);
  const table = execFileSync("readelf", ["-sW", out], { encoding: "utf8" });
  return new Map(
    [...table.matchAll(/: ([0-9a-f]{16}) .* +(\d+|UND|ABS) (l\d+)$/gm)].map(
      ([, value = "0", section = "", name = ""]) => [name, { section, value: BigInt(`0x${value}`) }],
    ),
  );
}

describe.runIf(hasTools)("places", { timeout: 240_000 }, () => {
  it.each(assemblers)(`of labels are what the assembler makes them: %s, seed ${seed}`, (assembler) => {
    const random = randomFrom(seed + 1);
    let certainCount = 0;
    for (let round = 0; round < 8; round += 1) {
      const own = pieces[assembler];
      const lines = Array.from(
        { length: 60 },
        (_, at) => `l${at}:\n${own[random(own.length)]?.(random) ?? ""}`,
      );
      const text = `${assembler === "gas" ? ".text" : "section .text"}\n${lines.join("\n")}\n`;
      const { world, uri } = marked(text, assembler === "gas" ? "a.S" : "a.asm");
      const file = world.file(uri);
      if (!file) throw new Error("no file");
      const layout = layoutOf(scopeOf(file, world));
      const right = symbols(assembler, text);
      for (let at = 0; at < lines.length; at += 1) {
        const place = layout.placeOf(`l${at}`);
        const symbol = right.get(`l${at}`);
        if (!place || !symbol) throw new Error(`no l${at}: seed ${seed}, round ${round}\n${text}`);
        const where = `l${at}, seed ${seed}, round ${round}\n${text}`;
        expect(place.atLeast <= symbol.value, `${where}: at least ${place.atLeast}, is ${symbol.value}`).toBe(
          true,
        );
        if (place.anchor === 0) {
          certainCount += 1;
          expect(place.offset, where).toBe(symbol.value);
        }
        if (place.anchor !== 0 && place.alignment > 1n) {
          expect((symbol.value - place.offset) % place.alignment, where).toBe(0n);
        }
        const other = layout.placeOf(`l${random(lines.length)}`);
        if (other?.anchor === place.anchor && other.section === place.section) {
          const name = [...right].find(([one]) => layout.placeOf(one) === other)?.[1];
          if (name) expect(place.offset - other.offset, where).toBe(symbol.value - name.value);
        }
      }
    }
    expect(certainCount).toBeGreaterThan(50);
  });
});
