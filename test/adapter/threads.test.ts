/** Several processors: each a thread that can be looked at, stopped at a breakpoint and stepped, while the others take their turns. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Client } from "./client.ts";

const source = fileURLToPath(new URL("guests/threads.asm", import.meta.url));
let folder = "";
let kernel = "";

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "redzone-threads-"));
  kernel = path.join(folder, "threads.elf");
  const object = path.join(folder, "threads.o");
  for (const [program, words] of [
    ["nasm", ["-f", "elf32", "-o", object, source]],
    ["ld", ["-m", "elf_i386", "-N", "-Ttext=0x200000", "-o", kernel, object]],
  ] as const) {
    const made = spawnSync(program, words, { encoding: "utf8" });
    if (made.status !== 0) throw new Error(`${program}: ${made.stderr}`);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(() => client.end());

const launch = (breakpoints: readonly { name: string; condition?: string; hitCondition?: string }[] = []) =>
  client.launchToEntry({ kernel, smp: 4 }, async () => {
    const set = await client.request("setFunctionBreakpoints", { breakpoints: [...breakpoints] });
    expect(set.breakpoints.map(({ verified }) => verified)).toEqual(breakpoints.map(() => true));
  });
const names = async (): Promise<string[]> =>
  (await client.request("threads")).threads.map(({ name }) => name);
const place = async (threadId: number): Promise<string> => {
  const { stackFrames } = await client.request("stackTrace", { threadId, levels: 1 });
  return stackFrames[0]!.name;
};
/** In the frame of a thread. */
const ask = async (threadId: number, expression: string, context = "watch"): Promise<string> => {
  const { stackFrames } = await client.request("stackTrace", { threadId, levels: 1 });
  return (await client.request("evaluate", { expression, context, frameId: stackFrames[0]!.id })).result;
};

test("every CPU is a thread whose name says what it does; the stopped event names the one that stopped", async () => {
  await launch([{ name: "counting", condition: "$cpu == 2 && alive == 3", hitCondition: "3" }]);
  expect(await names()).toEqual([
    "CPU 0 (32-bit, ring 0)",
    "CPU 1 (waiting for SIPI)",
    "CPU 2 (waiting for SIPI)",
    "CPU 3 (waiting for SIPI)",
  ]);
  const stop = await client.go();
  expect(stop).toMatchObject({ reason: "function breakpoint", threadId: 3, allThreadsStopped: true });
  expect(await names()).toEqual([
    "CPU 0 (32-bit, ring 0)",
    "CPU 1 (32-bit, ring 0)",
    "CPU 2 (32-bit, ring 0)",
    "CPU 3 (32-bit, ring 0, halted)",
  ]);
  expect(await place(3)).toBe("counting");
  expect(await ask(3, "$ebx")).toContain("2");
  expect(await ask(2, "$ebx")).toContain("1");
  expect(await ask(1, "$ebx")).toContain("0");
  // The third time that all were alive when it came by.
  expect(Number(await ask(3, "alive"))).toBe(3);
});

test("scopes, registers and disassembly are those of the thread's CPU", async () => {
  await launch([{ name: "worked", condition: "$cpu == 1 && alive == 3" }]);
  await client.go();
  for (const cpu of [0, 1, 2]) {
    const { stackFrames } = await client.request("stackTrace", { threadId: cpu + 1 });
    const { scopes } = await client.request("scopes", { frameId: stackFrames[0]!.id });
    const registers = scopes.find(({ name }) => name === "Registers")!;
    const [general] = await client.children(registers.variablesReference);
    const values = await client.children(general!.variablesReference);
    expect(values.find(({ name }) => /^[re]bx$/.test(name))!.value, `CPU ${cpu}`).toMatch(
      new RegExp(`^0x0*${cpu}\\b`),
    );
  }
  const { stackFrames } = await client.request("stackTrace", { threadId: 2 });
  expect(stackFrames.map(({ name }) => name)).toEqual(["worked", expect.stringMatching(/^called|counting/)]);
});

test("a step is one of its thread's CPU, and the others go on meanwhile", async () => {
  await launch([{ name: "counting", condition: "$cpu == 1 && alive > 1" }]);
  await client.go();
  await client.request("setFunctionBreakpoints", { breakpoints: [] });
  const rip = async (threadId: number): Promise<bigint> =>
    BigInt((await ask(threadId, "$pc")).split(" ")[0]!);
  const first = await rip(2);
  const others = [await ask(1, "rounds"), await rip(1), await rip(3)];
  let stop = await client.go("stepIn", { threadId: 2, granularity: "instruction" });
  expect(stop).toMatchObject({ reason: "step", threadId: 2 });
  expect(await rip(2)).toBe(first + 7n);
  // Its turn was not over, so nobody else has moved.
  expect([await ask(1, "rounds"), await rip(1), await rip(3)]).toEqual(others);

  // A step of another thread waits for its turn: CPU 1 uses up the rest of its own.
  const before = BigInt(await ask(2, "*(unsigned *)((char *)&rounds + 4)"));
  const at = await rip(3);
  stop = await client.go("stepIn", { threadId: 3, granularity: "instruction" });
  expect(stop.threadId).toBe(3);
  expect(await rip(3)).not.toBe(at);
  expect(BigInt(await ask(2, "*(unsigned *)((char *)&rounds + 4)"))).toBeGreaterThan(before + 100n);
});

test("a step over lets other CPUs pass the place of its return, and ends with a breakpoint that another one meets", async () => {
  await launch([{ name: "counting", condition: "$cpu == 2" }]);
  await client.go();
  await client.request("setFunctionBreakpoints", { breakpoints: [] });
  for (let i = 0; i < 2; i++) await client.go("next", { threadId: 3, granularity: "instruction" });
  const stop = await client.go("next", { threadId: 3, granularity: "instruction" });
  expect(stop).toMatchObject({ reason: "step", threadId: 3 });
  expect(await place(3)).toBe("called");
  expect(await ask(3, "$ebx")).toContain("2");

  await client.request("setFunctionBreakpoints", {
    breakpoints: [{ name: "worked", condition: "$cpu == 0" }],
  });
  const broken = await client.go("next", { threadId: 3, granularity: "line" });
  expect(broken).toMatchObject({ threadId: 1, reason: "function breakpoint" });
});

test("a step of a CPU that sleeps lasts until a pause", async () => {
  await launch([{ name: "counting", condition: "$cpu == 1 && alive == 3" }]);
  await client.go();
  await client.request("setFunctionBreakpoints", { breakpoints: [] });
  expect((await names())[3]).toContain("halted");
  await client.request("stepIn", { threadId: 4, granularity: "instruction" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await client.request("pause", { threadId: 4 });
  const stop = await client.stopped();
  // A CPU that does something is looked at.
  expect(stop).toMatchObject({ reason: "pause", threadId: 1 });
});

test("the monitor: info cpus, cpu N, the interrupt controllers; and it follows the frame that is chosen", async () => {
  await launch([{ name: "counting", condition: "$cpu == 1" }]);
  await client.go();
  const monitor = (command: string, threadId: number) => ask(threadId, command, "repl");
  expect(await monitor("info cpus", 2)).toContain("* CPU #1: thread_id=2\n");
  expect(await monitor("info registers", 1)).toContain("\nCPU#0\n");
  expect(await monitor("cpu 2", 1)).toBe("");
  expect(await monitor("info registers", 1)).toContain("\nCPU#2\n");
  expect(await monitor("info registers", 2)).toContain("\nCPU#1\n");
  expect(await monitor("info lapic", 2)).toContain("dumping local APIC state for CPU 1");
  expect(await monitor("info lapic 0", 2)).toContain("dumping local APIC state for CPU 0");
  expect(await monitor("info pic", 2)).toContain("pin 23 0x0000000000010000");
  await expect(monitor("cpu 4", 2)).rejects.toThrow("CPU#4 not available");
});

test("two sessions with the same stops see the same machine", async () => {
  const seen: string[] = [];
  for (let run = 0; run < 2; run++) {
    const other = new Client();
    await other.launchToEntry({ kernel, smp: 4 }, () =>
      other.request("setFunctionBreakpoints", {
        breakpoints: [{ name: "worked", condition: "total == 5000" }],
      }),
    );
    const stop = await other.go();
    const { instant } = await other.request("redzone/status");
    seen.push(`${stop.threadId} ${instant} ${await other.evaluate("$rip")}`);
    await other.end();
  }
  expect(seen[0]).toBe(seen[1]);
  await client.launchToEntry({ kernel });
});
