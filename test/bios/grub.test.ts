/** GRUB's rescue CD: El Torito, its prompt on the text screen through INT 10h and 16h, the file system through INT 13h, and a kernel started from it. */
import { expect, test } from "vitest";
import { type Guest, MemoryImage, start } from "./machine.ts";
import { hasGrub, rescueCd } from "./rescue.ts";
import { type } from "./typing.ts";

/** Runs until a line of the screen is `line`. */
function runUntil(guest: Guest, line: string, instants: number): void {
  for (let left = instants; left > 0; left -= 1e6) {
    guest.run(1e6);
    if (guest.screen().includes(line)) return;
  }
  throw new Error(`no ${JSON.stringify(line)} on the screen:\n${guest.screen().join("\n")}\n${guest.log()}`);
}

test.skipIf(!hasGrub)(
  "GRUB's rescue CD reaches its prompt and boots the sample kernel",
  { timeout: 300_000 },
  () => {
    // GRUB measures its time-stamp counter against the PIT for 55 ms: fewer instants with a slower processor.
    const guest = start([["cd", new MemoryImage(rescueCd("grub"))]], { nanosecondsPerInstant: 16 });
    let serial = "";
    const onOutput = guest.machine.onOutput;
    guest.machine.onOutput = (channel, byte) => {
      if (channel === "serial0") serial += String.fromCharCode(byte);
      onOutput(channel, byte);
    };
    runUntil(guest, "grub>", 200e6);
    expect(guest.log()).toBe("booting from drive e0h at 7c00h\n");
    expect(guest.screen().slice(0, 8).join("\n")).toMatch(
      /GNU GRUB +version 2\.[\s\S]*Minimal BASH-like line editing/,
    );
    type(guest, "multiboot2 /sample.elf exit=3\n");
    runUntil(guest, "grub>", 100e6);
    type(guest, "boot\n");
    expect(guest.run(400e6)).toEqual({ kind: "debug-exit", code: 7 });
    expect(serial).toContain("boot: Multiboot 2, loader GRUB 2.");
    expect(serial).toContain("command line: exit=3");
    expect(serial).toContain("memory: 127 MiB usable in 2 ranges");
  },
);
