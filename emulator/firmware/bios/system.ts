/**
 * INT 15h: memory (E820, E801, E881, 88h, 87h), A20, waiting, the configuration table, the mouse (IBM PS/2 BIOS Interface Technical Reference; ACPI
 * specification §15 for E820). Power management (53xxh) is not there: software finds ACPI.
 */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import { endWait, startWait } from "./clock.ts";
import type { BiosContext, Service } from "./context.ts";
import { BDA, EBDA } from "./data-area.ts";
import { mouse } from "./mouse.ts";
import { BIOS_SEGMENT, CODE, CONFIGURATION_TABLE } from "./rom.ts";

const UNSUPPORTED = 0x86;
const MIB = 2 ** 20;
const SMAP = 0x534d4150;
const ENTRY_BYTES = 20;
const FAST_A20 = 2;

export const system: Service = (call, context) => {
  switch (call.ah) {
    case 0x24:
      return a20(call);
    case 0x4f: // keyboard intercept: the key is to be processed
      call.carry = true;
      return;
    case 0x52: // may the medium be ejected? yes
    case 0x80: // device open, close, program termination
    case 0x81:
    case 0x82:
    case 0x85: // SysRq
    case 0x90: // device busy, device ready: for multitasking systems to hook
    case 0x91:
      call.ah = 0;
      call.carry = false;
      return;
    case 0x83:
      return eventWaitStart(call);
    case 0x86:
      if (!startWait(call, ((call.cx << 16) | call.dx) >>> 0, FLAG_FAR)) return refuse(call, 0x83);
      return call.continueAt(CODE.eventWait);
    case 0x87:
      return moveBlock(call);
    case 0x88:
      call.ax = Math.min(Math.floor((topOf(context) - MIB) / 1024), 0xfc00);
      call.carry = false;
      return;
    case 0xc0:
      call.loadSegment(SEG.es, BIOS_SEGMENT);
      call.bx = CONFIGURATION_TABLE;
      call.ah = 0;
      call.carry = false;
      return;
    case 0xc1:
      call.loadSegment(SEG.es, EBDA >> 4);
      call.carry = false;
      return;
    case 0xc2:
      return mouse(call, context);
    case 0xe8:
      return extendedMemory(call, context);
    default:
      return refuse(call, UNSUPPORTED);
  }
};

function refuse(call: Call, status: number): void {
  call.ah = status;
  call.carry = true;
}

/** AH=24h: the gate is open whatever is said (`devices/keyboard-controller.ts`), and what was said is remembered in port 92h. */
function a20(call: Call): void {
  const port = call.in(0x92);
  if (call.al > 3) return refuse(call, UNSUPPORTED);
  if (call.al === 2) call.al = port & FAST_A20 ? 1 : 0;
  else if (call.al === 3) call.bx = 3;
  else call.out(0x92, call.al === 1 ? port | FAST_A20 : port & ~FAST_A20);
  call.ah = 0;
  call.carry = false;
}

/** 0040:00A0 as a far pointer. */
const FLAG_FAR = ((0x40 << 16) | BDA.waitFlag) >>> 0;

/** AH=83h: sets bit 7 of the byte at ES:BX after CX:DX microseconds. AL=01h takes it back. */
function eventWaitStart(call: Call): void {
  if (call.al === 1) endWait(call);
  else {
    const posted = ((call.core.selector(SEG.es) << 16) | call.bx) >>> 0;
    if (!startWait(call, ((call.cx << 16) | call.dx) >>> 0, posted)) return refuse(call, 0x83);
  }
  call.ah = 0;
  call.carry = false;
}

/** AH=86h goes on: over when bit 7 of the flag is set. */
export const eventWait: Service = (call) => {
  const flag = call.data(BDA.waitFlag);
  if ((flag & 0x80) === 0) return call.continueAt(CODE.eventWait);
  call.setData(BDA.waitFlag, 0);
  call.ah = 0;
  call.carry = false;
};

/** AH=87h: CX words between the addresses in the third and fourth descriptor of the table at ES:SI. */
function moveBlock(call: Call): void {
  const table = call.linear(SEG.es, call.si);
  const base = (at: number): number =>
    (call.read(table + at + 2, 4) & 0xffffff) + call.read(table + at + 7, 1) * 2 ** 24;
  call.copyPhysical(base(0x10), base(0x18), call.cx * 2);
  call.ah = 0;
  call.carry = false;
}

/** End of the memory that starts at 1 MiB, 4 GiB at most. */
function topOf({ memoryMap }: BiosContext): number {
  const high = memoryMap().find(({ start, type }) => type === 1 && start === MIB);
  return high === undefined ? MIB : high.start + high.length;
}

function extendedMemory(call: Call, context: BiosContext): void {
  switch (call.al) {
    case 0x01:
    case 0x81: {
      // KiB between 1 and 16 MiB, then units of 64 KiB.
      const top = topOf(context);
      const low = Math.floor((Math.min(top, 16 * MIB) - MIB) / 1024);
      const high = Math.floor(Math.max(top - 16 * MIB, 0) / 65536);
      if (call.al === 0x01) {
        call.ax = call.cx = low;
        call.bx = call.dx = high;
      } else {
        call.eax = call.ecx = low;
        call.ebx = call.edx = high;
      }
      call.carry = false;
      return;
    }
    case 0x20:
      return mapEntry(call, context);
    default:
      return refuse(call, UNSUPPORTED);
  }
}

/** AX=E820h: entry EBX of the map to ES:DI. */
function mapEntry(call: Call, { memoryMap }: BiosContext): void {
  const map = memoryMap();
  const entry = map[call.ebx];
  if (call.edx !== SMAP || call.ecx < ENTRY_BYTES || entry === undefined) return refuse(call, UNSUPPORTED);
  const bytes = new Uint8Array(ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(entry.start), true);
  view.setBigUint64(8, BigInt(entry.length), true);
  view.setUint32(16, entry.type, true);
  call.writeBytes(call.linear(SEG.es, call.di), bytes);
  call.eax = SMAP;
  call.ecx = ENTRY_BYTES;
  call.ebx = call.ebx + 1 < map.length ? call.ebx + 1 : 0;
  call.carry = false;
}
