/**
 * The sample kernel's bugs with pages under the debugger: F5 stops at the stale access and at the null pointer with the whole explanation, which `golden/` has word
 * by word (UPDATE_GOLDENS=1 writes it anew: read the difference before you commit it).
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { exceptionBreakpointFilters } from "../../debug-adapter/exceptions/filter.ts";
import { Client, SAMPLE } from "../adapter/client.ts";

const golden = (name: string): URL => new URL(`golden/${name}.txt`, import.meta.url);

/** Instants depend on how long the boot takes, which is another matter. */
function expectGolden(name: string, description: string | undefined): void {
  const text = `${description?.replaceAll(/at instant \d+/g, "at instant …")}\n`;
  if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(golden(name), text);
  expect(text, `golden/${name}.txt`).toBe(readFileSync(golden(name), "utf8"));
}

/** The guest prints the path it is given, and that takes time: it is the same everywhere. */
const launch = (bug: string) => ({
  kernel: path.basename(SAMPLE),
  cwd: path.dirname(SAMPLE),
  append: `bug=${bug} exit=1`,
  debugExit: true,
  stopOnEntry: false,
});

/** What F5 sets if nobody has ticked anything. */
const DEFAULTS = exceptionBreakpointFilters.filter((filter) => filter.default).map(({ filter }) => filter);

test("bug=stale-tlb: stops without anybody asking for it after the read that went to the old frame, and says who changed the entry", async () => {
  const client = new Client(120_000);
  await client.launch(launch("stale-tlb"), () =>
    client.request("setExceptionBreakpoints", { filters: DEFAULTS }),
  );
  const stop = await client.stopped();
  expect(stop).toMatchObject({
    reason: "exception",
    text: expect.stringContaining("Stale TLB entry: read of 0x40000000"),
  });
  const { stackFrames } = await client.request("stackTrace", { threadId: 1, levels: 1 });
  expect(stackFrames[0]).toMatchObject({ name: "stale_tlb_bug" });
  const { exceptionId, description } = await client.request("exceptionInfo", { threadId: 1 });
  expect(exceptionId).toBe("stale-tlb");
  expectGolden("stale-tlb", description);
  // One report: after INVLPG the page is what memory says.
  await client.request("continue", { threadId: 1 });
  expect((await client.event("exited")).body).toEqual({ exitCode: 3 });
});

test("bug=null: stops at the null pointer without anybody asking for it, and names the variable", async () => {
  const client = new Client(120_000);
  await client.launch(launch("null"), () => client.request("setExceptionBreakpoints", { filters: DEFAULTS }));
  expect(await client.stopped()).toMatchObject({
    reason: "exception",
    description: "Paused: #PF (page fault)",
  });
  const { stackFrames } = await client.request("stackTrace", { threadId: 1, levels: 1 });
  expect(stackFrames[0]).toMatchObject({ name: "null_bug" });
  const { exceptionId, description } = await client.request("exceptionInfo", { threadId: 1 });
  expect(exceptionId).toBe("#PF");
  expectGolden("null", description);
});

test("conditions of the filter: $write, $cpu, $writer, $physical", async () => {
  const client = new Client(120_000);
  await client.launch(launch("stale-tlb"), () =>
    client.request("setExceptionBreakpoints", {
      filters: [],
      filterOptions: [
        { filterId: "stale-tlb", condition: "$write || $cpu != $writer || $address != 0x40000000" },
      ],
    }),
  );
  expect((await client.event("exited")).body).toEqual({ exitCode: 3 });
});

test("the Page Tables panel is told who wrote an entry, from when it first looked", async () => {
  const client = new Client(120_000);
  await client.launch({ ...launch("stale-tlb"), stopOnEntry: true }, () =>
    client.request("setExceptionBreakpoints", { filters: ["stale-tlb"] }),
  );
  await client.stopped();
  await client.request("redzone/pageTables", {});
  await client.request("continue", { threadId: 1 });
  await client.stopped();
  const { steps } = await client.request("redzone/pageTablesTranslate", { address: "0x40000000" });
  const writers = Object.fromEntries(steps.map(({ level, writtenBy }) => [level, writtenBy?.symbol]));
  // The kernel's own tables were written before paging was on, when nobody could know that they are tables.
  expect(writers).toEqual({
    PML4E: undefined,
    PDPTE: undefined,
    PDE: expect.stringMatching(/^split\+0x/),
    PTE: expect.stringMatching(/^stale_tlb_bug\+0x/),
  });
});
