/** Nonsense: whatever a client sends, every request gets one answer and the adapter lives. The seed is printed by fast-check when a case fails. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { AdapterError, nodeFiles, parseLaunch, RedzoneSession } from "../../debug-adapter/index.ts";
import { Client } from "./client.ts";

const SEED = Number(process.env["REDZONE_SEED"] ?? 20261121);
const commands = new RedzoneSession({ files: nodeFiles }).requests.filter(
  (name) => !["disconnect", "terminate", "launch", "continue"].includes(name),
);

const anything = fc.anything({
  maxDepth: 2,
  withBigInt: false,
  withDate: false,
  withMap: false,
  withSet: false,
  withTypedArray: false,
  withSparseArray: false,
});
const word = fc.oneof(
  fc.constantFrom(
    "v:0x200000",
    "p:0xffffffffffff",
    "0x0",
    "$rip",
    "&ticks",
    "*p",
    "v:",
    "task->",
    "((((",
    "x /4xg 0",
    "info mem",
    "1/0",
    "",
    "\u0000",
    "a".repeat(3000),
  ),
  fc.string(),
);
const number = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 1, 2, -1, 2 ** 31, 2 ** 53, -(2 ** 53)),
  fc.double(),
);
const value = fc.oneof(word, number, fc.boolean(), anything);
const names = [
  "threadId", "frameId", "variablesReference", "expression", "context", "memoryReference", "offset", "count", "instructionCount", "instructionOffset", "source",
  "breakpoints", "filters", "filterOptions", "name", "value", "text", "column", "line", "targetId", "granularity", "data", "locationReference", "sourceReference",
  "format", "start", "levels", "port", "code", "down", "command", "arguments", "bytes", "asAddress", "accessType", "dataId", "startFrame",
]; // oxfmt-ignore
const argument = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
const request = fc.tuple(
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...commands) }, { weight: 1, arbitrary: fc.string() }),
  fc.oneof(argument, anything),
);

test("malformed requests are answered, one each", async () => {
  const client = new Client();
  await client.launchToEntry({ memory: "16M" });
  let internal = "";
  await fc.assert(
    fc.asyncProperty(request, async ([command, args]) => {
      const response = await client.respond(command, args);
      expect(response.command).toBe(command);
      if (response.message?.includes("This is a bug in Redzone") === true)
        internal = `${command} ${JSON.stringify(args)}: ${response.message}\n${client.console().slice(-600)}`;
      expect(internal).toBe("");
    }),
    { seed: SEED, numRuns: 1500 },
  );
  expect(await client.respond("threads")).toMatchObject({ success: true });
  await client.end();
});

test("messages that are no requests are dropped", async () => {
  const client = new Client();
  fc.assert(
    fc.property(anything, (message) => {
      if (message !== undefined) client.raw(message);
    }),
    { seed: SEED, numRuns: 500 },
  );
  for (const message of [
    { type: "request" },
    { type: "response", request_seq: 99 },
    { type: "request", command: 5, seq: 1 },
    null,
    [],
  ])
    client.raw(message);
  expect(await client.respond("initialize", { adapterID: "x" })).toMatchObject({ success: true });
  await client.end();
});

test("launch configurations are accepted or refused, never a crash", () => {
  const key = fc.constantFrom(
    "kernel",
    "append",
    "args",
    "initrd",
    "loader",
    "memory",
    "qemu",
    "cwd",
    "stopOnEntry",
    "symbols",
    "sourceMap",
    "serial",
    "noReboot",
    "debugExit",
    "rtcBase",
    "seed",
    "disassemblyFlavor",
    "realTime",
    "kernl",
  );
  const option = fc.oneof(
    fc.constantFrom(
      "-m",
      "-kernel",
      "-device",
      "isa-debug-exit,iobase=0xf4",
      "-serial",
      "mon:stdio",
      "4G,slots=2",
      "'",
      '"',
      "\\",
      "-rtc",
      "base=utc",
      "-append",
    ),
    fc.string(),
  );
  const setting = fc.oneof(
    value,
    fc.array(option).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(fc.dictionary(key, setting), (configuration) => {
      try {
        parseLaunch(configuration);
      } catch (error) {
        if (!(error instanceof AdapterError) || error.number === 9999) throw error;
      }
    }),
    { seed: SEED, numRuns: 3000 },
  );
});
