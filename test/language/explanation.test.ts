/** Why a rule is one: each has a document with an example, and no example is made up. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { examples } from "../../extension/language/server/example.ts";
import { explained, explanationOf, summaries } from "../../extension/language/server/explanation.ts";
import { explanationUri, methods } from "../../extension/language/server/protocol.ts";
import { buildRules } from "../../extension/language/server/rules/build-diagnostic.ts";
import { rules } from "../../extension/language/server/rules/index.ts";
import { connect } from "./connection.ts";
import { uriOf } from "./cursor.ts";

const folder = join(import.meta.dirname, "faulty");
/** What says which finding is expected there is not part of a file. */
const readPlain = (name: string): string =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => !/finding: [a-z\d-]+ "/u.test(line))
    .join("\n");

describe.each(explained.map((rule) => [rule.code, rule] as const))("%s", (code, rule) => {
  it("has a document", () => {
    const text = explanationOf(code) ?? "";
    expect(text).toMatch(new RegExp(`^# ${rule.title.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&")}\n`, "u"));
    expect(text).toContain(rule.explanation);
    expect(rule.title).toMatch(/^\S.*[^.\s]$/u);
    // It says where that is written.
    expect(rule.explanation).toMatch(/SDM|ABI|Specification|manual|\*Using|book|ld/u);
    // Markdown that is closed again.
    expect(text.match(/^```/gmu)?.length ?? 0, "fences").toSatisfy((count: number) => count % 2 === 0);
    expect(text.replaceAll(/^```.*?^```/gmsu, "").match(/`/gu)?.length ?? 0, "backticks").toSatisfy(
      (count: number) => count % 2 === 0,
    );
    expect(text.includes(`redzone: ignore ${code}`)).toBe(!code.startsWith("build-"));
  });
});

describe.each(rules.map(({ code }) => code))("the example of %s", (code) => {
  it("is one of the faulty files, and its correction", () => {
    const { file, wrong, right } = examples[code] ?? { file: "", wrong: "", right: "" };
    expect(file, "a rule without example").not.toBe("");
    expect(readFileSync(join(folder, file), "utf8")).toContain(`finding: ${code} "`);
    const faulty = readPlain(file);
    expect(faulty.split(`${wrong}\n`), "stands there once").toHaveLength(2);
    // A function: "$$" is code here.
    expect(faulty.replace(`${wrong}\n`, () => `${right}\n`)).toBe(readPlain(join("corrected", file)));
    const words = (text: string): string => text.replaceAll(/\s+/gu, " ").trim();
    expect(words(explanationOf(code) ?? "")).toContain(words(wrong));
  });
});

it("there is no example without a rule", () => {
  const codes = new Set(rules.map(({ code }) => code));
  expect(Object.keys(examples).filter((code) => !codes.has(code))).toEqual([]);
});

it("codes are distinct, and what has none has no document", () => {
  expect(new Set(explained.map(({ code }) => code)).size).toBe(rules.length + buildRules.length);
  expect(explanationOf("no-such-rule")).toBeNull();
  expect(explanationUri("iret-width")).toBe("redzone-rule:/iret-width.md");
});

describe("over the connection", () => {
  it("documents and the list of rules are answered", async () => {
    const client = await connect();
    expect(await client.ask(methods.rules, [] as object)).toEqual(JSON.parse(JSON.stringify(summaries())));
    expect(await client.connection.sendRequest(methods.explanation, "iret-width")).toMatch(/^# iret/u);
    expect(await client.connection.sendRequest(methods.explanation, "none")).toBeNull();
    await client.close();
  });

  it("files of the build get their diagnostics, and lose them when they go", async () => {
    const database = uriOf("compile_commands.json");
    const command = "gcc -mcmodel=kernel -c a.c";
    const text = JSON.stringify([{ file: "a.c", directory: "/work", command }]);
    const files = new Map([[uriOf("boot.S"), "start:\n\tfxsave (%rax)\n"]]);
    const codes = async (client: Awaited<ReturnType<typeof connect>>): Promise<unknown> =>
      (await client.diagnostics(database)).map(({ code }) => code);
    const send = async (
      client: Awaited<ReturnType<typeof connect>>,
      content: string | null,
    ): Promise<void> => {
      await client.connection.sendNotification(methods.buildFile, { uri: database, text: content });
      // Notifications are handled in their order: when this is answered, that is done.
      await client.connection.sendRequest(methods.rules);
    };

    const saving = await connect({ files });
    await saving.indexed();
    await send(saving, text);
    expect(await codes(saving)).toEqual(["build-red-zone"]);
    await send(saving, null);
    expect(await codes(saving)).toEqual([]);
    await saving.close();

    const plain = await connect({ files: new Map([[uriOf("boot.S"), "start:\n\tret\n"]]) });
    await plain.indexed();
    await send(plain, text);
    await expect.poll(() => codes(plain), { timeout: 20_000 }).toEqual(["build-red-zone", "build-sse"]);
    await plain.close();
  });

  it("whether a file is included is known when all are read", async () => {
    const files = new Map([
      [uriOf("boot.S"), '#include "gdt.inc"\nstart:\n'],
      [uriOf("gdt.inc"), "\t.balign 8\n\t.globl gdt\ngdt:\n\t.quad 0\n\t.set limit, . - gdt - 1\n"],
    ]);
    const client = await connect({ files });
    await client.indexed();
    const isIncluded = (name: string) => client.connection.sendRequest(methods.isIncluded, uriOf(name));
    await expect.poll(() => isIncluded("gdt.inc"), { timeout: 20_000 }).toBe(true);
    expect(await isIncluded("boot.S")).toBe(false);
    await client.close();
  });
});
