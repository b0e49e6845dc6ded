/**
 * What the server says of instructions is what the assemblers do: on statements made by chance, in all widths, a "no" is one the assembler refuses, and bytes
 * are its bytes.
 *
 * Elsewhere: agreement with the disassembler (`hover-oracle.test.ts`).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { encodings, select, type Width } from "../../extension/language/server/knowledge/instructions.ts";
import { chosenForms, random, statementOf } from "./instruction.ts";

const count = Number(process.env["STATEMENTS"] ?? "300");
const seed = Number(process.env["SEED"] ?? "20261122");

const evaluate = (text: string): bigint | undefined =>
  /^-?(?:0x[\da-f]+|\d+)$/.test(text)
    ? text.startsWith("-")
      ? -BigInt(text.slice(1))
      : BigInt(text)
    : undefined;

interface Assembled {
  /** By line, counted from 0; undefined where there is an error. */
  readonly bytes: readonly (string | undefined)[];
}

function assembled(statements: readonly string[], dialect: "att" | "nasm", bits: Width): Assembled {
  const folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
  try {
    const source = path.join(folder, "source");
    const head = dialect === "att" ? `.code${bits}` : `bits ${bits}`;
    writeFileSync(source, `${[head, ...statements].join("\n")}\n`);
    const run = () =>
      dialect === "att"
        ? spawnSync("as", ["-o", `${source}.o`, "-aln", "--listing-lhs-width=8", source], {
            encoding: "utf8",
          })
        : spawnSync("nasm", ["-f", "bin", "-o", `${source}.o`, "-l", `${source}.lst`, source], {
            encoding: "utf8",
          });
    // Lines with errors are left out and the rest is assembled again: a listing has only what went through.
    let lines = [...statements];
    for (let round = 0; round < 6; round += 1) {
      const { stderr, stdout } = run();
      const wrong = new Set(
        [...stderr.matchAll(/source:(\d+): (?:[Ee]rror|[Ff]atal)/g)].map((match) => Number(match[1]) - 2),
      );
      if (wrong.size === 0) {
        const listing = dialect === "att" ? stdout : readFileSync(`${source}.lst`, "utf8");
        return { bytes: bytesIn(listing, lines, dialect) };
      }
      lines = lines.map((line, number) => (wrong.has(number) ? "" : line));
      writeFileSync(source, `${[head, ...lines].join("\n")}\n`);
    }
    throw new Error("lines with errors do not end");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bytesIn(listing: string, lines: readonly string[], dialect: "att" | "nasm"): Assembled["bytes"] {
  const found: string[] = [];
  const pattern =
    dialect === "att" ? /^ *(\d+) [\da-f?]{4} ([\dA-F ]+?)\s*(?:\t|$)/ : /^ *(\d+) [\dA-F]{8} ([\dA-F]+)-? /;
  for (const line of listing.split("\n")) {
    const [, number, bytes = ""] = pattern.exec(line) ?? [];
    if (number !== undefined) {
      const at = Number(number) - 2;
      found[at] = (found[at] ?? "") + bytes.replaceAll(" ", "").toLowerCase();
    }
  }
  return lines.map((line, number) => (line === "" ? undefined : found[number]));
}

const hasTool = (name: string): boolean => spawnSync(name, ["--version"]).status === 0;

for (const dialect of ["att", "nasm"] as const) {
  const tool = dialect === "att" ? "as" : "nasm";
  for (const bits of [16, 32, 64] as const) {
    it.skipIf(!hasTool(tool))(
      `${tool}, ${bits} bits: agrees on ${count} statements, seed ${seed}`,
      { timeout: 120_000 },
      () => {
        const source = random(seed + bits);
        const forms = chosenForms();
        const statements: string[] = [];
        while (statements.length < count) {
          const form = forms[source.next(forms.length)];
          const text = form && statementOf(form, bits, source, dialect);
          if (text !== null && text !== undefined) {
            statements.push(text);
          }
        }
        const { bytes } = assembled(statements, dialect, bits);
        const differences: string[] = [];
        let encodedCount = 0;
        statements.forEach((text, number) => {
          const language = dialect === "att" ? "gas" : "nasm";
          const line = open("file:///a.S", language, text).lines[0];
          const statement = line?.statements[0];
          if (statement?.kind !== "instruction") {
            differences.push(`${text}: not seen as an instruction`);
            return;
          }
          const expected = bytes[number];
          const said = encodings(statement, bits, dialect, evaluate);
          if (said.kind === "no" && expected !== undefined) {
            differences.push(`${text}: said "${said.reason}", is ${expected}`);
          }
          const own = select(statement, bits, dialect, evaluate)?.encoded;
          if (own && expected !== undefined) {
            encodedCount += 1;
            const hex = Buffer.from(own.bytes).toString("hex");
            if (hex !== expected) differences.push(`${text}: said ${hex} (${own.form.text}), is ${expected}`);
          }
          if (said.kind === "unknown" && expected !== undefined && process.env["SHOW_UNKNOWN"])
            differences.push(`${text}: unknown, is ${expected}`);
          if (said.kind === "yes" && expected === undefined && process.env["SHOW_UNKNOWN"])
            differences.push(`${text}: said yes, is refused`);
        });
        expect(differences).toEqual([]);
        expect(encodedCount).toBeGreaterThan(count / 4);
      },
    );
  }
}
