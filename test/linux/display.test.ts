/** Linux finds the display adapter, its monitor, the keyboard and the mouse, and uses them: a shell on the frame buffer. */
import { beforeAll, expect, test } from "vitest";
import { scancodes } from "../../debug-adapter/keyboard.ts";
import { Console } from "./console.ts";
import { linuxSystem } from "./system.ts";

const LONG = 600_000;
/** Of 10 ms at the most: an idle guest runs some hundred instructions in one. */
const SLICES = 1000;
const CELL = { width: 8, height: 16 } as const;

let guest: Console;
beforeAll(async () => {
  guest = new Console(await linuxSystem("full", ["bochs", "psmouse"]), {
    append: "console=tty0 console=ttyS0 quiet cryptomgr.notests",
  });
  guest.waitFor("BOOT-OK");
  guest.waitFor("/ # ");
}, LONG);

const run = (instants: number): void => {
  // An idle slice ends by virtual time, without an instant: slices are counted, too.
  const end = guest.machine.instant + instants;
  for (let slice = 0; guest.machine.instant < end && slice < SLICES; slice++)
    guest.machine.run({ instants: 1e6, untilNanoseconds: guest.machine.now + 1e7 });
};

test("bochs-drm drives the display at the size that the monitor prefers", { timeout: LONG }, () => {
  const said = guest.command("dmesg | grep -i 'bochs\\|drm'");
  expect(said).toMatch(/Found bochs VGA, ID 0xb0c5/);
  expect(said).toMatch(/Framebuffer size 16384 kB @ 0xfd000000/);
  expect(said).toMatch(/Found EDID data blob/);
  expect(said).toMatch(/frame buffer device/);
  const modes = guest.command("cat /sys/class/drm/card0-*/modes").split("\n");
  expect(modes[0]).toBe("1024x768");
  expect(modes).toContain("1920x1080");
  expect(guest.machine.display()).toMatchObject({ kind: "pixels", width: 1024, height: 768 });
});

test("what is printed is on the frame buffer, in its colours", { timeout: LONG }, () => {
  guest.command("printf '\\033[2J\\033[H\\033[44m          \\033[0m' > /dev/tty0");
  run(5e7);
  const { width, pixels } = guest.machine.picture();
  const at = (column: number, row: number): number[] => {
    const from = ((row * CELL.height + 8) * width + column * CELL.width + 4) * 4;
    return [...pixels.subarray(from, from + 3)];
  };
  expect([at(0, 0), at(9, 0), at(12, 0), at(0, 3)]).toEqual([
    [0, 0, 170],
    [0, 0, 170],
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test("keys typed on the PS/2 keyboard arrive", { timeout: LONG }, () => {
  guest.command('(read -r word < /dev/tty1; echo "got $word" > /dev/ttyS0) & sleep 1');
  for (const code of ["KeyH", "KeyI", "Enter"]) {
    for (const down of [true, false]) guest.machine.input({ kind: "key", scancodes: scancodes(code, down)! });
  }
  expect(guest.waitFor("got hi")).toBeDefined();
});

test("psmouse finds a mouse with a wheel, which moves", { timeout: LONG }, () => {
  expect(guest.command("grep Name /proc/bus/input/devices")).toMatch(/ImExPS\/2 Generic Explorer Mouse/);
  guest.command("(od -A n -t x1 -N 12 /dev/input/mice > /dev/ttyS0; echo moved > /dev/ttyS0) & sleep 1");
  for (const [dx, dy, buttons] of [
    [1, -2, 0],
    [3, -4, 1],
    [-5, 6, 2],
    [7, 8, 0],
  ] as const) {
    guest.machine.input({ kind: "mouse", dx, dy, dz: 0, buttons });
    run(5e7);
  }
  expect(guest.waitFor("moved").replaceAll(/\s+/g, " ")).toContain("08 01 02 09 03 04 3a fb fa 28 07 f8");
});
