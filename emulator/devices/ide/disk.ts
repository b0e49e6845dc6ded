/**
 * An ATA disk (ATA/ATAPI-6 §8): its commands, addresses and what it remembers between them. Sectors are 512 bytes.
 *
 * Invariant: a command is aborted at the first block (of the data port; or all of it, by the bus master) that goes beyond the end, as in QEMU. The registers
 * show where it stood.
 * Elsewhere: the registers and the data port (`drive.ts`), IDENTIFY (`identify.ts`), SMART (`smart.ts`).
 */
import type { BlockImage } from "../../block/index.ts";
import type { PlainData } from "../device.ts";
import { copyOf } from "../state.ts";
import { type DriveHost, IdeDrive } from "./drive.ts";
import { identifyDisk, MAXIMUM_LBA28, MAXIMUM_MULTIPLE, MODE, standardGeometry } from "./identify.ts";
import { DEVICE, DONE, ERROR } from "./registers.ts";
import { smartCommand } from "./smart.ts";

const SECTOR = 512;
const ULTRA_DMA_5 = (MODE.ultra << 3) | 5;
/** A TRIM range is 8 bytes: 47:0 first sector, 63:48 sectors. */
const RANGE_BYTES = 8;
const POWER_ACTIVE = 0xff;

type Operation = "none" | "answer" | "read" | "write" | "verify" | "flush" | "trim";

type DiskState = {
  /** What `perform` and the data port are about. */
  operation: Operation;
  /** Next sector, and how many are left. */
  lba: number;
  left: number;
  /** Sectors in a block of the data port. */
  block: number;
  isExtended: boolean;
  multiple: number;
  heads: number;
  sectors: number;
  transferMode: number;
  isWriteCached: boolean;
  isSmart: boolean;
};

export class AtaDisk extends IdeDrive {
  protected readonly signature = [0, 0] as const;
  protected readonly resetStatus = DONE;
  readonly #image: BlockImage;
  readonly #serial: string;
  #disk: DiskState;

  constructor(host: DriveHost, image: BlockImage, serial: string) {
    super(host);
    this.#image = image;
    this.#serial = serial;
    this.#disk = this.#powerOn();
  }

  get totalSectors(): number {
    return Math.floor(this.#image.sizeBytes / SECTOR);
  }

  override reset(): void {
    this.#disk = this.#powerOn();
    super.reset();
  }

  override softReset(): void {
    this.#disk.operation = "none";
    super.softReset();
  }

  override save(): PlainData {
    return { registers: super.save(), disk: copyOf(this.#disk) };
  }

  override load(state: PlainData): void {
    const saved = state as { registers: PlainData; disk: DiskState };
    super.load(saved.registers);
    this.#disk = copyOf(saved.disk);
  }

  protected override execute(command: number): void {
    const disk = this.#disk;
    const count = this.registers.count & 0xff;
    disk.operation = "none";
    switch (command) {
      case 0x06: // DATA SET MANAGEMENT
        return this.#trim();
      case 0x20: // READ SECTORS, with and without retries, EXT
      case 0x21:
      case 0x24:
        return this.#transfer("read", 1, command === 0x24);
      case 0x29: // READ MULTIPLE EXT, READ MULTIPLE
      case 0xc4:
        return this.#transfer("read", disk.multiple, command === 0x29);
      case 0x30: // WRITE SECTORS, with and without retries, EXT, WRITE VERIFY
      case 0x31:
      case 0x34:
      case 0x3c:
        return this.#transfer("write", 1, command === 0x34);
      case 0x39: // WRITE MULTIPLE EXT, WRITE MULTIPLE
      case 0xc5:
        return this.#transfer("write", disk.multiple, command === 0x39);
      case 0x25: // READ DMA EXT, READ DMA with and without retries
      case 0xc8:
      case 0xc9:
        return this.#transferDma("read", command === 0x25);
      case 0x35: // WRITE DMA EXT, WRITE DMA with and without retries
      case 0xca:
      case 0xcb:
        return this.#transferDma("write", command === 0x35);
      case 0x40: // READ VERIFY SECTORS, with and without retries, EXT
      case 0x41:
      case 0x42:
        this.#address("verify", command === 0x42);
        return this.#isWithin(disk.left) ? this.request() : this.abort();
      case 0xe7: // FLUSH CACHE, EXT
      case 0xea:
        disk.operation = "flush";
        return this.request();
      case 0xec: // IDENTIFY DEVICE
        return this.#answer(this.identify());
      case 0xef:
        return this.#setFeatures();
      case 0xb0: {
        const answer = smartCommand(this.registers, disk);
        if (answer === "refused") return this.abort();
        return answer === "done" ? this.finish() : this.#answer(answer);
      }
      case 0xc6: // SET MULTIPLE MODE
        if (count > MAXIMUM_MULTIPLE || (count & (count - 1)) !== 0) return this.abort();
        disk.multiple = count;
        return this.finish();
      case 0x91: // INITIALIZE DEVICE PARAMETERS
        disk.heads = (this.registers.device & DEVICE.head) + 1;
        disk.sectors = count;
        return this.finish();
      case 0x27: // READ NATIVE MAX ADDRESS EXT, READ NATIVE MAX ADDRESS
      case 0xf8:
        this.#showAddress(
          command === 0x27 ? this.totalSectors - 1 : Math.min(this.totalSectors - 1, MAXIMUM_LBA28),
          command === 0x27,
          true,
        );
        return this.finish();
      case 0x98: // CHECK POWER MODE
      case 0xe5:
        this.registers.count = POWER_ACTIVE;
        return this.finish();
      case 0x10: // RECALIBRATE
      case 0x70: // SEEK
      case 0x94: // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, SLEEP: this disk does not rest
      case 0x95:
      case 0x96:
      case 0x97:
      case 0x99:
      case 0xe0:
      case 0xe1:
      case 0xe2:
      case 0xe3:
      case 0xe6:
        return this.finish();
      default:
        return this.abort();
    }
  }

  protected override blockPassed(): void {
    const disk = this.#disk;
    switch (disk.operation) {
      case "read":
        if (disk.left > 0) this.requestNext();
        else this.#idle();
        return;
      case "write":
        return this.requestNext();
      case "answer":
      case "none":
      case "verify":
      case "flush":
      case "trim":
        this.#idle();
    }
  }

  protected override perform(): void {
    const disk = this.#disk;
    switch (disk.operation) {
      case "read": {
        const sectors = this.#blockSectors;
        if (!this.#isWithin(sectors)) return this.abort();
        const bytes = this.#image.read(disk.lba * SECTOR, sectors * SECTOR);
        this.#advance(sectors);
        this.offerBlock("in", bytes);
        return this.interruptHost();
      }
      case "write": {
        if (!this.#isWithin(this.#blockSectors)) return this.abort();
        this.#image.write(disk.lba * SECTOR, this.registers.buffer);
        this.#advance(this.#blockSectors);
        if (disk.left === 0) return this.#done();
        this.#takeBlock();
        return this.interruptHost();
      }
      case "flush":
        this.#image.flush();
        return this.#done();
      case "verify":
      case "none":
      case "answer":
      case "trim":
        this.#done();
    }
  }

  protected override mediumFailed(): void {
    this.fail(this.#disk.operation === "read" ? ERROR.uncorrectable : ERROR.abort);
  }

  get dmaBytes(): number {
    return this.#disk.left * SECTOR;
  }

  dmaRead(): Uint8Array | null {
    const { lba, left } = this.#disk;
    if (!this.#isWithin(left)) return null;
    return this.#image.read(lba * SECTOR, left * SECTOR);
  }

  dmaWrite(bytes: Uint8Array): boolean {
    const { operation, lba, left } = this.#disk;
    if (operation === "trim") return this.#discard(bytes);
    if (!this.#isWithin(left)) return false;
    this.#image.write(lba * SECTOR, bytes);
    return true;
  }

  protected override dmaDone(): void {
    if (this.#disk.operation !== "trim") this.#advance(this.#disk.left);
    this.#done();
  }

  /** The 512 bytes of IDENTIFY DEVICE. */
  identify(): Uint8Array {
    const disk = this.#disk;
    const geometry = standardGeometry(this.totalSectors);
    const track = disk.heads * disk.sectors;
    const cylinders =
      disk.heads === geometry.heads && disk.sectors === geometry.sectors
        ? geometry.cylinders
        : Math.min(track === 0 ? 0 : Math.floor(this.totalSectors / track), 0xffff);
    return identifyDisk({
      serial: this.#serial,
      totalSectors: this.totalSectors,
      geometry,
      current: { cylinders, heads: disk.heads, sectors: disk.sectors },
      multiple: disk.multiple,
      transferMode: disk.transferMode,
      isWriteCached: disk.isWriteCached,
      isSmart: disk.isSmart,
    });
  }

  // --- transfers --------------------------------------------------------------------------------------------------------------------------

  #transfer(operation: "read" | "write", block: number, isExtended: boolean): void {
    const disk = this.#disk;
    if (block === 0 || this.#isRefused(operation)) return this.abort();
    this.#address(operation, isExtended);
    disk.block = block;
    if (operation === "read") this.request();
    else this.#takeBlock();
  }

  #transferDma(operation: "read" | "write", isExtended: boolean): void {
    if (this.#isRefused(operation)) return this.abort();
    this.#address(operation, isExtended);
    this.waitForDma(operation === "read" ? "in" : "out");
    this.host.changed();
  }

  #isRefused(operation: "read" | "write"): boolean {
    return operation === "write" && this.#image.readOnly;
  }

  /** Takes over sector and count from the registers. */
  #address(operation: Operation, isExtended: boolean): void {
    const { count } = this.registers;
    const lba = this.#registerAddress(isExtended);
    const left = isExtended ? count || 0x10000 : count & 0xff || 0x100;
    Object.assign(this.#disk, { operation, lba, left, isExtended });
  }

  /** Whether the next sectors exist. */
  #isWithin(sectors: number): boolean {
    const { lba } = this.#disk;
    return lba >= 0 && lba + sectors <= this.totalSectors;
  }

  #registerAddress(isExtended: boolean): number {
    const { lbaLow, lbaMid, lbaHigh, device } = this.registers;
    const low = (lbaLow & 0xff) | ((lbaMid & 0xff) << 8) | ((lbaHigh & 0xff) << 16);
    const head = device & DEVICE.head;
    if ((device & DEVICE.lba) === 0) {
      const { heads, sectors } = this.#disk;
      return ((low >>> 8) * heads + head) * sectors + (low & 0xff) - 1;
    }
    if (!isExtended) return head * 2 ** 24 + low;
    const high = (lbaLow >>> 8) | (lbaMid & 0xff00) | ((lbaHigh & 0xff00) << 8);
    return high * 2 ** 24 + low;
  }

  #showAddress(lba: number, isExtended: boolean, isLba: boolean): void {
    const { registers } = this;
    if (!isLba) {
      const { heads, sectors } = this.#disk;
      const cylinder = Math.floor(lba / (heads * sectors));
      const rest = lba % (heads * sectors);
      registers.lbaLow = (rest % sectors) + 1;
      registers.lbaMid = cylinder & 0xff;
      registers.lbaHigh = (cylinder >>> 8) & 0xff;
      registers.device = (registers.device & ~DEVICE.head) | Math.floor(rest / sectors);
      return;
    }
    const low = lba % 2 ** 24;
    const high = Math.floor(lba / 2 ** 24);
    const above = isExtended ? high : 0;
    registers.lbaLow = (low & 0xff) | ((above & 0xff) << 8);
    registers.lbaMid = ((low >>> 8) & 0xff) | (above & 0xff00);
    registers.lbaHigh = (low >>> 16) | ((above >>> 8) & 0xff00);
    if (!isExtended) registers.device = (registers.device & ~DEVICE.head) | (high & DEVICE.head);
  }

  /** The registers show the next sector and what is left. */
  #advance(sectors: number): void {
    const disk = this.#disk;
    disk.lba += sectors;
    disk.left -= sectors;
    this.registers.count = disk.left & (disk.isExtended ? 0xffff : 0xff);
    this.#showAddress(disk.lba, disk.isExtended, (this.registers.device & DEVICE.lba) !== 0);
  }

  get #blockSectors(): number {
    return Math.min(this.#disk.block, this.#disk.left);
  }

  #takeBlock(): void {
    this.offerBlock("out", new Uint8Array(this.#blockSectors * SECTOR));
  }

  #answer(bytes: Uint8Array): void {
    this.#disk.operation = "answer";
    this.offerBlock("in", bytes);
    this.interruptHost();
  }

  #idle(): void {
    this.#disk.operation = "none";
    this.registers.status = DONE;
    this.host.changed();
  }

  #done(): void {
    this.#disk.operation = "none";
    this.finish();
  }

  // --- commands with a purpose of their own -----------------------------------------------------------------------------------------------

  #trim(): void {
    const disk = this.#disk;
    const { features, count } = this.registers;
    if ((features & 1) === 0 || count === 0 || this.#image.readOnly) return this.abort();
    Object.assign(disk, { operation: "trim", left: count });
    this.waitForDma("out");
    this.host.changed();
  }

  /** All ranges are looked at before the first is discarded. */
  #discard(bytes: Uint8Array): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const ranges: { readonly lba: number; readonly sectors: number }[] = [];
    for (let at = 0; at + RANGE_BYTES <= bytes.length; at += RANGE_BYTES) {
      const lba = view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
      const sectors = view.getUint16(at + 6, true);
      if (sectors === 0) continue;
      if (lba + sectors > this.totalSectors) return false;
      ranges.push({ lba, sectors });
    }
    for (const { lba, sectors } of ranges) this.#image.discard(lba * SECTOR, sectors * SECTOR);
    return true;
  }

  #setFeatures(): void {
    const disk = this.#disk;
    const mode = this.registers.count & 0xff;
    switch (this.registers.features & 0xff) {
      case 0x02: // write cache on, off
        disk.isWriteCached = true;
        return this.finish();
      case 0x82:
        disk.isWriteCached = false;
        disk.operation = "flush";
        return this.request();
      case 0x03: // transfer mode: PIO default and modes, single word, multiword, ultra DMA
        if (!TRANSFER_MODES.has(mode)) return this.abort();
        disk.transferMode = mode;
        return this.finish();
      case 0x05: // power management, acoustic management, look-ahead, defaults: accepted, and nothing comes of it
      case 0x85:
      case 0x42:
      case 0xc2:
      case 0x55:
      case 0xaa:
      case 0x66:
      case 0xcc:
        return this.finish();
      default:
        return this.abort();
    }
  }

  #powerOn(): DiskState {
    const { heads, sectors } = standardGeometry(this.totalSectors);
    return {
      operation: "none",
      lba: 0,
      left: 0,
      block: 1,
      isExtended: false,
      multiple: MAXIMUM_MULTIPLE,
      heads,
      sectors,
      transferMode: ULTRA_DMA_5,
      isWriteCached: true,
      isSmart: true,
    };
  }
}

/** 0 … 1 default, 8 … 12 PIO 0 … 4, 16 … 18 single word 0 … 2, 32 … 34 multiword 0 … 2, 64 … 69 ultra 0 … 5. */
const TRANSFER_MODES: ReadonlySet<number> = new Set([
  0, 1, 8, 9, 10, 11, 12, 16, 17, 18, 32, 33, 34, 64, 65, 66, 67, 68, 69,
]);
