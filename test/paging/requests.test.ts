/** The requests of the Page Tables panel in a session with the sample kernel: before paging, at a stop, across stops, and what they refuse. */
import { expect, test } from "vitest";
import { Client } from "../adapter/client.ts";

/** The sample's tables are at known symbols; a task runs when all is set up. */
async function running(): Promise<Client> {
  const client = new Client(120_000);
  await client.launchToEntry({}, () =>
    client.request("setFunctionBreakpoints", { breakpoints: [{ name: "run_task" }] }),
  );
  return client;
}

test("before paging is on, and after", { timeout: 240_000 }, async () => {
  const client = await running();
  const before = await client.request("redzone/pageTables", {});
  expect(before).toMatchObject({ mode: null, roots: [], tables: 0 });
  const untranslated = await client.request("redzone/pageTablesTranslate", { address: "$pc" });
  expect(untranslated).toMatchObject({ mode: null, steps: [], region: { name: "pc.ram" } });
  const refused = await client.respond("redzone/pageTablesRanges", {});
  expect(refused.message).toMatch(/^Paging is off/);

  await client.go();
  const after = await client.request("redzone/pageTables", {});
  expect(after).toMatchObject({ mode: "4-level", levels: ["PML4E", "PDPTE", "PDE", "PTE"], malformed: 0 });
  expect(after.root).toBe(after.roots[0]!.root);
  // A request that nothing happened before has the same answer, and says so.
  expect((await client.request("redzone/pageTables", {})).version).toBe(after.version);

  const { ranges } = await client.request("redzone/pageTablesRanges", { limit: 10 });
  expect(ranges[0]).toMatchObject({ start: "0x1000", name: "identity map", effective: { user: "---", supervisor: "rwx" } });
  expect(ranges[0]!.holds).toContain("sample.elf code");
  const named = await client.request("redzone/pageTablesRanges", { search: "sample.elf" });
  expect(named.total).toBe(ranges.filter(({ holds }) => holds.some((held) => held.startsWith("sample.elf"))).length);
  const holding = await client.request("redzone/pageTablesRanges", { search: "&ticks" });
  expect(holding.total).toBe(1);
  const window = await client.request("redzone/pageTablesRanges", { from: "0x0", to: "0xfff" });
  expect(window.total).toBe(0);

  // From the root down as a panel opens it.
  const root = await client.request("redzone/pageTablesEntries", {});
  const [p4] = root.entries;
  expect(p4).toMatchObject({ level: "PML4E", index: 0, address: root.table });
  const p3 = await client.request("redzone/pageTablesEntries", { level: "PDPTE", linear: p4!.linear });
  expect(p3.table).toBe(p4!.target);
  const pte = await client.request("redzone/pageTablesEntries", { level: "PTE", linear: "0x0", absent: true, index: 0, count: 2 });
  expect(pte.entries.map(({ present }) => present)).toEqual([false, true]);

  const main = await client.request("redzone/pageTablesTranslate", { address: "kernel_main" });
  expect(main).toMatchObject({ name: "kernel_main", canonical: true, pageBytes: 4096, block: { idstr: "pc.ram" } });
  expect(main.physical).toBe(main.linear);
  expect(main.verdicts.filter(({ by, allowed }) => by === "supervisor" && allowed)).toHaveLength(3);
  expect(main.verdicts[0]).toMatchObject({ by: "user", access: "read", level: "PML4E", bit: "U/S", errorCode: 5 });

  // bug=null of the sample in words: page 0 is left out.
  const nothing = await client.request("redzone/pageTablesTranslate", { address: "0" });
  expect(nothing.physical).toBeNull();
  expect(nothing.verdicts[3]!.why).toMatch(
    /^A read by supervisor code .* faults: nothing is mapped at 0x0, because the PTE at 0x[0-9a-f]+ \(0x0\) has P \(bit 0\) clear\. Page fault, error code 0x0 \(not present, read, supervisor\)\.$/,
  );
  expect(nothing.text.match(/No access is possible: nothing is mapped/g)).toHaveLength(1);
  const hole = await client.request("redzone/pageTablesTranslate", { address: "0x800000000000" });
  expect(hole).toMatchObject({ canonical: false, steps: [] });

  const screen = await client.request("redzone/pageTablesReverse", { address: "0xb8000" });
  expect(screen).toMatchObject({ total: 1, mappings: [{ linear: "0xb8000", level: "PTE" }] });

  // A change by hand counts, too; the next stop forgets it.
  const { entry } = screen.mappings[0]!;
  await client.request("writeMemory", { memoryReference: `p:${entry}`, data: Buffer.alloc(8).toString("base64") });
  const changed = await client.request("redzone/pageTablesChanges", {});
  expect(changed.changes).toMatchObject([{ kind: "removed", level: "PTE", address: entry, linear: "0xb8000" }]);
  expect((await client.request("redzone/pageTables", {})).changes).toBe(1);

  for (const [args, said] of [
    [{ level: "PTE", linear: "0x7fff00000000" }, /There is no table of PTE entries for 0x7fff00000000/],
    [{ linear: "0x800000000000" }, /not a canonical address/],
    [{ mode: "7-level" }, /"7-level" is no paging mode/],
    [{ root: "here" }, /"root" must be a number/],
    [{ cpu: 9 }, /There is no CPU 9/],
  ] as const)
    expect((await client.respond("redzone/pageTablesEntries", args)).message).toMatch(said);
  expect((await client.respond("redzone/pageTablesRanges", { filters: ["odd"] })).message).toMatch(/"odd" is no filter/);

  // Any table by address: the P3 as if it were a root.
  const other = await client.request("redzone/pageTables", { root: p4!.target! });
  expect(other).toMatchObject({ root: p4!.target, mode: "4-level" });
}); // oxfmt-ignore
