/** `-bios`: Debian's SeaBIOS from the reset vector on, with the VGA's own option ROM: PCI, shadow RAM, IDE, the keyboard; then what it starts. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { MachineConfig } from "../../emulator/index.ts";
import { assemble, type Guest, hasQemu, MemoryImage, type Plug, runQemu, start } from "./machine.ts";
import { hasGrub, rescueCd } from "./rescue.ts";

const FOLDER = "/usr/share/seabios/";
const hasSeabios = existsSync(`${FOLDER}bios-256k.bin`) && existsSync(`${FOLDER}vgabios-stdvga.bin`);
const rom = (name: string): Uint8Array => new Uint8Array(readFileSync(FOLDER + name));

const DISK_BYTES = 20 * 16 * 63 * 512;

function startSeabios(
  plug: Plug,
  image: Uint8Array,
  name: string,
  config: Partial<MachineConfig> = {},
): Guest {
  return start([[plug, new MemoryImage(image)]], {
    firmware: rom(name),
    vgaRom: rom("vgabios-stdvga.bin"),
    nanosecondsPerInstant: 16,
    ...config,
  });
}

describe.skipIf(!hasSeabios)("SeaBIOS", () => {
  test.each([
    ["bios-256k.bin", "disk", "ide"],
    ["bios.bin", "disk", "ide"],
    ["bios-256k.bin", "virtio", "virtio"],
  ] as const)("%s finds a disk (%s) and starts it as in QEMU", (name, plug, qemuInterface) => {
    const path = assemble("services", DISK_BYTES);
    const guest = startSeabios(plug, new Uint8Array(readFileSync(path)), name);
    expect(guest.run()).toEqual({ kind: "debug-exit", code: 1 });
    expect(guest.log()).toMatch(/^SeaBIOS \(version 1\./m);
    expect(guest.log()).toContain("Running on QEMU (i440fx)");
    expect(guest.log()).toContain("Start SeaVGABIOS");
    expect(guest.log()).toContain("Booting from 0000:7c00");
    if (!hasQemu) return;
    // How much of the top of memory the tables take differs, and so does what AMD's processors reserve.
    const differs = /^15\/e801|^ 0000 0010|^ \w000 07f|^ 0000 0000 00fd/;
    const compared = (text: string): string[] => text.split("\n").filter((line) => !differs.test(line));
    expect(compared(guest.text())).toEqual(
      compared(runQemu(["-drive", `file=${path},format=raw,if=${qemuInterface},snapshot=on`])),
    );
  });

  test("without a drive it says so", () => {
    const guest = start([], { firmware: rom("bios-256k.bin"), vgaRom: rom("vgabios-stdvga.bin") });
    guest.settle(1e9);
    expect(guest.screen().join("\n")).toContain("SeaBIOS (version 1.");
    expect(guest.log()).toContain("No bootable device.");
  });

  test.skipIf(!hasGrub)("starts GRUB's rescue CD to its prompt", { timeout: 300_000 }, () => {
    const guest = startSeabios("cd", rescueCd("seabios"), "bios-256k.bin");
    for (let n = 0; n < 150 && !guest.screen().includes("grub>"); n++) guest.run(1e6);
    expect(guest.log()).toContain("Booting from DVD/CD...");
    expect(guest.screen()).toContain("grub>");
  });
});
