/**
 * What the server says of instructions is what the assemblers do: on statements made by chance, in all widths, a "no" is one the assembler refuses, and bytes
 * are its bytes.
 *
 * Elsewhere: agreement with the disassembler (`hover-oracle.test.ts`).
 */
import { expect, it } from "vitest";
import { open } from "../../extension/language/server/document.ts";
import { encodings, select } from "../../extension/language/server/knowledge/instructions.ts";
import { assembled, hasTool } from "./assembler.ts";
import { chosenForms, random, statementOf } from "./instruction.ts";

const count = Number(process.env["STATEMENTS"] ?? "300");
const seed = Number(process.env["SEED"] ?? "20261122");

const evaluate = (text: string): bigint | undefined =>
  /^-?(?:0x[\da-f]+|\d+)$/.test(text)
    ? text.startsWith("-")
      ? -BigInt(text.slice(1))
      : BigInt(text)
    : undefined;

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
        const bytes = assembled(statements, dialect, bits);
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
