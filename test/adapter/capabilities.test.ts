/** Honesty: what the adapter advertises is what its tests use, and what it says of itself is what it answers. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { capabilities, nodeFiles, RedzoneSession } from "../../debug-adapter/index.ts";
import { Client, ROOT } from "./client.ts";

const folder = path.join(ROOT, "test/adapter");
const titles = readdirSync(folder)
  .filter((name) => name.endsWith(".test.ts") && name !== "capabilities.test.ts")
  .flatMap((name) =>
    [...readFileSync(path.join(folder, name), "utf8").matchAll(/^test\(\s*"([^"]*)"/gm)].map(
      (match) => match[1]!,
    ),
  );

/** Capabilities that are a detail of another one's test. */
const TESTED_BY: Readonly<Record<string, string>> = {
  completionTriggerCharacters: "supportsCompletionsRequest",
};

test("each capability has a test whose title begins with it", () => {
  const untested = Object.keys(capabilities).filter((name) => {
    const wanted = TESTED_BY[name] ?? name;
    return !titles.some(
      (title) =>
        title.includes(":") &&
        title
          .split(":")[0]!
          .split(/, | and /)
          .includes(wanted),
    );
  });
  expect(untested).toEqual([]);
});

test("what initialize answers is the table", async () => {
  const client = new Client();
  const response = await client.request("initialize", { adapterID: "redzone" });
  expect(response).toEqual(JSON.parse(JSON.stringify(capabilities)));
  expect(Object.values(capabilities).every((value) => value === true || Array.isArray(value))).toBe(true);
  await client.end();
});

/** The requests that a capability stands for. */
const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  supportsBreakpointLocationsRequest: ["breakpointLocations"],
  supportsCancelRequest: ["cancel"],
  supportsCompletionsRequest: ["completions"],
  supportsConfigurationDoneRequest: ["configurationDone"],
  supportsDataBreakpoints: ["dataBreakpointInfo", "setDataBreakpoints"],
  supportsDisassembleRequest: ["disassemble"],
  supportsExceptionInfoRequest: ["exceptionInfo"],
  supportsFunctionBreakpoints: ["setFunctionBreakpoints"],
  supportsGotoTargetsRequest: ["gotoTargets", "goto"],
  supportsInstructionBreakpoints: ["setInstructionBreakpoints"],
  supportsLoadedSourcesRequest: ["loadedSources"],
  supportsModulesRequest: ["modules"],
  supportsReadMemoryRequest: ["readMemory"],
  supportsRestartFrame: ["restartFrame"],
  supportsRestartRequest: ["restart"],
  supportsSetExpression: ["setExpression"],
  supportsSetVariable: ["setVariable"],
  supportsStepBack: ["stepBack", "reverseContinue"],
  supportsStepInTargetsRequest: ["stepInTargets"],
  supportsTerminateRequest: ["terminate"],
  supportsTerminateThreadsRequest: ["terminateThreads"],
  supportsWriteMemoryRequest: ["writeMemory"],
};

test("a request is served exactly if its capability is advertised", () => {
  const session = new RedzoneSession({ files: nodeFiles });
  const wrong = Object.entries(REQUESTS).flatMap(([capability, requests]) =>
    requests
      .filter((request) => session.requests.includes(request) !== capability in capabilities)
      .map((request) => `${capability}: ${request}`),
  );
  expect(wrong).toEqual([]);
});
