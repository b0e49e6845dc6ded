/** Symbols of the workspace by parts of their names, best first. */
import { expect, it } from "vitest";
import { workspaceSymbols } from "../../extension/language/server/features/workspace-symbol.ts";
import { marked } from "./cursor.ts";

const { world } = marked(`
-- boot.S
#define FUNC(n) .globl n; n:
.set STACK_SIZE, 4096
start:
early_start:
.text
start_kernel:
.Llocal:
.section .starting
1:
FUNC(restart)
-- k.ld
kernel_start = 1;
`);

const rows: readonly (readonly [string, string])[] = [
  ["start", "start start_kernel early_start kernel_start restart"],
  ["STAR", "start start_kernel early_start kernel_start restart"],
  ["sk", "STACK_SIZE start_kernel"],
  ["size", "STACK_SIZE"],
  ["none", ""],
  [".Ll", ".Llocal"],
];

it.each(rows)("%s", (query, expected) => {
  expect(
    workspaceSymbols(world, query)
      .map(({ name }) => name)
      .join(" "),
  ).toBe(expected);
});

it("says the section, or the macro that makes a name", () => {
  const container = (name: string) => workspaceSymbols(world, name)[0]?.containerName;
  expect(["start", "start_kernel", "restart"].map(container)).toEqual([undefined, ".text", "FUNC"]);
});

it("names all for an empty query, and where they are", () => {
  const found = workspaceSymbols(world, "");
  expect(found.map(({ name }) => name).toSorted()).toEqual(
    ["FUNC", "STACK_SIZE", "start", "early_start", "start_kernel", "restart", "kernel_start"].toSorted(),
  );
  expect(found.find(({ name }) => name === "kernel_start")).toMatchObject({
    location: { range: { start: { line: 0, character: 0 } } },
  });
});
