/**
 * The monitor's commands about memory, one after the other on one machine: what we answer is what QEMU 7.2 answers, word for word. The stored answers are
 * checked with the QEMU that is installed.
 */
import { describe, expect, it, test } from "vitest";
import { createMachine } from "../../emulator/index.ts";
import { AdapterError } from "../../debug-adapter/errors.ts";
import { MemoryFiles } from "../../debug-adapter/memory-files.ts";
import { Monitor } from "../../debug-adapter/monitor/index.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { hasQemu, qemuMonitor } from "../memory/qemu.ts";
import { readAnswers, updates, writeAnswers } from "./qemu.ts";

const MIB = 2 ** 20;
const WORDS = ["-nodefaults", "-m", "512M,slots=3,maxmem=2G"];

let answers = readAnswers("monitor");
if (updates) {
  const questions = answers.map(([question]) => question);
  const texts = await qemuMonitor(WORDS, questions);
  answers = questions.map((question, n) => [question, texts[n]!.trimEnd()]);
  writeAnswers("monitor", answers);
}

/** QEMU lists backends in the order of a hash table. */
const inOrder = (question: string, text: string): string =>
  question !== "info memdev"
    ? text
    : text.split(/^(?=memory backend)/m).map((part) => part.trimEnd()).sort().join("\n"); // oxfmt-ignore

const machine = createMachine({ ramBytes: 512 * MIB, slots: 3, maxRamBytes: 2048 * MIB });
const monitor = new Monitor({
  machine,
  core: machine.cpus[0]!,
  memoryFiles: new MemoryFiles(nodeFiles, "/"),
});

function ask(question: string): string {
  try {
    return monitor.run(question).trimEnd();
  } catch (error) {
    if (error instanceof AdapterError) return error.message;
    throw error;
  }
}

describe("is answered as by QEMU", () => {
  it("in all the cases", () => expect(answers.length).toBeGreaterThan(70));

  it.each(answers)("%s", (question, answer) => {
    expect(inOrder(question, ask(question))).toBe(inOrder(question, answer));
  });
});

test.skipIf(!hasQemu)("the answers are QEMU's", { timeout: 120_000 }, async () => {
  const texts = await qemuMonitor(
    WORDS,
    answers.map(([question]) => question),
  );
  for (const [n, [question, answer]] of answers.entries())
    expect(inOrder(question, texts[n]!.trimEnd()), question).toBe(inOrder(question, answer));
});

it.each([
  ["object_add memory-backend-memfd,id=x,size=1M", `"object_add memory-backend-memfd" of QEMU's monitor is not supported`],
  ["object_add rng-random,id=x", `"object_add rng-random" of QEMU's monitor is not supported`],
  ["device_add virtio-rng-pci", `"device_add virtio-rng-pci" is not supported: of devices only pc-dimm can be plugged in while the machine is there`],
  ["object_add memory-backend-ram,id=pc.bios,size=1M", `Error: RAMBlock "pc.bios" already registered`],
  ["help device_del", "device_del device -- remove device"],
])("%s", (question, answer) => {
  expect(ask(question)).toBe(answer);
}); // oxfmt-ignore
