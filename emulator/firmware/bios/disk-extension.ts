/**
 * INT 13h AH=41h … 49h: disks by block number (T13/1572D "BIOS Enhanced Disk Drive Services 3").
 *
 *     disk address packet at DS:SI    +0 size   +2 blocks   +4 buffer offset:segment   +8 first block, 64 bits   +10h with FFFF:FFFF at +4: flat buffer
 *     drive parameters at DS:SI       +0 size 1Ah, 1Eh, 42h   +2 flags   +4 cylinders   +8 heads   +0ch sectors   +10h blocks, 64 bits
 *                                     +18h bytes of a block   +1ah far pointer, none   +1eh device path: where the drive is plugged in
 */
import { SEG } from "../../cpu/layout.ts";
import type { Call } from "./call.ts";
import { DISK, finish } from "./disk-status.ts";
import { blocksOf, geometryOf, type NumberedDrive, readBlocks } from "./drive.ts";

/** Packet access, removable media (CDs), drive parameters; version 3.0. */
const VERSION = 0x30;
const SUPPORT = { packets: 1, locking: 2, parameters: 4 } as const;
const FLAGS = { dmaHandled: 1, geometryValid: 2, removable: 0x74 } as const;
const FLAT = 0xffffffff;

export function extension(call: Call, drive: NumberedDrive): void {
  const { number } = drive;
  // Diskettes have no extensions, as on most PCs; software then asks with C/H/S.
  if (drive.kind === "floppy") return finish(call, number, DISK.invalid);
  switch (call.ah) {
    case 0x41:
      if (call.bx !== 0x55aa) return finish(call, number, DISK.invalid);
      finish(call, number, DISK.ok);
      call.ah = VERSION;
      call.bx = 0xaa55;
      call.cx = SUPPORT.packets | SUPPORT.parameters | (drive.kind === "cd" ? SUPPORT.locking : 0);
      return;
    case 0x42:
    case 0x43:
    case 0x44:
      return packet(call, drive);
    case 0x45: // lock and unlock the medium: it is always locked for want of a door
      finish(call, number, drive.kind === "cd" ? DISK.ok : DISK.invalid);
      if (drive.kind === "cd") call.al = 0;
      return;
    case 0x46: // eject
      return finish(call, number, DISK.notRemovable);
    case 0x47: // seek
      return finish(call, number, DISK.ok);
    case 0x48:
      return driveParameters(call, drive);
    case 0x49: // has the medium been changed?
      return finish(call, number, drive.kind === "cd" ? DISK.ok : DISK.invalid);
    default:
      return finish(call, number, DISK.invalid);
  }
}

/** AH=42h read, 43h write, 44h verify. */
function packet(call: Call, drive: NumberedDrive): void {
  const at = call.linear(SEG.ds, call.si);
  const size = call.read(at, 1);
  if (size < 0x10) return finish(call, drive.number, DISK.invalid);
  const count = call.read(at + 2, 2);
  const far = call.read(at + 4, 4);
  const first = call.read(at + 8, 4) + call.read(at + 12, 4) * 2 ** 32;
  const flat = far === FLAT && size >= 0x18;
  const address = flat ? call.read(at + 16, 4) : ((far >>> 16) * 16 + (far & 0xffff)) >>> 0;
  const failed = (status: number): void => {
    call.write(at + 2, 2, 0);
    finish(call, drive.number, status);
  };
  if (drive.image === null) return failed(drive.kind === "cd" ? DISK.noMedium : DISK.timeOut);
  if (first + count > blocksOf(drive)) return failed(DISK.invalid);
  if (call.ah === 0x43) {
    if (drive.readOnly) return failed(DISK.writeProtected);
    const bytes = call.readBytes(address, count * drive.blockBytes);
    drive.image.write(drive.start + first * drive.blockBytes, bytes);
  } else {
    const bytes = readBlocks(drive, first, count);
    if (bytes === null) return failed(DISK.invalid);
    if (call.ah === 0x42) call.writeBytes(address, bytes);
  }
  finish(call, drive.number, DISK.ok);
}

/** AH=48h */
function driveParameters(call: Call, drive: NumberedDrive): void {
  const at = call.linear(SEG.ds, call.si);
  const room = call.read(at, 2);
  if (room < 0x1a) return finish(call, drive.number, DISK.invalid);
  const size = room < 0x1e ? 0x1a : room < 0x42 ? 0x1e : 0x42;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, size, true);
  view.setUint16(0x18, drive.blockBytes, true);
  if (drive.kind === "cd") {
    view.setUint16(2, FLAGS.removable, true);
    view.setBigUint64(4, 0xffffffffffffffffn, true);
    view.setUint32(0x0c, 0xffffffff, true);
    view.setBigUint64(0x10, 0xffffffffffffffffn, true);
  } else {
    const { cylinders, heads, sectors } = geometryOf(drive);
    view.setUint16(2, FLAGS.geometryValid, true);
    view.setUint32(4, cylinders, true);
    view.setUint32(8, heads, true);
    view.setUint32(0x0c, sectors, true);
    view.setBigUint64(0x10, BigInt(blocksOf(drive)), true);
  }
  if (size >= 0x1e) view.setUint32(0x1a, 0xffffffff, true);
  if (size >= 0x42) devicePath(bytes, view, drive);
  call.writeBytes(at, bytes);
  finish(call, drive.number, DISK.ok);
}

/** "BEDD", host bus and interface, eight bytes of each, checksum. */
function devicePath(bytes: Uint8Array, view: DataView, { config }: NumberedDrive): void {
  const put = (at: number, text: string): void => {
    for (const [n, character] of Array.from(text).entries()) bytes[at + n] = character.charCodeAt(0);
  };
  view.setUint16(0x1e, 0xbedd, true);
  bytes[0x20] = 0x24;
  put(0x24, config?.attach === "virtio" ? "PCI " : "ISA ");
  put(0x28, config?.attach === "virtio" ? "SCSI    " : "ATA     ");
  const index = config?.index ?? 0;
  if (config?.attach !== "virtio") {
    view.setUint16(0x30, index < 2 ? 0x1f0 : 0x170, true);
    bytes[0x38] = index & 1;
  }
  let sum = 0;
  for (let n = 0x1e; n < 0x41; n++) sum += bytes[n]!;
  bytes[0x41] = -sum & 0xff;
}
