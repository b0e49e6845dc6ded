/**
 * The sample kernel with bug=redzone under the debugger: F5 stops at the first clobber with the whole explanation, which `golden/` has word by word
 * (UPDATE_GOLDENS=1 writes it anew: read the difference before you commit it).
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

import { Client, SAMPLE } from "../adapter/client.ts";
import { build, hasGcc } from "./guest.ts";

const golden = (name: string): URL => new URL(`golden/${name}.txt`, import.meta.url);

function expectGolden(name: string, text: string): void {
  if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(golden(name), text);
  expect(text, `golden/${name}.txt`).toBe(readFileSync(golden(name), "utf8"));
}

/** The guest prints the path it is given, and that takes time: it is the same everywhere. */
const LAUNCH = {
  kernel: path.basename(SAMPLE),
  cwd: path.dirname(SAMPLE),
  append: "bug=redzone exit=1",
  debugExit: true,
  stopOnEntry: false,
};

/** A session that has stopped for the first time under the filters. */
async function stopped(filters: readonly string[]): Promise<Client> {
  const client = new Client(120_000);
  await client.launch(LAUNCH, () => client.request("setExceptionBreakpoints", { filters: [...filters] }));
  return client;
}

/** What the Debug Console has been told. */
const console = (client: Client): string =>
  client.messages
    .flatMap((message) => {
      const { event, body } = message as { event?: string; body?: { category?: string; output?: string } };
      return event === "output" && body?.category === "important" ? [body.output ?? ""] : [];
    })
    .join("");

describe("the sample with bug=redzone", () => {
  test("stops when live bytes are overwritten: at the handler's first instruction", async () => {
    const client = await stopped(["red-zone-latent", "red-zone-confirmed"]);
    const stop = await client.stopped();
    expect(stop).toMatchObject({
      reason: "exception",
      text: "Live bytes of the red zone were overwritten by vector 0x20.",
      hitBreakpointIds: [1],
    });
    const { stackFrames } = await client.request("stackTrace", { threadId: 1, levels: 2 });
    expect(stackFrames.map(({ name }) => name)).toEqual(["vectors", "sum_in_red_zone [interrupted]"]);
    const { exceptionId, description, details } = await client.request("exceptionInfo", { threadId: 1 });
    expect(exceptionId).toBe("red-zone");
    expectGolden("latent", `${description}\n`);
    expect(details?.message).toBe(description!.split("\n")[0]);
    expect(console(client)).toContain(description);

    await client.request("continue", { threadId: 1 });
    await client.stopped();
    // The handler's own bytes come with its IRET, then the read.
    await client.request("continue", { threadId: 1 });
    expect(await client.stopped()).toMatchObject({
      text: "8 bytes of the red zone were read that vector 0x20 had overwritten.",
    });
    const confirmed = await client.request("exceptionInfo", { threadId: 1 });
    expectGolden("confirmed", `${confirmed.description}\n`);
    const info = await client.request("evaluate", { expression: "info redzone", context: "repl" });
    expectGolden("info", `${info.result}\n`);
    const body = await client.request("redzone/stackClobbers");
    expect(body).toMatchObject({ isOn: true, counts: { latent: 2, confirmed: 1, ist: 0 } });
    expect(body.groups).toMatchObject([
      {
        functionName: "sum_in_red_zone",
        vector: 0x20,
        cause: "IRQ 0 (vector 0x20)",
        latent: 2,
        confirmed: 1,
      },
    ]);
    expect(body.recent.map(({ kind, functionName, ist }) => [kind, functionName, ist])).toEqual([
      ["latent", "sum_in_red_zone", 0],
      ["latent", "sum_in_red_zone", 0],
      ["confirmed", "sum_in_red_zone", 0],
    ]);
    const [first, , last] = body.recent;
    expect(first!.before).toHaveLength(256);
    expect(first!.live).toEqual([
      // The argument, the eight numbers, the sum.
      { from: -96, to: -88 },
      { from: -80, to: -16 },
      { from: -12, to: 0 },
    ]);
    expect(BigInt(last!.read!.address)).toBe(BigInt(last!.pointer) - 80n);
    await client.request("disconnect");
  });

  test("stops at the read with the filter that is on unless it is turned off", async () => {
    const client = new Client(120_000);
    const { exceptionBreakpointFilters } = await client.request("initialize", { adapterID: "redzone" });
    const usual = exceptionBreakpointFilters!.filter((filter) => filter.default === true);
    expect(usual.map(({ filter }) => filter)).toEqual(
      expect.arrayContaining(["red-zone-confirmed", "ist-twice"]),
    );
    await client.launch(LAUNCH, () =>
      client.request("setExceptionBreakpoints", { filters: usual.map(({ filter }) => filter) }),
    );
    await client.stopped();
    const { description } = await client.request("exceptionInfo", { threadId: 1 });
    expect(description).toMatch(/^Red-zone clobber, confirmed: sum_in_red_zone\(\) read 8 bytes/);
    await client.request("disconnect");
  });

  test("a condition chooses among vectors; without a filter nothing is looked for", async () => {
    const client = new Client(120_000);
    await client.launch(LAUNCH, () =>
      client.request("setExceptionBreakpoints", {
        filters: [],
        filterOptions: [{ filterId: "red-zone-confirmed", condition: "$vector != 0x20" }],
      }),
    );
    await client.event("terminated");
    await client.request("disconnect");

    const other = await stopped([]);
    await other.event("terminated");
    const body = await other.request("redzone/stackClobbers");
    expect(body).toMatchObject({ isOn: false, counts: { latent: 0, confirmed: 0, ist: 0 }, recent: [] });
    const info = await other.request("evaluate", { expression: "info redzone", context: "repl" });
    expect(info.result).toBe(
      "The red zone is not watched: tick a red-zone filter in the Breakpoints view.\nNothing has been found.",
    );
    await other.request("disconnect");
  });
});

/** Where the host's compiler puts code and variables is its own affair: addresses are left out. */
const plain = (text: string): string =>
  text.replaceAll(/0x[0-9a-f]{4,16}/g, "0x…").replaceAll(/\+0x[0-9a-f]+/g, "+…");

describe.skipIf(!hasGcc)("a kernel", () => {
  /** The explanation of the first stop. */
  async function explained(flags: readonly string[], filters: readonly string[]): Promise<readonly string[]> {
    const client = new Client(120_000);
    const kernel = build(["-DTICKS=1", ...flags]);
    await client.launch({ kernel, debugExit: true, stopOnEntry: false }, () =>
      client.request("setExceptionBreakpoints", { filters: [...filters] }),
    );
    await client.stopped();
    const { description } = await client.request("exceptionInfo", { threadId: 1 });
    const info = await client.request("evaluate", { expression: "info redzone", context: "repl" });
    await client.request("disconnect");
    return [...plain(description!).split("\n"), ...info.result.split("\n").slice(4)];
  }

  test("with inline assembly that pushes over what its function keeps below RSP", async () => {
    const latent = await explained(["-DPUSHES"], ["red-zone-latent"]);
    expect(latent.slice(0, 3)).toEqual([
      "Red-zone clobber: pushes() is about to push over 8 bytes below its stack pointer that it still needs.",
      expect.stringMatching(
        /^The PUSH is at 0x… <pushes\+…>: pushf\w* \(kernel\.c, line \d+\), with RSP 0x…\.$/,
      ),
      "There is numbers[7]: 0x7, at RSP-0x8.",
    ]);
    expect(latent.at(-1)).toMatch(/^ +1 +0 +0 {2}its own PUSH +pushes$/);
    const confirmed = await explained(["-DPUSHES"], ["red-zone-confirmed"]);
    expect(confirmed[0]).toBe(
      "Red-zone clobber, confirmed: pushes() read 8 bytes below its stack pointer that its own PUSH had overwritten.",
    );
    expect(confirmed[2]).toMatch(
      /^Read by 0x… <pushes\+…>: mov .*\(kernel\.c, line \d+\): numbers\[7\], RSP-0x8\. It had left 0x7 there and found 0x[0-9a-f]+\.$/,
    );
    expect(confirmed.join("\n")).toContain("numbers[7]: written by its own PUSH");
  });

  test("whose IST stack is entered twice", async () => {
    const lines = await explained(["-DNESTED"], ["ist-twice"]);
    expect(lines[0]).toBe(
      "IST stack entered twice: INT 0x41 came on IST 1 while the handler of INT 0x41 was still using that stack.",
    );
    expect(lines[1]).toMatch(/^Interrupted at 0x… <nested_entry\+…>: /);
    expect(lines[2]).toMatch(/^IDT entry 0x41: interrupt gate, 64-bit, .*IST 1/);
    expect(lines[3]).toMatch(
      /pushed over that of the first event, which had interrupted kernel_main\(\) at 0x…: /,
    );
  });
});
