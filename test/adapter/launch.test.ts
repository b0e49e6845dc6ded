/** Launch configurations: what is understood, and that what is not is refused by name. */
import { expect, test } from "vitest";
import { AdapterError, launchAttributes, parseLaunch } from "../../debug-adapter/index.ts";
import { Client, SAMPLE } from "./client.ts";

const refusal = (configuration: unknown): string => {
  try {
    parseLaunch(configuration);
  } catch (error) {
    if (error instanceof AdapterError) return error.message;
    throw error;
  }
  return "accepted";
};

test("the short form", () => {
  expect(parseLaunch({ kernel: "k.elf" })).toMatchObject({
    kernel: "k.elf",
    append: "",
    modules: [],
    loader: "auto",
    stopOnEntry: true,
    serial: "terminal",
    disassemblyFlavor: "att",
    machine: { ramBytes: 128 << 20 },
  });
});

test("a pasted command line, with the program's name and line breaks, and keys that come first", () => {
  const qemu = `qemu-system-x86_64 -kernel build/k.elf \\\n -initrd "a.mod one two,b.mod" -append 'x=1 y' -m 256M -device isa-debug-exit,iobase=0xf4,iosize=4 -no-reboot -serial stdio`;
  expect(parseLaunch({ qemu })).toMatchObject({
    kernel: "build/k.elf",
    append: "x=1 y",
    modules: [
      { path: "a.mod", arguments: "one two" },
      { path: "b.mod", arguments: "" },
    ],
    machine: { ramBytes: 256 << 20, noReboot: true, debugExit: { iobase: 0xf4, iosize: 4 } },
  });
  expect(
    parseLaunch({ qemu, kernel: "other", memory: "1G", noReboot: false, debugExit: false }),
  ).toMatchObject({
    kernel: "other",
    machine: { ramBytes: 1 << 30, noReboot: false },
  });
  expect(parseLaunch({ qemu, debugExit: false }).machine.debugExit).toBeUndefined();
});

test.each([
  [{}, "nothing to boot"],
  [{ kernel: 3 }, '"kernel" must be a string'],
  [{ kernel: "k", kernal: "k" }, 'Did you mean "kernel"?'],
  [{ kernel: "k", memory: "lots" }, 'Memory size "lots"'],
  [{ kernel: "k", loader: "grub" }, '"loader" must be one of "auto"'],
  [{ kernel: "k", qemu: "-netdev user" }, "-netdev"],
  [{ kernel: "k", translator: "fast" }, '"translator" must be one of "on", "early", "off", "forced"'],
  [{ kernel: "k", qemu: "-accel redzone,translator=fast" }, "translator=fast"],
  [{ drives: [{ path: "x" }] }, '"drives" must be'],
  [{ drives: [{ file: "x", interface: "scsi" }] }, '"drives" must be'],
  [{ kernel: "k", smp: 300 }, "at most 255 CPUs"],
  [{ cdrom: "x", boot: "z" }, "-boot order=z"],
  [{ kernel: "k", qemu: "-kernel 'k" }, '"qemu" command line cannot be used'],
  [{ kernel: "k", symbols: [{ loadOffset: 1 }] }, '"symbols" must be'],
  [{ kernel: "k", sourceMap: { a: 1 } }, '"sourceMap" must be'],
  [{ kernel: "k", rtcBase: "yesterday" }, '"rtcBase" must be'],
  [{ kernel: "k", debugExit: { iobase: 70000 } }, '"debugExit" must be'],
  ["kernel", '"launch" must be an object'],
])("%j is refused: %s", (configuration, text) => {
  expect(refusal(configuration)).toContain(text);
});

test("whether hot code is translated: the key comes before the pasted line", () => {
  const qemu = "-kernel k -accel redzone,translator=off";
  expect(parseLaunch({ qemu }).machine.translator).toBe("off");
  expect(parseLaunch({ qemu, translator: "forced" }).machine.translator).toBe("forced");
  expect(parseLaunch({ kernel: "k" }).machine.translator).toBeUndefined();
});

test("disks and processors, in keys and in a pasted line", () => {
  expect(
    parseLaunch({
      smp: 4,
      cpu: "qemu64",
      drives: [
        "a,b.img",
        { file: "c.qcow2", interface: "virtio", format: "qcow2", snapshot: false, serial: "s" },
      ],
      cdrom: "cd.iso",
      boot: "d",
    }),
  ).toMatchObject({
    kernel: null,
    firmware: null,
    machine: { ramBytes: 128 << 20, cpus: 4, cpu: "qemu64", bootOrder: "d" },
    drives: [
      { path: "cd.iso", config: { attach: "ide", index: 2, media: "cdrom", readOnly: true } },
      { path: "a,b.img", format: "probe", config: { attach: "ide", index: 0 } },
      { path: "c.qcow2", format: "qcow2", config: { attach: "virtio", writeThrough: true, serial: "s" } },
    ],
  });
  const pasted = parseLaunch({ qemu: "-hda x -m 256M -smp 2 -bios fw.bin", smp: "3", kernel: "k" });
  expect(pasted).toMatchObject({
    kernel: "k",
    firmware: "fw.bin",
    machine: { ramBytes: 256 << 20, cpus: 3 },
    drives: [{ path: "x" }],
  });
});

test("the schema describes every key, and each default passes the check", () => {
  const properties = launchAttributes["properties"] as Record<
    string,
    { default?: unknown; markdownDescription?: string }
  >;
  for (const [name, schema] of Object.entries(properties)) {
    expect(schema.markdownDescription, name).toMatch(/\.$/);
    if (schema.default !== undefined)
      expect(refusal({ kernel: "k", [name]: schema.default }), name).toBe("accepted");
  }
});

test("a kernel that is not there, or does not boot, fails the launch with a diagnosis", async () => {
  const missing = new Client();
  await expect(missing.launch({ kernel: "/no/such/kernel" })).rejects.toThrow(
    /Cannot read the kernel \/no\/such\/kernel/,
  );
  await missing.end();
  const text = new Client();
  await expect(text.launch({ kernel: import.meta.filename })).rejects.toThrow(/launch\.test\.ts/);
  await text.end();
});

test("the chainloader: both images have symbols, and breakpoints of the kernel hold", async () => {
  const client = new Client();
  await client.launchToEntry({ kernel: SAMPLE, loader: "chainloader" }, async () => {
    const { breakpoints } = await client.request("setFunctionBreakpoints", {
      breakpoints: [{ name: "kernel_main" }],
    });
    expect(breakpoints[0]!.verified).toBe(true);
  });
  const { modules } = await client.request("modules", {});
  expect(modules.map((module) => (module as unknown as { role: string }).role).sort()).toContain(
    "chainloader",
  );
  await client.go();
  expect(await client.where()).toContain("kernel_main");
  await client.end();
});
