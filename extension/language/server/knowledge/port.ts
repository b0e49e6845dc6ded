/**
 * I/O ports of a PC and what their registers mean.
 *
 * Source: data sheets of the 8259A, 8254, 8042, MC146818, 16550; the VGA's in IBM's PS/2 reference; ports of QEMU and Bochs as their documents say.
 */

export interface Port {
  readonly number: number;
  readonly device: string;
  /** Reading and writing often differ. */
  readonly text: string;
  /** Values that are worth knowing: one a line, Markdown. */
  readonly notes: readonly string[];
}

type Row = readonly [number: number, device: string, text: string, ...notes: string[]];

const rows: readonly Row[] = [
  [0x00, "DMA 8237", "Address of channel 0."],
  [0x08, "DMA 8237", "Write: command; read: status."],
  [0x0a, "DMA 8237", "Masks one channel."],
  [0x0d, "DMA 8237", "Write: master clear."],
  [
    0x20,
    "PIC 8259, master",
    "Command.",
    "`0x11` begins the initialisation (ICW1 with ICW4): the vector base, the cascade and the mode follow at 0x21",
    "`0x20` end of interrupt",
    "`0x0A` then read: interrupts that ask (IRR); `0x0B`: those in service (ISR)",
  ],
  [
    0x21,
    "PIC 8259, master",
    "Mask: a 1 switches IRQ 0–7 off. After ICW1: vector base (ICW2), cascade `0x04` (ICW3), mode `0x01` (ICW4).",
  ],
  [0x40, "PIT 8254", "Counter 0: IRQ 0, 1 193 182 Hz divided by what is written (0: 65536)."],
  [0x41, "PIT 8254", "Counter 1: once the refresh of DRAM."],
  [0x42, "PIT 8254", "Counter 2: the speaker; its gate is bit 0 of port 0x61."],
  [
    0x43,
    "PIT 8254",
    "Command.",
    "bits 7–6 counter (3: read back), 5–4 access (0 latch, 1 low, 2 high, 3 low then high)",
    "bits 3–1 mode (0 one shot, 2 rate, 3 square wave), 0 BCD",
  ],
  [0x60, "i8042", "Data of keyboard and mouse; also parameters of commands to 0x64."],
  [
    0x61,
    "system port B",
    "Bit 0 gate of PIT counter 2, 1 speaker, 4 refresh toggles, 5 output of counter 2.",
  ],
  [
    0x64,
    "i8042",
    "Read: status; write: command.",
    "status: bit 0 a byte waits at 0x60, bit 1 the controller is busy: write only when it is 0, bit 5 the byte is the mouse's",
    "`0xD1` writes the output port (A20), `0xFE` resets the machine, `0xAE`/`0xAD` keyboard on/off, `0x20`/`0x60` reads/writes the configuration",
  ],
  [
    0x70,
    "CMOS, RTC",
    "Register that 0x71 reaches; bit 7 masks NMIs.",
    "`0` seconds, `2` minutes, `4` hours, `7` day, `8` month, `9` year, `0x0A`–`0x0D` status A–D, `0x0F` shutdown status",
  ],
  [0x71, "CMOS, RTC", "Value of the register that 0x70 has chosen; reading status C ends the interrupt."],
  [0x80, "POST", "Diagnostic code; writing it also waits about a microsecond, which is why kernels do."],
  [0x92, "system port A", "Bit 1 switches A20 on, bit 0 resets the machine: write it as 0."],
  [0xa0, "PIC 8259, slave", "Command, as 0x20. An IRQ 8–15 wants an end of interrupt here and at 0x20."],
  [
    0xa1,
    "PIC 8259, slave",
    "Mask: a 1 switches IRQ 8–15 off. After ICW1: vector base (ICW2), cascade `0x02` (ICW3), mode `0x01` (ICW4).",
  ],
  [0xb2, "APM", "A write raises an SMI."],
  [
    0xe9,
    "debug console",
    "QEMU and Bochs print what is written; QEMU with `-debugcon`, read: 0xE9 where it is there.",
  ],
  [0xf0, "coprocessor", "A write ends the x87's IRQ 13."],
  [0x170, "ATA, secondary", "Data, 16 bits."],
  [0x1f0, "ATA, primary", "Data, 16 bits."],
  [0x1f1, "ATA, primary", "Read: error; write: features."],
  [0x1f2, "ATA, primary", "Number of sectors; 0 means 256."],
  [0x1f3, "ATA, primary", "LBA bits 7–0."],
  [0x1f4, "ATA, primary", "LBA bits 15–8."],
  [0x1f5, "ATA, primary", "LBA bits 23–16."],
  [0x1f6, "ATA, primary", "Drive: `0xE0` master with LBA, `0xF0` slave; bits 3–0 LBA bits 27–24."],
  [
    0x1f7,
    "ATA, primary",
    "Read: status; write: command.",
    "status: bit 7 busy, 6 ready, 3 data wait, 0 error",
    "`0x20` read sectors, `0x30` write sectors, `0xEC` identify, `0xE7` flush",
  ],
  [0x201, "game port", "Joystick."],
  [0x278, "parallel port 2", "Data."],
  [0x378, "parallel port 1", "Data."],
  [0x379, "parallel port 1", "Status."],
  [0x37a, "parallel port 1", "Control."],
  [0x3b4, "VGA, monochrome", "Register that 0x3B5 reaches."],
  [0x3c0, "VGA", "Attribute controller: index and data by turns; reading 0x3DA makes the index come next."],
  [0x3c2, "VGA", "Write: miscellaneous output; read: input status 0."],
  [0x3c4, "VGA", "Register of the sequencer that 0x3C5 reaches."],
  [0x3c5, "VGA", "Value of the sequencer's register."],
  [0x3c6, "VGA", "Mask of the palette; 0xFF."],
  [0x3c7, "VGA", "Palette entry to read."],
  [0x3c8, "VGA", "Palette entry to write; red, green and blue follow at 0x3C9."],
  [0x3c9, "VGA", "Palette: red, green, blue, 6 bits each."],
  [0x3cc, "VGA", "Read: miscellaneous output."],
  [0x3ce, "VGA", "Register of the graphics controller that 0x3CF reaches."],
  [0x3cf, "VGA", "Value of the graphics controller's register."],
  [
    0x3d4,
    "VGA",
    "Register of the CRT controller that 0x3D5 reaches.",
    "`0x0E`/`0x0F` cursor's place high/low, `0x0A` cursor's first line (bit 5: off), `0x0C`/`0x0D` start of the screen",
  ],
  [0x3d5, "VGA", "Value of the CRT controller's register."],
  [0x3da, "VGA", "Read: input status 1 (bit 3: vertical retrace); sets 0x3C0 back to its index."],
  [0x3f2, "floppy", "Digital output: motors, drive, reset."],
  [0x3f4, "floppy", "Read: main status."],
  [0x3f5, "floppy", "Commands and results."],
  [
    0x3f6,
    "ATA, primary",
    "Write: control (bit 1 no interrupts, bit 2 reset); read: status without ending the interrupt.",
  ],
  [
    0x402,
    "debug console of firmware",
    "SeaBIOS and OVMF print here; QEMU with `-device isa-debugcon,iobase=0x402`.",
  ],
  [0x4d0, "PIC", "Edge or level of IRQ 0–7: a 1 is level."],
  [0x4d1, "PIC", "Edge or level of IRQ 8–15: a 1 is level."],
  [0x501, "isa-debug-exit", "QEMU with `-device isa-debug-exit`: ends it with the status (value << 1) | 1."],
  [
    0xf4,
    "isa-debug-exit",
    "QEMU with `-device isa-debug-exit,iobase=0xf4`: ends it with the status (value << 1) | 1.",
  ],
  [0x510, "fw_cfg", 'Selects what 0x511 reads: `0` signature "QEMU", `0x19` directory of files.'],
  [0x511, "fw_cfg", "The next byte of what 0x510 has selected."],
  [0x514, "fw_cfg", "Address of a DMA request, upper half; big-endian."],
  [0x518, "fw_cfg", "Address of a DMA request, lower half: starts it; big-endian."],
  [0x600, "ACPI PM1a events (QEMU)", "Event status and its switches."],
  [
    0x604,
    "ACPI PM1a control (QEMU)",
    "`0x2000` switches the machine off (SLP_EN, type 0).",
    "Q35 and PIIX4 of newer QEMUs; real machines have it where the FADT says",
  ],
  [0x608, "ACPI PM timer (QEMU)", "Counts at 3 579 545 Hz."],
  [0xb004, "ACPI PM1a control (Bochs, old QEMU)", "`0x2000` switches the machine off."],
  [0xcf8, "PCI configuration", "Address: bit 31 on, 23–16 bus, 15–11 device, 10–8 function, 7–2 register."],
  [0xcf9, "reset control", "`0x06` resets the machine, `0x0E` with a power cycle."],
  [0xcfc, "PCI configuration", "Value at the address in 0xCF8."],
  [
    0x1ce,
    "Bochs VBE",
    "Register that 0x1CF reaches: `0` version, `1` width, `2` height, `3` bits per pixel, `4` switch.",
  ],
  [0x1cf, "Bochs VBE", "Value of the register that 0x1CE has chosen."],
];

const uartBases: readonly (readonly [number, string])[] = [
  [0x3f8, "COM1"],
  [0x2f8, "COM2"],
  [0x3e8, "COM3"],
  [0x2e8, "COM4"],
];

const uart: readonly (readonly [string, ...string[]])[] = [
  ["Data: read what has come, write what is sent. With DLAB: divisor, low byte (`1` is 115 200 baud)."],
  ["Interrupts: bit 0 data came, 1 can send, 2 line, 3 modem. With DLAB: divisor, high byte."],
  [
    "Read: why an interrupt came; write: FIFO control.",
    "`0xC7`: FIFOs on and emptied, interrupt at 14 bytes",
  ],
  ["Line control.", "`0x03`: 8 bits, no parity, 1 stop bit", "`0x80`: DLAB, ports 0 and 1 are the divisor"],
  ["Modem control: bit 0 DTR, 1 RTS, 3 interrupts go out (OUT2), 4 loop back."],
  ["Line status: bit 0 a byte has come, 5 can take a byte, 6 all is sent."],
  ["Modem status: bit 4 CTS, 5 DSR, 7 carrier."],
  ["Scratch: keeps a byte, by which a UART is found."],
];
const uartNames = ["data", "IER", "IIR/FCR", "LCR", "MCR", "LSR", "MSR", "scratch"];

/** In the order of their numbers. */
export const ports: readonly Port[] = [
  ...rows.map(([number, device, text, ...notes]) => ({ number, device, text, notes })),
  ...uartBases.flatMap(([base, name]) =>
    uart.map(([text, ...notes], offset) => ({
      number: base + offset,
      device: `${name}, UART 16550: ${uartNames[offset] ?? ""}`,
      text,
      notes,
    })),
  ),
].toSorted((a, b) => a.number - b.number);

const byNumber = new Map(ports.map((port) => [port.number, port]));

export function portOf(number: bigint): Port | undefined {
  return byNumber.get(Number(number));
}

/** Whether a constant is called as somebody calls a port. */
export function isPortName(name: string): boolean {
  return /port|(?:^|_)(?:com[1-4]|uart|serial|pic|pic[12]|pit|ps2|kbd|keyboard|cmos|rtc|vga|crtc)(?:_|$)/i.test(
    name,
  );
}
