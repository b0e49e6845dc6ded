/**
 * Interrupt vectors: exceptions of the processor, services of the BIOS by AH.
 *
 * Source: Intel SDM volume 3A, 6.15 "Exception and Interrupt Reference"; the IBM PC BIOS's technical reference; EDD 3.0; ACPI 6.5, 15.1 "INT 15H, E820H";
 * VESA BIOS Extension 3.0.
 */

export interface Vector {
  readonly name: string;
  readonly text: string;
}

const exceptions: readonly (readonly [number: number, name: string, text: string])[] = [
  [0, "#DE", "divide error: by 0, or the quotient does not fit. A fault."],
  [1, "#DB", "debug: single step, breakpoint in DR0–DR3, task switch. Fault or trap, DR6 says why."],
  [2, "NMI", "non-maskable interrupt."],
  [3, "#BP", "breakpoint: INT3. A trap."],
  [4, "#OF", "overflow: INTO. A trap."],
  [5, "#BR", "BOUND: index outside. A fault."],
  [6, "#UD", "invalid opcode, or one that is switched off. A fault."],
  [7, "#NM", "x87 or SSE with CR0.TS or CR0.EM. A fault."],
  [8, "#DF", "double fault: an exception while another was delivered. An abort; error code 0."],
  [9, "coprocessor segment overrun", "only up to the 386."],
  [10, "#TS", "invalid TSS. A fault; error code: selector."],
  [11, "#NP", "segment not present. A fault; error code: selector."],
  [12, "#SS", "stack segment: limit, or not present. A fault; error code: selector or 0."],
  [13, "#GP", "general protection. A fault; error code: selector or 0."],
  [
    14,
    "#PF",
    "page fault: CR2 has the address. A fault; error code: bit 0 present, 1 write, 2 user, 3 reserved bit, 4 instruction fetch.",
  ],
  [15, "reserved", "on PCs with the PIC at its first base, IRQ 7."],
  [16, "#MF", "x87 error that waited. A fault."],
  [17, "#AC", "alignment check. A fault; error code 0."],
  [18, "#MC", "machine check. An abort."],
  [19, "#XM", "SSE floating-point error. A fault."],
  [20, "#VE", "virtualization exception. A fault."],
  [21, "#CP", "control protection: shadow stack, ENDBR. A fault; error code."],
  [28, "#HV", "hypervisor injection (AMD)."],
  [29, "#VC", "VMM communication (AMD). A fault; error code."],
  [30, "#SX", "security (AMD). A fault; error code."],
];

const byVector = new Map(exceptions.map(([number, name, text]) => [number, { name, text }]));

export function exceptionOf(vector: number): Vector | undefined {
  return byVector.get(vector);
}

const services: readonly (readonly [vector: number, text: string])[] = [
  [0x10, "BIOS: video; AH says what"],
  [0x11, "BIOS: equipment list to AX"],
  [0x12, "BIOS: KiB of memory below 1 MiB (up to the EBDA) to AX"],
  [0x13, "BIOS: disks; AH says what, DL the drive (0x80: first hard disk). CF: error, code in AH"],
  [0x14, "BIOS: serial ports; AH says what"],
  [0x15, "BIOS: system; AH or AX says what. CF: error"],
  [0x16, "BIOS: keyboard; AH says what"],
  [0x17, "BIOS: printers; AH says what"],
  [0x18, "BIOS: nothing could be booted"],
  [0x19, "BIOS: boots again"],
  [0x1a, "BIOS: time of day, PCI; AH says what"],
];

const byService = new Map(services);

export function serviceOf(vector: number): string | undefined {
  return byService.get(vector);
}

/** Keys: vector and AH, or AX with four digits where only AX tells. */
const functions: Readonly<Record<string, string>> = {
  "10 00":
    "Sets the video mode AL (3: 80×25 text, 0x13: 320×200, 256 colours); bit 7 keeps the screen's memory.",
  "10 01": "Cursor's shape: first line CH, last line CL.",
  "10 02": "Moves the cursor: page BH, row DH, column DL.",
  "10 03": "Reads the cursor of page BH: row DH, column DL, shape CX.",
  "10 05": "Shows page AL.",
  "10 06":
    "Scrolls up by AL lines (0: clears): attribute BH, from row CH and column CL to row DH and column DL.",
  "10 07":
    "Scrolls down by AL lines (0: clears): attribute BH, from row CH and column CL to row DH and column DL.",
  "10 08": "Reads character AL and attribute AH at the cursor of page BH.",
  "10 09": "Writes character AL with attribute BL CX times at the cursor of page BH.",
  "10 0a": "Writes character AL CX times at the cursor of page BH.",
  "10 0c": "Writes a pixel: colour AL, column CX, row DX.",
  "10 0e": "Teletype: prints AL and moves the cursor; page BH, colour BL in graphics modes.",
  "10 0f": "Reads the mode AL, columns AH and page BH.",
  "10 11": "Fonts; AL says what.",
  "10 12": "Alternate select; BL says what.",
  "10 13":
    "Prints a string: ES:BP, length CX, attribute BL, page BH, row DH, column DL; AL bit 0 moves the cursor.",
  "10 4f00":
    'VBE: information about the controller to ES:DI (512 bytes, "VBE2" there asks for version 2). AX = 0x004F: it worked.',
  "10 4f01": "VBE: information about mode CX to ES:DI (256 bytes). AX = 0x004F: it worked.",
  "10 4f02": "VBE: sets mode BX; bit 14 with a linear frame buffer, bit 15 keeps its memory.",
  "10 4f03": "VBE: reads the mode to BX.",
  "10 4f15": "VBE: display data channel; BL = 1 reads the EDID to ES:DI.",
  "13 00": "Resets drive DL.",
  "13 01": "Reads the status of the last operation to AH.",
  "13 02":
    "Reads AL sectors by cylinder CH and CL bits 7–6, sector CL bits 5–0 (from 1), head DH, drive DL, to ES:BX.",
  "13 03":
    "Writes AL sectors by cylinder CH and CL bits 7–6, sector CL bits 5–0 (from 1), head DH, drive DL, from ES:BX.",
  "13 04": "Verifies AL sectors by cylinder CH, sector CL, head DH, drive DL.",
  "13 08":
    "Reads the geometry of drive DL: last cylinder CH and CL bits 7–6, sectors CL bits 5–0, last head DH, drives DL; ES:DI is changed.",
  "13 15": "Reads the kind of drive DL to AH.",
  "13 41": "Are the extensions there? BX = 0x55AA, drive DL; then BX = 0xAA55 and CF = 0, CX bit 0: packets.",
  "13 42": "Reads by LBA: the packet at DS:SI says how many, where to and from which sector; drive DL.",
  "13 43": "Writes by LBA: the packet at DS:SI says how many, where from and to which sector; drive DL.",
  "13 48": "Reads the drive's parameters to DS:SI; its first word is the buffer's size.",
  "13 4b": "CD emulation: AL = 1 reads its status to DS:SI, AL = 0 ends it.",
  "14 00": "Sets up serial port DX with AL.",
  "14 01": "Sends AL to serial port DX.",
  "14 02": "Receives AL from serial port DX.",
  "14 03": "Reads the status of serial port DX.",
  "15 24": "A20: AL 0 off, 1 on, 2 is it on, 3 what is supported.",
  "15 2400": "Switches A20 off.",
  "15 2401": "Switches A20 on.",
  "15 2402": "Is A20 on? To AL.",
  "15 2403": "What of A20 is supported? To BX.",
  "15 53": "APM; AL says what.",
  "15 86": "Waits CX:DX microseconds.",
  "15 87": "Copies CX words above 1 MiB by the descriptor table at ES:SI.",
  "15 88": "KiB of memory above 1 MiB, at most 64 MiB, to AX.",
  "15 89": "Goes to protected mode with the table at ES:SI.",
  "15 c0": "Configuration table to ES:BX.",
  "15 c1": "Segment of the EBDA to ES.",
  "15 e801": "Memory above 1 MiB: AX or CX KiB up to 16 MiB, BX or DX 64-KiB blocks above.",
  "15 e820":
    'Memory map: EDX = "SMAP" (0x534D4150), EBX continues (0 first), ECX bytes (20 or 24) to ES:DI. Then EAX = "SMAP", EBX = 0 at the end.',
  "15 e881": "As E801, with 32-bit registers.",
  "15 ec00": "Tells the BIOS which mode will be used: BL = 1 32-bit, 2 64-bit, 3 both (AMD).",
  "16 00": "Waits for a key: scan code AH, character AL.",
  "16 01": "Is there a key? ZF = 0: scan code AH, character AL; it stays.",
  "16 02": "Reads the shift keys to AL.",
  "16 03": "Sets the repeat rate.",
  "16 10": "Waits for a key of an extended keyboard: scan code AH, character AL.",
  "16 11": "Is there a key of an extended keyboard? ZF = 0: there is.",
  "1a 00": "Reads ticks since midnight (18.2 a second) to CX:DX.",
  "1a 01": "Sets ticks since midnight from CX:DX.",
  "1a 02": "Reads the clock: CH hours, CL minutes, DH seconds, BCD.",
  "1a 04": "Reads the date: CH century, CL year, DH month, DL day, BCD.",
  "1a b1": "PCI BIOS; AL says what.",
  "1a b101": 'PCI BIOS: is it there? EDX = "PCI ".',
};

/** By AH, and by AX where that is known too; undefined where the BIOS has no such service that is known here. */
export function functionOf(vector: number, ah: number, al: number | undefined): string | undefined {
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  const exact = al === undefined ? undefined : functions[`${hex(vector)} ${hex(ah)}${hex(al)}`];
  return exact ?? functions[`${hex(vector)} ${hex(ah)}`];
}
