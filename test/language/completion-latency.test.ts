/**
 * What completion and signatures cost in a file of 20,000 lines: printed as time of the processor, since even that depends on the machine. What is asserted
 * is that answers stay short, so that there is little to send.
 */
import { expect, it } from "vitest";
import { completion } from "../../extension/language/server/features/completion.ts";
import { signatureHelp } from "../../extension/language/server/features/signature.ts";
import type { Position } from "../../extension/language/server/syntax.ts";
import { Workspace } from "../../extension/language/server/workspace.ts";

const uri = "file:///work/large.S";

/** 2,000 functions of ten lines; the last line is where somebody types. */
function large(last: string): string {
  const functions = Array.from({ length: 2000 }, (_, number) =>
    [
      `.globl function_${number}`,
      `function_${number}:`,
      " pushq %rbp",
      ` movq $CONSTANT_${number % 50}, %rax`,
      `.Lloop_${number}:`,
      " decq %rax",
      ` jnz .Lloop_${number}`,
      ` leaq table_${number % 100}(%rip), %rdi`,
      " popq %rbp",
      " ret",
    ].join("\n"),
  );
  const constants = Array.from({ length: 50 }, (_, number) => `.set CONSTANT_${number}, ${number}`);
  return [".code64", ...constants, ...functions, last].join("\n");
}

const places: readonly (readonly [what: string, line: string])[] = [
  ["a statement, nothing typed", " "],
  ["a statement, one letter", " m"],
  ["a vector instruction", " v"],
  ["an operand", " movq "],
  ["an operand, a letter", " movq %r"],
  ["a branch", " jmp "],
  ["a branch, a name begun", " jmp func"],
  ["a directive", " .s"],
];

it("answers short and at once", () => {
  for (const [what, line] of places) {
    const world = new Workspace();
    const text = large(line);
    world.open(uri, "gas", text);
    const lines = world.file(uri)?.lines.length ?? 0;
    expect(lines).toBeGreaterThan(20_000);
    const position: Position = { line: lines - 1, column: line.length };
    const cost = (): number => process.cpuUsage().user / 1000;
    const first = cost();
    completion(world, uri, position);
    const firstMs = cost() - first;
    // Keystrokes: what was made of the file before is not to be used.
    const keys = 40;
    let totalMs = 0;
    for (let number = 0; number < keys; number += 1) {
      world.change(uri, { from: lines - 1, to: lines, lines: [`${line}${" ".repeat(number % 2)}`] });
      const start = cost();
      const { items } = completion(world, uri, position);
      signatureHelp(world, uri, position);
      totalMs += cost() - start;
      expect(items.length).toBeLessThanOrEqual(200);
      expect(items.length).toBeGreaterThan(0);
    }
    console.log(
      `${what}: first ${firstMs.toFixed(1)} ms, then ${(totalMs / keys).toFixed(1)} ms (mean of ${keys}) in ${lines} lines`,
    );
  }
});
