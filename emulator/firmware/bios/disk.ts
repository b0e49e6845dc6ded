/**
 * INT 13h: diskettes, hard disks and CDs (IBM PS/2 BIOS Interface Technical Reference; T13 "Enhanced Disk Drive Services"). There is no diskette
 * controller: images are read and written directly, in no virtual time.
 *
 * Elsewhere: extensions AH=41h … 48h (`disk-extension.ts`), AH=4Bh (`el-torito.ts`), numbers of drives (`drive.ts`).
 */
import { BlockError } from "../../block/index.ts";
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import type { BiosContext, Service } from "./context.ts";
import { BDA } from "./data-area.ts";
import { DISK, finish } from "./disk-status.ts";
import { blocksOf, FIRST_DISK, geometryOf, numberedDrives, type NumberedDrive, readBlocks } from "./drive.ts";
import { extension } from "./disk-extension.ts";
import { blockOf, floppyGeometry } from "./geometry.ts";
import { BIOS_SEGMENT, DISKETTE_TABLE } from "./rom.ts";

export const disk: Service = (call, context) => {
  try {
    serve(call, context);
  } catch (thrown) {
    if (!(thrown instanceof BlockError)) throw thrown;
    context.log(`drive ${call.dl.toString(16)}h: ${thrown.message}`);
    finish(call, call.dl, DISK.controller);
  }
};

const serve: Service = (call, context) => {
  const number = call.dl;
  const drives = numberedDrives(context);
  const drive = drives.find((each) => each.number === number);
  const fn = call.ah;
  if (fn === 0x4b) return statusOfEmulation(call, context);
  if (fn === 0x01) return lastStatus(call, number);
  if (fn === 0x08) return parameters(call, drives, drive);
  if (fn === 0x15) return driveType(call, drive);
  if (drive === undefined) return finish(call, number, DISK.invalid);
  if (fn >= 0x41) return extension(call, drive);
  switch (fn) {
    case 0x00: // reset
    case 0x05: // format a track: its contents stay
    case 0x09: // set drive parameters
    case 0x0d: // alternate reset
    case 0x11: // recalibrate
    case 0x14: // diagnose
    case 0x18: // set media type for format
      return finish(call, number, drive.image === null && fn !== 0x00 ? DISK.timeOut : DISK.ok);
    case 0x02:
    case 0x03:
    case 0x04:
      return transfer(call, drive, fn);
    case 0x0c: // seek
      return finish(call, number, DISK.ok);
    case 0x10:
      return finish(call, number, drive.image === null ? DISK.notReady : DISK.ok);
    case 0x16: // has the diskette been changed? It cannot be.
      return finish(
        call,
        number,
        drive.kind === "floppy" ? (drive.image === null ? DISK.timeOut : DISK.ok) : DISK.invalid,
      );
    default:
      context.log(`INT 13h AH=${fn.toString(16)}h is not known`);
      return finish(call, number, DISK.invalid);
  }
};

function lastStatus(call: Call, number: number): void {
  const status = call.data(number < FIRST_DISK ? BDA.floppyStatus : BDA.diskStatus);
  call.ah = status;
  call.carry = status !== DISK.ok;
}

/** AH=02h read, 03h write, 04h verify: AL sectors at CH/CL/DH, ES:BX. */
function transfer(call: Call, drive: NumberedDrive, fn: number): void {
  const { number } = drive;
  const count = call.al;
  const sector = call.cl & 63;
  const failed = (status: number): void => {
    finish(call, number, status);
    call.al = 0;
  };
  if (drive.kind === "cd" || count === 0 || sector === 0) return failed(DISK.invalid);
  if (drive.image === null) return failed(DISK.timeOut);
  const geometry = geometryOf(drive);
  const cylinder = call.ch | ((call.cl & 0xc0) << 2);
  if (cylinder >= geometry.cylinders || call.dh >= geometry.heads || sector > geometry.sectors)
    return failed(drive.kind === "floppy" ? DISK.sectorNotFound : DISK.invalid);
  const block = blockOf(geometry, cylinder, call.dh, sector);
  const address = call.linear(SEG.es, call.bx);
  if (fn === 0x03) {
    if (drive.readOnly) return failed(DISK.writeProtected);
    if (block + count > blocksOf(drive)) return failed(DISK.sectorNotFound);
    drive.image.write(
      drive.start + block * drive.blockBytes,
      call.readBytes(address, count * drive.blockBytes),
    );
  } else {
    const bytes = readBlocks(drive, block, count);
    if (bytes === null) return failed(DISK.sectorNotFound);
    if (fn === 0x02) call.writeBytes(address, bytes);
  }
  finish(call, number, DISK.ok);
}

/** AH=08h */
function parameters(call: Call, drives: readonly NumberedDrive[], drive: NumberedDrive | undefined): void {
  const number = call.dl;
  const isFloppy = number < FIRST_DISK;
  if (drive === undefined || drive.kind === "cd") {
    finish(call, number, isFloppy ? DISK.ok : DISK.invalid);
    call.ax = isFloppy ? 0 : call.ax & 0xff00;
    call.bx = isFloppy ? 0 : call.bx;
    call.cx = 0;
    call.dx = isFloppy ? drives.filter(({ kind }) => kind === "floppy").length : 0;
    if (isFloppy) pointToTable(call);
    return;
  }
  const { cylinders, heads, sectors } = geometryOf(drive);
  // A hard disk's last cylinder is kept for diagnostics, as BIOSes have done since the AT's.
  const last = Math.max(cylinders - (isFloppy ? 1 : 2), 0);
  finish(call, number, DISK.ok);
  call.al = 0;
  call.ch = last & 0xff;
  call.cl = ((last >> 2) & 0xc0) | (sectors & 63);
  call.dh = heads - 1;
  call.dl = drives.filter(({ kind }) => kind === drive.kind).length;
  if (!isFloppy) return;
  call.bx = floppyGeometry(drive.sizeBytes).type;
  pointToTable(call);
}

function pointToTable(call: Call): void {
  call.loadSegment(SEG.es, BIOS_SEGMENT);
  call.di = DISKETTE_TABLE;
}

/** AH=15h: no drive, diskette drive with change line, or hard disk with CX:DX sectors. */
function driveType(call: Call, drive: NumberedDrive | undefined): void {
  const isFloppy = call.dl < FIRST_DISK;
  if (drive === undefined || drive.kind === "cd") {
    if (!isFloppy) return finish(call, call.dl, DISK.invalid);
    finish(call, call.dl, DISK.ok);
    return;
  }
  const { cylinders, heads, sectors } = geometryOf(drive);
  finish(call, call.dl, DISK.ok);
  call.ah = isFloppy ? 2 : 3;
  if (isFloppy) return;
  const blocks = Math.max(cylinders - 1, 0) * heads * sectors;
  call.cx = blocks >>> 16;
  call.dx = blocks & 0xffff;
}

/** AH=4Bh: AL=00h ends a CD's emulation, AL=01h only asks about it; DS:SI is filled with a specification packet. */
function statusOfEmulation(call: Call, { state }: BiosContext): void {
  const { emulation } = state;
  if (emulation === null || call.al > 1 || (call.dl !== emulation.number && call.dl !== 0x7f))
    return finish(call, call.dl, DISK.invalid);
  const packet = new Uint8Array(0x13);
  const view = new DataView(packet.buffer);
  packet[0] = packet.length;
  packet[1] = emulation.type;
  packet[2] = emulation.number;
  view.setUint32(4, emulation.sector, true);
  view.setUint16(0x0c, emulation.segment, true);
  view.setUint16(0x0e, emulation.count, true);
  const { cylinders, heads, sectors } = emulation.geometry;
  packet[0x10] = cylinders & 0xff;
  packet[0x11] = sectors | ((cylinders >> 2) & 0xc0);
  packet[0x12] = heads;
  call.writeBytes(call.linear(SEG.ds, call.si), packet);
  if (call.al === 0 && emulation.media !== "none") state.emulation = null;
  finish(call, call.dl, DISK.ok);
}
