/** The files behind memory-backend-file: read at the start, written at every stop, with QEMU's complaints. */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, test } from "vitest";
import { AdapterError } from "../../debug-adapter/errors.ts";
import { MemoryFiles } from "../../debug-adapter/memory-files.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { createMachine, physical, type MemoryBackendConfig, type Pc } from "../../emulator/index.ts";
import { Client, SAMPLE } from "../adapter/client.ts";
import { redzone } from "../cli/host.ts";
import { hasQemu } from "../memory/qemu.ts";
import { complaint } from "./qemu.ts";

const MIB = 2 ** 20;
const DIMM = 2 ** 32;
const folder = mkdtempSync(join(tmpdir(), "redzone-memory-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const word = (name: string, offset: number): number => readFileSync(at(name)).readUInt32LE(offset);

const backend = (path: string, mebibytes: number, share: boolean): MemoryBackendConfig => ({
  id: "f",
  type: "memory-backend-file",
  sizeBytes: mebibytes * MIB,
  path,
  share,
});

/** A machine with a DIMM whose memory is a file. */
function withFile(path: string, share: boolean): { machine: Pc; files: MemoryFiles } {
  const files = new MemoryFiles(nodeFiles, folder);
  const machine = createMachine({
    ramBytes: 16 * MIB,
    slots: 2,
    maxRamBytes: 256 * MIB,
    memoryBackends: [files.open(backend(path, 4, share))],
    dimms: [{ id: "d", memdev: "f" }],
  });
  files.attach(machine);
  return { machine, files };
}

describe("a shared file", () => {
  it("is read at the start and holds what is written at every stop", () => {
    const bytes = Buffer.alloc(4 * MIB);
    bytes.writeUInt32LE(0x11223344, 3 * MIB + 4);
    writeFileSync(at("a"), bytes);
    const { machine, files } = withFile("a", true);
    const { memory } = machine;
    expect(memory.read(physical(DIMM + 3 * MIB + 4), 4)).toBe(0x11223344);
    memory.write(physical(DIMM + 0x1ffe), 4, 0xaabbccdd); // over the edge of a page
    memory.write(physical(DIMM + 4 * MIB - 4), 4, 5);
    expect(word("a", 0x1ffe)).toBe(0);
    files.writeBack();
    expect([word("a", 0x1ffe), word("a", 4 * MIB - 4), word("a", 3 * MIB + 4)]).toEqual([
      0xaabbccdd, 5, 0x11223344,
    ]);
    expect(readFileSync(at("a")).equals(Buffer.from(memory.readBytes(physical(DIMM), 4 * MIB)))).toBe(true);
  });

  it("is made if there is none, or it is empty", () => {
    writeFileSync(at("empty"), "");
    for (const name of ["new", "empty"]) {
      const { machine, files } = withFile(name, true);
      machine.memory.write(physical(DIMM), 4, 7);
      files.writeBack();
      expect([statSync(at(name)).size, word(name, 0)]).toEqual([4 * MIB, 7]);
    }
  });

  it("goes back with the machine, also where the backend comes back", () => {
    const { machine, files } = withFile("back", true);
    const write = (value: number): void => {
      machine.memory.write(physical(DIMM + 0x3000), 4, value);
      files.writeBack();
    };
    write(1);
    const first = machine.save();
    write(2);
    machine.load(first);
    files.writeBack();
    expect(word("back", 0x3000)).toBe(1);
    write(3);
    machine.memory.ports.writePort(0xa14, 4, 8);
    machine.input({ kind: "backend-remove", id: "f" });
    files.writeBack();
    expect(word("back", 0x3000)).toBe(3);
    machine.load(first);
    files.writeBack();
    expect(word("back", 0x3000)).toBe(1);
    write(4);
    expect(word("back", 0x3000)).toBe(4);
  });

  it("is written no more often than twice a second while the machine runs", () => {
    const { machine, files } = withFile("often", true);
    const seen: number[] = [];
    for (let now = 1000; now <= 2600; now += 100) {
      machine.memory.write(physical(DIMM), 4, now);
      files.slice(now);
      seen.push(word("often", 0));
    }
    expect([...new Set(seen)]).toEqual([1000, 1500, 2000, 2500]);
  });

  it("that cannot be written is told once", () => {
    const { machine } = withFile("full", true);
    const store = nodeFiles.store(at("full"), true);
    const files = new MemoryFiles(
      {
        ...nodeFiles,
        store: () => ({
          ...store,
          readOnly: false,
          write: () => {
            throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
          },
        }),
      },
      folder,
    );
    files.open(backend("full", 4, true));
    files.attach(machine);
    machine.memory.write(physical(DIMM), 4, 1);
    expect(() => files.writeBack()).toThrow(
      "Cannot write the file behind memory f: No space left on device. It is not written any more",
    );
    machine.memory.write(physical(DIMM), 4, 2);
    expect(() => files.writeBack()).not.toThrow();
  });
});

it("a private file is read and never written", () => {
  const bytes = Buffer.alloc(4 * MIB, 0x5a);
  writeFileSync(at("private"), bytes);
  const { machine, files } = withFile("private", false);
  expect(machine.memory.read(physical(DIMM), 4)).toBe(0x5a5a5a5a);
  machine.memory.write(physical(DIMM), 4, 1);
  files.writeBack();
  expect(readFileSync(at("private")).equals(bytes)).toBe(true);
});

it("what a file held is part of the input: the run is the same without the file", () => {
  writeFileSync(at("input"), Buffer.alloc(4 * MIB, 1));
  const files = new MemoryFiles(nodeFiles, folder);
  const config = { ramBytes: 16 * MIB, slots: 2, maxRamBytes: 256 * MIB };
  const machine = createMachine(config);
  machine.input({ kind: "backend-add", backend: files.open(backend("input", 4, false)) });
  machine.input({ kind: "dimm-plug", dimm: { memdev: "f" } });
  rmSync(at("input"));
  const again = createMachine(config);
  for (const { input } of machine.inputs) again.input(input);
  const [first, second] = [machine, again].map(({ memory }) => memory.readBytes(physical(DIMM), 4 * MIB));
  expect(Buffer.from(first!).equals(second!)).toBe(true);
  expect(again.memory.read(physical(DIMM), 1)).toBe(1);
});

describe("what is wrong with a file is said as QEMU says it", () => {
  writeFileSync(at("small"), Buffer.alloc(MIB));
  const CASES = ["small", "no/such/folder", "small/file"];

  it.each(CASES)("%s", { timeout: 60_000 }, async (name) => {
    let text = "";
    try {
      new MemoryFiles(nodeFiles, folder).open(backend(at(name), 4, true));
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      text = error.message;
    }
    expect(text).not.toBe("");
    if (!hasQemu) return;
    const object = `memory-backend-file,id=f,size=4M,mem-path=${at(name)},share=on`;
    expect(text).toBe(await complaint(["-object", object]));
  });

  it("at a launch and at the monitor, too", async () => {
    const object = `memory-backend-file,id=f,size=4M,mem-path=${at("small")}`;
    const { status, errors } = await redzone(`-kernel ${SAMPLE} -object ${object}`);
    expect(errors).toBe("redzone: backing store size 0x100000 does not match 'size' option 0x400000\n");
    expect(status).not.toBe(0);
  });
});

test("a run's memory is in the file when it has ended", async () => {
  truncateSync(at("small"), 0);
  const backend64 = `memory-backend-file,id=ram,size=64M,mem-path=${at("ram")},share=on`;
  const exit = "-append exit=1 -device isa-debug-exit,iobase=0xf4,iosize=4";
  const { status, errors } = await redzone(
    `-kernel ${SAMPLE} -machine pc,memory-backend=ram -object ${backend64} ${exit}`,
  );
  expect([status, errors]).toEqual([3, ""]);
  const file = readFileSync(at("ram"));
  expect(file.length).toBe(64 * MIB);
  expect(file.indexOf("Redzone sample kernel", MIB)).toBeGreaterThan(MIB);
  // A text screen is not RAM; what firmware leaves is.
  expect(file.subarray(0xf0040, 0xf0048).toString()).toBe("RSD PTR ");
});

describe("in a session", () => {
  let client: Client;
  afterEach(() => client.end());
  const monitor = (command: string): Promise<string> =>
    client.request("redzone/monitor", { command }).then(({ text }) => text);
  const write = (address: number, value: number): Promise<unknown> =>
    client.request("writeMemory", {
      memoryReference: `p:0x${address.toString(16)}`,
      data: Buffer.from([value]).toString("base64"),
    });

  test("plugged in at the monitor, written by hand, and seen in the file at once", async () => {
    client = new Client();
    await client.launchToEntry({ memory: "64M,slots=2,maxmem=1G" });
    const object = `memory-backend-file,id=m1,size=128M,mem-path=${at("plugged")},share=on`;
    expect(await monitor(`object_add ${object}`)).toBe("");
    expect(await monitor("device_add pc-dimm,id=d1,memdev=m1")).toBe("");
    expect(statSync(at("plugged")).size).toBe(128 * MIB);
    await write(DIMM + 5 * MIB, 0x42);
    expect(readFileSync(at("plugged"))[5 * MIB]).toBe(0x42);
    await expect(monitor("device_add pc-dimm,id=d1,memdev=m1")).rejects.toThrow(
      "Error: Duplicate device ID 'd1'",
    );
    expect(await monitor("info memory_size_summary")).toBe(
      "base memory: 67108864\nplugged memory: 134217728\n",
    );
  });

  test("the machine's memory in a file: as it is at each stop", async () => {
    client = new Client();
    const object = `memory-backend-file,id=ram,size=64M,mem-path=${at("session")},share=on`;
    await client.launchToEntry({ qemu: `-machine memory-backend=ram -object ${object}` });
    expect(readFileSync(at("session")).subarray(0xf0040, 0xf0048).toString()).toBe("RSD PTR ");
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "kernel_main" }] });
    await client.go();
    // Code, data, page tables and stack of the sample.
    const [start, count] = [2 * MIB, 128 * 1024];
    const { data } = await client.request("readMemory", { memoryReference: `p:${start}`, count });
    const inMachine = Buffer.from(data!, "base64");
    expect(inMachine.length).toBe(count);
    expect(inMachine.equals(readFileSync(at("session")).subarray(start, start + count))).toBe(true);
    expect(inMachine.filter((byte) => byte !== 0).length).toBeGreaterThan(10_000);
  });

  test("a memory size that cannot be is refused with QEMU's reason", async () => {
    client = new Client();
    await expect(client.launch({ memory: "1G,slots=2" })).rejects.toThrow(
      'Memory size "1G,slots=2" cannot be used: slots specified but no max-size.',
    );
  });
});
