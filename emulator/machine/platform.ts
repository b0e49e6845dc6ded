/**
 * Hand-over: the state in which a PC's firmware leaves the platform for a boot loader. The values were read from QEMU 7.2 with SeaBIOS 1.16 by a
 * kernel that dumps them (`test/guests/platform.asm`); a test compares again.
 *
 * Deliberate differences: this PC has no floppy drive and no parallel port, and a second serial port; the screen is empty where SeaBIOS has printed; the
 * vectors lead to the handlers of the built-in BIOS.
 */
import type { VgaMode } from "../devices/vga.ts";
import { type Memory, type PcMemory } from "../memory/index.ts";
import { physical } from "../numbers.ts";
import {
  BIOS_BASE,
  BIOS_BYTES,
  biosData,
  biosImage,
  EBDA,
  interruptVectors,
  videoRom,
} from "../firmware/bios/index.ts";
import { installTables } from "../firmware/install.ts";
import { assignResources } from "../devices/pci/assign.ts";
import type { Board } from "./board.ts";
import type { MachineConfig } from "./types.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const FOUR_GIB = 4096 * MIB;

const BDA = 0x400;
const VIDEO_ROM = 0xc0000;
/** Firmware is a multiple of this. */
const FIRMWARE_UNIT = 64 * KIB;

/** Port writes that bring the interrupt controllers to vectors 08h and 70h with IRQ 0, 1, 2, 6 and 8, 12, 13, 14 unmasked: ICW1…4, then the mask. */
const PIC_WORDS = [
  [0x11, 0x08, 0x04, 0x01, 0xb8],
  [0x11, 0x70, 0x02, 0x01, 0x8e],
] as const;
const ELCR = [0x00, 0x0c] as const;

/** Keyboard interrupt on, mouse off, translation to set 1 on. */
const KEYBOARD_MODE = 0x61;

const hex = (bytes: string): number[] => bytes.split(" ").map((byte) => Number.parseInt(byte, 16));

/** Mode 3: 80×25 text in 16 colours, 720×400. */
export const VGA_MODE_3: VgaMode = {
  misc: 0x67,
  sequencer: hex("03 00 03 00 02"),
  crtc: hex("5f 4f 50 82 55 81 bf 1f 00 4f 0d 0e 00 00 00 00 9c 8e 8f 28 1f 96 b9 a3 ff"),
  graphics: hex("00 00 00 00 00 10 0e 0f ff"),
  attribute: hex("00 01 02 03 04 05 14 07 38 39 3a 3b 3c 3d 3e 3f 0c 00 0f 08 00"),
  // The 64 colours of an EGA: of a colour's six bits, 2…0 are two thirds of red, green and blue, 5…3 one third.
  dac: Uint8Array.from({ length: 64 * 3 }, (_, index) => {
    const colour = Math.floor(index / 3);
    const bit = 2 - (index % 3);
    return ((colour >> bit) & 1) * 0x2a + ((colour >> (bit + 3)) & 1) * 0x15;
  }),
};

/** Brings devices and low memory into the state a boot loader finds. The processor is the loader's business. */
export function handOver(board: Board, memory: Memory, pc: PcMemory, config: MachineConfig): void {
  setMemoryWindows(memory, pc);
  installTables(memory, board.tables);
  memory.poke(physical(0), interruptVectors());
  memory.poke(physical(BDA), biosData(config.drives ?? []));
  memory.poke(physical(EBDA), Uint8Array.of(1)); // its size in KiB

  for (const index of [0, 1] as const) {
    const [icw1, ...rest] = PIC_WORDS[index];
    const ports = board.pic.ports(index);
    ports.write(0, 1, icw1);
    for (const word of rest) ports.write(1, 1, word);
    board.pic.elcr(index).write(0, 1, ELCR[index]);
  }
  // Channel 0: mode 2, 65536 ticks: 18.2 Hz.
  board.pit.write(3, 1, 0x34);
  board.pit.write(0, 1, 0);
  board.pit.write(0, 1, 0);

  board.keyboardController.handOver(KEYBOARD_MODE);
  board.port92.write(0, 1, 2);
  board.interrupts.apics[0]?.handOver();
  assignResources(board.slots.bus);
  board.vga.setMode(VGA_MODE_3);
  for (const [index, value] of cmosMemory(pc, config, board.drives)) board.rtc.configure(index, value);
}

/** The windows below 1 MiB show RAM, in which firmware has left itself: all read-only but 0xe8000 … 0xeffff. */
function setMemoryWindows(memory: Memory, pc: PcMemory): void {
  memory.transaction(() => {
    for (let window = 0; window <= 12; window++) pc.setPam(window, window >= 11 ? 3 : 1);
  });
  memory.poke(BIOS_BASE, biosImage(false));
  memory.poke(physical(VIDEO_ROM), videoRom());
  if (pc.bios.block) memory.writeBlock(pc.bios.block, pc.bios.size - BIOS_BYTES, biosImage(true));
}

/** What the ROM's region is made for: the image, filled up in front to a multiple of 64 KiB. */
export const firmwareBytes = (image: Uint8Array): number =>
  Math.ceil(image.length / FIRMWARE_UNIT) * FIRMWARE_UNIT;

/** `-bios`: the image ends where the address space below 4 GiB ends. Everything but CMOS memory is the image's business. */
export function loadFirmware(
  board: Board,
  memory: Memory,
  pc: PcMemory,
  config: MachineConfig,
  image: Uint8Array,
): void {
  if (pc.bios.block) memory.writeBlock(pc.bios.block, pc.bios.size - image.length, image);
  for (const [index, value] of cmosMemory(pc, config, board.drives)) board.rtc.configure(index, value);
}

/** CMOS memory as QEMU's `pc` fills it (hw/i386/pc.c): sizes of memory, equipment, boot order. */
function cmosMemory(
  { split }: PcMemory,
  config: MachineConfig,
  drives: Board["drives"],
): (readonly [index: number, value: number])[] {
  const word = (index: number, value: number): (readonly [number, number])[] => [
    [index, value & 0xff],
    [index + 1, (value >> 8) & 0xff],
  ];
  const capped = (value: number): number => Math.max(0, Math.min(Math.floor(value), 0xffff));
  const extended = capped((split.below4G - MIB) / KIB);
  const above16M = capped((split.below4G - 16 * MIB) / (64 * KIB));
  const above4G = Math.min(split.above4G, 2 ** 40 - FOUR_GIB) / (64 * KIB);
  return [
    [0x14, 0x06], // equipment: FPU, mouse
    ...word(0x15, 640),
    ...word(0x17, extended),
    ...word(0x30, extended),
    ...word(0x34, above16M),
    ...bootOrder(config.bootOrder ?? "cad"),
    [0x39, diskTranslation(config, drives)],
    ...word(0x5b, above4G & 0xffff),
    [0x5d, Math.floor(above4G / 0x10000)],
    [0x5f, (config.cpus ?? 1) - 1],
  ];
}

/** Devices tried first, second and third, half a byte each: 1 floppy, 2 disk, 3 CD, 4 network. */
function bootOrder(order: string): (readonly [index: number, value: number])[] {
  const [first, second, third] = Array.from({ length: 3 }, (_, n) => "acdn".indexOf(order[n] ?? " ") + 1);
  return [
    [0x38, third! << 4],
    [0x3d, (second! << 4) | first!],
  ];
}

/** Two bits for each IDE disk: 1 where it has more cylinders than INT 13h can name and its geometry is made up of more heads ("LBA translation"). */
function diskTranslation({ drives = [] }: MachineConfig, images: Board["drives"]): number {
  let bits = 0;
  for (const { id, attach, media, index } of drives) {
    const bytes = images.get(id)?.image.sizeBytes ?? 0;
    if (attach === "ide" && media === "disk" && bytes >= 1025 * 16 * 63 * 512) bits |= 1 << (index * 2);
  }
  return bits;
}
