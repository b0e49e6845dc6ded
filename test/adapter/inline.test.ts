/** Optimised code: frames of inlined functions, steps through them, loops on one line. Needs gcc -m32. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Client } from "./client.ts";

const SOURCE = `struct point { int x, y; };
volatile int sink;
volatile struct point origin = { 3, 4 };
static inline __attribute__((always_inline)) int square(int value)
{
	sink = value;
	return value * value;
}
static inline __attribute__((always_inline)) int length2(int x, int y)
{
	int first = square(x);
	sink = first;
	return first + square(y);
}
__attribute__((noinline)) int spin(int rounds)
{
	while (rounds > 0) { sink = rounds; rounds--; }
	return sink;
}
void kernel_main(void)
{
	int result = length2(origin.x, origin.y);
	sink = result;
	sink = spin(5);
	for (;;)
		__asm__ volatile("cli; hlt");
}
__asm__(".section .multiboot,\\"a\\"\\n.long 0x1badb002, 0, -0x1badb002\\n.text\\n.globl _start\\n.type _start,@function\\n_start: mov $0x80000, %esp\\ncall kernel_main\\n.size _start,.-_start\\n");
`;
const SCRIPT = `ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.multiboot) *(.text*) } .data : { *(.data* .rodata* .bss*) } /DISCARD/ : { *(.note*) *(.eh_frame) } }`;

const hasCompiler = spawnSync("gcc", ["-m32", "-xc", "-E", "-"], { input: "" }).status === 0;
let folder = "";
let kernel = "";
let client: Client;

describe.runIf(hasCompiler)("optimised code", () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "redzone-"));
    const at = (name: string): string => path.join(folder, name);
    writeFileSync(at("inline.c"), SOURCE);
    writeFileSync(at("inline.lds"), SCRIPT);
    kernel = at("inline.elf");
    const flags = [
      "-m32",
      "-O2",
      "-g",
      "-ffreestanding",
      "-fno-pic",
      "-no-pie",
      "-nostdlib",
      "-static",
      "-fno-asynchronous-unwind-tables",
      "-Wl,--build-id=none",
      "-Wl,--no-warn-rwx-segments",
    ];
    const built = spawnSync("gcc", [...flags, "-T", at("inline.lds"), "-o", kernel, at("inline.c")], {
      encoding: "utf8",
      cwd: folder,
    });
    expect(built.stderr).toBe("");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    client = new Client();
  });
  afterEach(() => client.end());

  const lineOf = (text: string): number => SOURCE.split("\n").findIndex((line) => line.includes(text)) + 1;
  const stopAt = async (text: string): Promise<void> => {
    await client.launchToEntry({ kernel, cwd: folder }, () =>
      client.request("setBreakpoints", {
        source: { path: path.join(folder, "inline.c") },
        breakpoints: [{ line: lineOf(text) }],
      }),
    );
    await client.go();
  };

  test("the call stack shows inlined frames with the lines of their calls", async () => {
    await stopAt("return value * value;");
    const frames = await client.frames();
    expect(frames.slice(0, 4).map((frame) => [frame.name, frame.line])).toEqual([
      ["square [inlined]", lineOf("return value * value;")],
      ["length2 [inlined]", lineOf("int first = square(x);")],
      ["kernel_main", lineOf("int result = length2")],
      ["_start", 0],
    ]);
    const value = (await client.scope("Locals")).find((each) => each.name === "value");
    expect(value?.value).toBe("3");
  });

  test("a breakpoint in an inlined function is at every copy", async () => {
    await stopAt("return value * value;");
    expect(await client.evaluate("value")).toBe("3");
    await client.go();
    const [first, second] = await client.frames();
    expect([first!.name, second!.name]).toEqual(["square [inlined]", "length2 [inlined]"]);
    expect(second!.line).toBe(lineOf("return first + square(y);"));
    // GCC says that "value" is gone here; its register is not.
    expect(await client.evaluate("$eax, d")).toBe("4");
  });

  test("a step out of an inlined function ends behind it", async () => {
    await stopAt("return value * value;");
    await client.request("setBreakpoints", {
      source: { path: path.join(folder, "inline.c") },
      breakpoints: [],
    });
    await client.go("stepOut");
    const frames = await client.frames();
    expect(frames[0]!.name).not.toBe("square [inlined]");
    expect(frames.map((frame) => frame.name)).toContain("kernel_main");
  });

  test("a loop on one line is one step by line, and many by statement", async () => {
    await stopAt("while (rounds > 0)");
    await client.request("setBreakpoints", {
      source: { path: path.join(folder, "inline.c") },
      breakpoints: [],
    });
    const line = (await client.top()).line;
    await client.go("next", { granularity: "line" });
    expect((await client.top()).line).not.toBe(line);
    await client.request("restart", {});
    await client.stopped();
    await client.request("setBreakpoints", {
      source: { path: path.join(folder, "inline.c") },
      breakpoints: [{ line: lineOf("while (rounds > 0)") }],
    });
    await client.go();
    await client.request("setBreakpoints", {
      source: { path: path.join(folder, "inline.c") },
      breakpoints: [],
    });
    let steps = 0;
    while ((await client.top()).line === line && steps < 50) {
      await client.go("next", { granularity: "statement" });
      steps++;
    }
    expect(steps).toBeGreaterThan(3);
    expect(steps).toBeLessThan(50);
  });
});
