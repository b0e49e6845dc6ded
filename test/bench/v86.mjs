/**
 * A kernel in v86, its serial port on standard output: a process of its own, as v86's users would have it under Node.
 *
 *     node v86.mjs FOLDER KERNEL COMMAND-LINE MIB
 *
 * FOLDER is the npm package. No BIOS comes with it, so the state at the kernel's entry is made by what v86's own tests use for that: reading port 0xf4.
 */
import { readFileSync, writeSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder = "", kernel = "", commandLine = "", mebibytes = "64"] = process.argv.slice(2);
const { V86 } = await import(pathToFileURL(path.join(folder, "build/libv86.mjs")).href);
const emulator = new V86({
  wasm_path: path.join(folder, "build/v86.wasm"),
  memory_size: Number(mebibytes) * 2 ** 20,
  vga_memory_size: 2 * 2 ** 20,
  autostart: false,
  disable_speaker: true,
});
emulator.add_listener("serial0-output-byte", (byte) => writeSync(1, Uint8Array.of(byte)));
emulator.add_listener("emulator-ready", () => {
  const { cpu } = emulator.v86;
  const { buffer, byteOffset, length } = readFileSync(kernel);
  cpu.load_multiboot_option_rom(buffer.slice(byteOffset, byteOffset + length), undefined, commandLine);
  cpu.reg32[0] = cpu.io.port_read32(0xf4);
  void emulator.run();
});
