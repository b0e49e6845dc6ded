/** The server over real streams: documents, requests, diagnostics, the index of a workspace, settings. What features answer is tested beside each. */
import type { DocumentSymbol, Location } from "vscode-languageserver/node";
import { afterEach, expect, it } from "vitest";
import { methods, type DocumentState } from "../../extension/language/server/protocol.ts";
import { connect, type Client, type ClientOptions } from "./connection.ts";
import { uriOf } from "./cursor.ts";

let client: Client | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function connected(options?: ClientOptions): Promise<Client> {
  client = await connect(options);
  return client;
}

const place = (line: number, character: number) => ({ line, character });
const start = ["\t.code32", "\t.globl start", "start:", "\tmovl $table, %eax", "\tjmp elsewhere", ""].join(
  "\n",
);

it("offers what features are there", async () => {
  const { result } = await connected();
  expect(result.capabilities).toMatchObject({
    textDocumentSync: { openClose: true, change: 2 },
    definitionProvider: true,
    documentSymbolProvider: true,
    foldingRangeProvider: true,
    referencesProvider: true,
  });
});

it("answers of a file that is open as it was changed last", async () => {
  const { open, change, ask, parsedCounts } = await connected();
  const uri = uriOf("boot.S");
  open(uri, "gas", start);
  const outline = async (): Promise<readonly string[]> =>
    (await ask<DocumentSymbol[]>("textDocument/documentSymbol", { textDocument: { uri } })).map(
      ({ name }) => name,
    );
  expect(await outline()).toEqual(["start"]);
  change(uri, [
    { range: { start: place(2, 5), end: place(2, 5) }, text: "32" },
    { range: { start: place(5, 0), end: place(5, 0) }, text: "end:\n" },
  ]);
  expect(await outline()).toEqual(["start32:", "end"].map((name) => name.replace(":", "")));
  expect(parsedCounts.every((count) => count <= 2)).toBe(true);
});

it("asks the client for files and for what these include, and knows their names", async () => {
  const files = new Map([
    [uriOf("boot.S"), `#include "boot/table.h"\n${start}`],
    [uriOf("other.S"), "\t.globl elsewhere\nelsewhere:\n\tret\n"],
    [uriOf("include/boot/table.h"), "#define table 0x1000\n"],
    [uriOf("include/unused.h"), "#define unused 1\n"],
  ]);
  const { indexed, open, ask } = await connected({ files });
  expect(await indexed()).toMatchObject({ readCount: 3, totalCount: 3, skippedCount: 0, isStopped: false });
  const uri = uriOf("boot.S");
  open(uri, "gas", files.get(uri) ?? "");
  const found = await ask<Location[]>("textDocument/definition", {
    textDocument: { uri },
    position: place(5, 8),
  });
  expect(JSON.stringify(found)).toContain(uriOf("other.S"));
});

it("takes a file that says nothing of itself for what includes it", async () => {
  const files = new Map([
    [uriOf("data.inc"), "included_name:\n"],
    [uriOf("page.inc"), "other_name:\n"],
    [uriOf("boot.S"), '\t.include "data.inc"\n\tmovl $included_name, %eax\n\tmovl $other_name, %eax\n'],
  ]);
  const { indexed, open, ask } = await connected({ files });
  await indexed();
  const uri = uriOf("boot.S");
  open(uri, "gas", files.get(uri) ?? "");
  const found = async (line: number): Promise<string> =>
    JSON.stringify(
      await ask("textDocument/definition", { textDocument: { uri }, position: place(line, 10) }),
    );
  expect(await found(1)).toContain(uriOf("data.inc"));
  expect(await found(2)).toBe("[]");
});

it("says how many files it has left out", async () => {
  const files = new Map([
    [uriOf("boot.S"), start],
    [uriOf("large.s"), null],
  ]);
  const { indexed } = await connected({ files, isTruncated: true });
  expect(await indexed()).toMatchObject({ skippedCount: 2 });
});

it("stops reading when it is told to", async () => {
  const files = new Map(Array.from({ length: 200 }, (_, number) => [uriOf(`${number}.S`), start] as const));
  const { indexed } = await connected({
    files,
    beforeRead: (connection) => void connection.sendNotification(methods.stopIndexing),
  });
  const state = await indexed();
  expect(state.isStopped).toBe(true);
  expect(state.readCount).toBeLessThan(200);
});

it("reads again what the client says has changed, but not what is open", async () => {
  const files = new Map([[uriOf("other.S"), "elsewhere:\n\t.globl elsewhere\n"]]);
  const { indexed, connection, ask } = await connected({ files });
  await indexed();
  const names = async (): Promise<readonly string[]> =>
    (await ask<{ name: string }[]>("workspace/symbol", { query: "" })).map(({ name }) => name);
  expect(await names()).toEqual(["elsewhere"]);
  files.set(uriOf("other.S"), "changed:\n\t.globl changed\n");
  await connection.sendNotification("workspace/didChangeWatchedFiles", {
    changes: [{ uri: uriOf("other.S"), type: 2 }],
  });
  await expect.poll(names).toEqual(["changed"]);
  await connection.sendNotification("workspace/didChangeWatchedFiles", {
    changes: [{ uri: uriOf("other.S"), type: 3 }],
  });
  await expect.poll(names).toEqual([]);
});

it("says what a file is taken for, and changes its mind with the content", async () => {
  const { open, change, ask, diagnostics } = await connected();
  const uri = uriOf("empty.asm");
  const state = (): Promise<DocumentState | null> => ask(methods.state, { uri, line: 1 });
  open(uri, "nasm", "");
  await diagnostics(uri);
  expect(await state()).toEqual({ dialect: "NASM", bits: null, foreign: null });
  change(uri, [{ text: "\t.code16\n\t.globl start\nstart:\n\tmovw %ax, %ds\n\t.text\n" }]);
  expect(await state()).toEqual({
    dialect: "GNU as, AT&T syntax",
    bits: 16,
    foreign: null,
  });
  change(uri, [{ text: "\tldr r0, [r1]\n\tbx lr\n\tstmfd sp!, {r4-r7}\n\tmov r0, #1\n" }]);
  expect(await state()).toMatchObject({ foreign: "Arm assembly" });
});

it("says nothing of instructions it does not know the machine of", async () => {
  const { open, ask, diagnostics } = await connected();
  const uri = uriOf("start.s");
  const text = "start:\n\tmov r0, #1\n\tldr r1, [r2]\n\tpush {lr}\n\tbl start\n";
  open(uri, "gas", text);
  const position = place(1, 2);
  expect(await ask("textDocument/completion", { textDocument: { uri }, position })).toBeNull();
  expect(await diagnostics(uri)).toEqual([]);
  const outline = await ask<DocumentSymbol[]>("textDocument/documentSymbol", { textDocument: { uri } });
  expect(outline.map(({ name }) => name)).toEqual(["start"]);
});

it("takes its diagnostics back when a file is closed", async () => {
  const { open, connection, diagnostics } = await connected();
  const uri = uriOf("boot.S");
  open(uri, "gas", start);
  await diagnostics(uri);
  const emptied = new Promise((resolve) => {
    connection.onNotification("textDocument/publishDiagnostics", resolve);
  });
  await connection.sendNotification("textDocument/didClose", { textDocument: { uri } });
  expect(await emptied).toMatchObject({ uri, diagnostics: [] });
});
