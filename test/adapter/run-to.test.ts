/** redzone/runTo: a machine runs to an address, as it is linked or as it is loaded, and to nothing else. */
import { spawnSync } from "node:child_process";
import { afterEach, beforeAll, afterAll, describe, expect, it } from "vitest";
import { buildKernel, type Kernel } from "../language/kernel.ts";
import { Client, SAMPLE } from "./client.ts";

const hasTools = ["as", "ld"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

let client: Client;
afterEach(async () => {
  await client.respond("disconnect");
});

const frame = async (): Promise<string> => {
  const { stackFrames } = await client.request("stackTrace", { threadId: 1, levels: 1 });
  return `${stackFrames[0]?.name}:${stackFrames[0]?.line}`;
};
const addressOf = async (name: string): Promise<string> =>
  /0x[0-9a-f]+/.exec(
    (await client.request("evaluate", { expression: `&${name}`, context: "watch" })).result,
  )![0];

describe("the sample kernel", () => {
  const start = async (): Promise<void> => {
    client = new Client();
    await client.launch({ kernel: SAMPLE });
    await client.stopped();
  };

  it("runs to a function, and says so", async () => {
    await start();
    await client.request("redzone/runTo", { address: await addressOf("build_page_tables") });
    await client.event("continued");
    const stopped = await client.stopped();
    expect(stopped).toMatchObject({
      reason: "goto",
      description: "Paused where it was to run to",
      allThreadsStopped: true,
    });
    expect(await frame()).toMatch(/^build_page_tables:/);
  });

  it("leaves nothing behind: a function that is called again does not stop it again", async () => {
    await start();
    await client.request("redzone/runTo", { address: await addressOf("print32") });
    await client.stopped();
    await client.request("redzone/runTo", { address: await addressOf("kernel_main") });
    await client.stopped();
    expect(await frame()).toMatch(/^kernel_main:/);
  });

  it("stops at a breakpoint on the way, as any run", async () => {
    await start();
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "print32" }] });
    await client.request("redzone/runTo", { address: await addressOf("kernel_main") });
    expect((await client.stopped()).reason).toBe("function breakpoint");
    expect(await frame()).toMatch(/^print32:/);
  });

  it("reports a breakpoint at the place itself as one", async () => {
    await start();
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "build_page_tables" }] });
    await client.request("redzone/runTo", { address: await addressOf("build_page_tables") });
    expect((await client.stopped()).reason).toBe("function breakpoint");
  });

  it("refuses what is no linear address", async () => {
    await start();
    for (const address of ["nonsense", "r:0x1000", "p:0x100000"])
      expect((await client.respond("redzone/runTo", { address })).success, address).toBe(false);
    expect((await client.respond("redzone/runTo", {})).success).toBe(false);
  });
});

describe.runIf(hasTools)("a kernel that is linked high and starts low", () => {
  let kernel: Kernel;
  beforeAll(() => {
    const source = `        .code32
        .section .boot, "ax"
        .long   0x1badb002, 0, -0x1badb002
        .text
        .globl  _start
_start: nop
        nop
        .type   low, @function
low:    hlt
        jmp     low
`;
    const script = `ENTRY(start_low)
SECTIONS {
  start_low = _start - 0xc0000000;
  .boot 0xc0100000 : AT(0x100000) { *(.boot) }
  .text : { *(.text) }
}
`;
    kernel = buildKernel({ "boot.s": source, "high.ld": script }, 32);
  });
  afterAll(() => kernel?.remove());

  it("is stopped where it is loaded", async () => {
    client = new Client();
    await client.launch({ kernel: kernel.path });
    await client.stopped();
    const { address } = kernel.built.symbols.get("low")!;
    expect(BigInt(address)).toBeGreaterThan(0xc0000000n);
    await client.request("redzone/runTo", { address });
    expect((await client.stopped()).reason).toBe("goto");
    const { result } = await client.request("evaluate", { expression: "$pc", context: "watch" });
    expect(BigInt(/0x[0-9a-f]+/.exec(result)![0])).toBeLessThan(0x200000n);
  });
});
