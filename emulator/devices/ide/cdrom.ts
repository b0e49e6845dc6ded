/**
 * An ATAPI CD or DVD drive (ATA/ATAPI-6 §9.8, MMC-3): takes 12-byte packets, has a tray and a medium that can be changed.
 *
 *     PACKET ──► 12 bytes out ──► answer in (data port, or bus master if features bit 0) ──► interrupt reason 3
 *                                   └─ a read: busy, then the same with sectors
 *
 * The count register is the interrupt reason: 0 C/D, a packet is meant; 1 I/O, to the host. LBA mid and high hold the most bytes a block of the data
 * port may have, then what it has.
 *
 * Invariant: the medium is part of the state by its name; every medium that was ever in the tray can be put back by `load`. Unlike QEMU's the drive forgets
 * sense data when it has told it or does the next command (SPC-2 §7.20).
 * Elsewhere: what the answers look like (`packet.ts`).
 */
import { assert } from "../../assert.ts";
import type { BlockImage } from "../../block/index.ts";
import type { PlainData } from "../device.ts";
import { copyOf } from "../state.ts";
import { type DriveHost, IdeDrive } from "./drive.ts";
import { identifyPacket, MODE } from "./identify.ts";
import {
  capacity,
  configuration,
  discInformation,
  dvdStructure,
  eventStatus,
  inquiry,
  isDvd,
  mechanismStatus,
  MEDIA_EVENT,
  modePage,
  RAW_SECTOR_BYTES,
  rawSector,
  rawTableOfContents,
  SECTOR_BYTES,
  senseData,
  sessions,
  tableOfContents,
  vitalProductData,
} from "./packet.ts";
import { DONE } from "./registers.ts";

const PACKET_BYTES = 12;
const REASON = { mask: 7, packet: 1, dataIn: 2, done: 3 } as const;
const FEATURE = { dma: 1, overlap: 2 } as const;
/** Sectors that a request by the data port fetches at once. */
const CACHE_SECTORS = 32;
const EMPTY = new Uint8Array(0);
const ULTRA_DMA_5 = (MODE.ultra << 3) | 5;

const SENSE = { none: 0, notReady: 2, mediumError: 3, illegalRequest: 5, unitAttention: 6 } as const;
/** Additional sense codes. */
const CODE = {
  none: 0x00,
  unrecoveredRead: 0x11,
  invalidOpcode: 0x20,
  addressOutOfRange: 0x21,
  invalidField: 0x24,
  mediumMayHaveChanged: 0x28,
  incompatibleFormat: 0x30,
  savingNotSupported: 0x39,
  noMedium: 0x3a,
  removalPrevented: 0x53,
} as const;

/** Commands that are done although the medium was changed, and those that need a medium (QEMU's ALLOW_UA and CHECK_READY). */
const NEVER_DISTURBED: ReadonlySet<number> = new Set([0x03, 0x12, 0x46, 0x4a]);
const NEEDS_MEDIUM: ReadonlySet<number> = new Set([0x00, 0x25, 0x28, 0x2b, 0x43, 0x51, 0xa8, 0xad, 0xbe]);

type CdState = {
  operation: "none" | "identify" | "packet" | "answer" | "read";
  byPort: boolean;
  /** Most bytes in a block of the data port. */
  limit: number;
  /** What is to be given to the host, and how much of it was. */
  answer: Uint8Array;
  given: number;
  /** Sectors still to be read. */
  lba: number;
  left: number;
  isRaw: boolean;
  senseKey: number;
  senseCode: number;
  isTrayOpen: boolean;
  isLocked: boolean;
  /** The host has changed the medium: first the drive says that it is empty, then that the medium has changed. */
  change: "none" | "empty" | "changed";
  event: number;
  medium: string | null;
  transferMode: number;
};

export class AtapiDrive extends IdeDrive {
  protected readonly signature = [0x14, 0xeb] as const;
  protected readonly resetStatus = 0;
  readonly #serial: string;
  readonly #media = new Map<string, BlockImage>();
  #cd: CdState;

  constructor(host: DriveHost, medium: BlockImage | null, serial: string) {
    super(host);
    this.#serial = serial;
    if (medium !== null) this.#media.set(medium.name, medium);
    this.#cd = {
      ...nothing,
      senseKey: SENSE.none,
      senseCode: CODE.none,
      isTrayOpen: false,
      isLocked: false,
      change: "none",
      event: MEDIA_EVENT.none,
      medium: medium?.name ?? null,
      transferMode: ULTRA_DMA_5,
    };
  }

  /** The medium that a closed tray holds. */
  get medium(): BlockImage | null {
    const { medium } = this.#cd;
    if (medium === null) return null;
    const image = this.#media.get(medium);
    assert(image !== undefined, "a medium that was in the drive", medium);
    return image;
  }

  get isTrayOpen(): boolean {
    return this.#cd.isTrayOpen;
  }

  /** A person takes the medium out and puts another one in, or none. The guest is told when it asks. */
  changeMedium(medium: BlockImage | null): void {
    if (medium !== null) this.#media.set(medium.name, medium);
    const event = medium === null ? MEDIA_EVENT.ejectRequest : MEDIA_EVENT.newMedium;
    Object.assign(this.#cd, { medium: medium?.name ?? null, isTrayOpen: false, change: "empty", event });
  }

  override reset(): void {
    Object.assign(this.#cd, { isLocked: false, transferMode: ULTRA_DMA_5 });
    super.reset();
  }

  override softReset(): void {
    Object.assign(this.#cd, nothing, { senseKey: SENSE.none, senseCode: CODE.none });
    super.softReset();
  }

  override save(): PlainData {
    return { registers: super.save(), cd: copyOf(this.#cd) };
  }

  override load(state: PlainData): void {
    const saved = state as { registers: PlainData; cd: CdState };
    super.load(saved.registers);
    this.#cd = copyOf(saved.cd);
  }

  // --- ATA --------------------------------------------------------------------------------------------------------------------------------

  protected override interrupts(command: number): boolean {
    return command === 0x08;
  }

  protected override execute(command: number): void {
    Object.assign(this.#cd, nothing);
    switch (command) {
      case 0x08: // DEVICE RESET: no interrupt
        return this.softReset();
      case 0xa0:
        return this.#takePacket();
      case 0xa1: // IDENTIFY PACKET DEVICE
        this.#cd.operation = "identify";
        this.offerBlock("in", identifyPacket(this.#serial, this.#cd.transferMode));
        return this.interruptHost();
      case 0x20: // READ SECTORS and IDENTIFY DEVICE show what this is before they are aborted
      case 0xec:
        this.showSignature();
        return this.abort();
      case 0xef: // SET FEATURES: transfer mode
        if ((this.registers.features & 0xff) !== 0x03) return this.abort();
        this.#cd.transferMode = this.registers.count & 0xff;
        return this.finish();
      case 0xe5: // CHECK POWER MODE: active
        this.registers.count = 0xff;
        return this.finish();
      case 0xe0: // STANDBY, IDLE and SLEEP, FLUSH CACHE
      case 0xe1:
      case 0xe2:
      case 0xe3:
      case 0xe6:
      case 0xe7:
        return this.finish();
      default:
        return this.abort();
    }
  }

  #takePacket(): void {
    const { features, lbaMid, lbaHigh } = this.registers;
    if (features & FEATURE.overlap) return this.abort();
    Object.assign(this.#cd, {
      operation: "packet",
      byPort: (features & FEATURE.dma) === 0,
      limit: (lbaMid & 0xff) | ((lbaHigh & 0xff) << 8),
    });
    this.#reason(REASON.packet);
    this.offerBlock("out", new Uint8Array(PACKET_BYTES));
  }

  protected override blockPassed(): void {
    const cd = this.#cd;
    switch (cd.operation) {
      case "packet":
        return this.#packet(this.registers.buffer);
      case "answer":
      case "read":
        return this.#nextBlock();
      case "none":
      case "identify":
        cd.operation = "none";
        this.registers.status = DONE;
        this.host.changed();
    }
  }

  /** Sectors for the data port are due. */
  protected override perform(): void {
    const cd = this.#cd;
    const sectors = Math.min(cd.left, CACHE_SECTORS);
    const answer = this.#sectors(cd.lba, sectors);
    Object.assign(cd, { answer, given: 0, lba: cd.lba + sectors, left: cd.left - sectors });
    this.#nextBlock();
  }

  protected override mediumFailed(): void {
    this.#check(SENSE.mediumError, CODE.unrecoveredRead);
  }

  get dmaBytes(): number {
    const { operation, answer, left } = this.#cd;
    return operation === "read" ? left * this.#sectorBytes : answer.length;
  }

  dmaRead(): Uint8Array {
    const { operation, answer, lba, left } = this.#cd;
    return operation === "read" ? this.#sectors(lba, left) : answer;
  }

  dmaWrite(): boolean {
    return false; // no packet of this drive takes data
  }

  protected override dmaDone(): void {
    this.#succeed();
  }

  // --- packets ----------------------------------------------------------------------------------------------------------------------------

  #packet(packet: Uint8Array): void {
    const cd = this.#cd;
    cd.operation = "none";
    const command = packet[0]!;
    const isDisturbed = !NEVER_DISTURBED.has(command);
    if (isDisturbed && cd.senseKey === SENSE.unitAttention) return this.#check(cd.senseKey, cd.senseCode);
    if (isDisturbed && cd.change !== "none" && !cd.isTrayOpen && cd.medium !== null) {
      const wasEmpty = cd.change === "empty";
      cd.change = wasEmpty ? "changed" : "none";
      return wasEmpty
        ? this.#check(SENSE.notReady, CODE.noMedium)
        : this.#check(SENSE.unitAttention, CODE.mediumMayHaveChanged);
    }
    if (command !== 0x03) Object.assign(cd, { senseKey: SENSE.none, senseCode: CODE.none });
    if (NEEDS_MEDIUM.has(command) && (cd.isTrayOpen || cd.medium === null))
      return this.#check(SENSE.notReady, CODE.noMedium);
    this.#command(command, packet);
  }

  #command(command: number, packet: Uint8Array): void {
    const cd = this.#cd;
    const { sectors } = this;
    const length = (packet[7]! << 8) | packet[8]!;
    switch (command) {
      case 0x00: // TEST UNIT READY
      case 0xbb: // SET CD SPEED
        return this.#succeed();
      case 0x03: {
        const answer = senseData(cd.senseKey, cd.senseCode);
        Object.assign(cd, { senseKey: SENSE.none, senseCode: CODE.none });
        return this.#answer(answer, packet[4]!);
      }
      case 0x12: {
        const isPage = (packet[1]! & 1) !== 0;
        const answer = isPage ? vitalProductData(packet[2]!, this.#serial) : inquiry();
        return this.#answer(answer, (packet[3]! << 8) | packet[4]!);
      }
      case 0x1b:
        return this.#startStop(packet[4]!);
      case 0x1e: // PREVENT ALLOW MEDIUM REMOVAL
        cd.isLocked = (packet[4]! & 1) !== 0;
        return this.#succeed();
      case 0x25:
        return this.#answer(capacity(sectors), 8);
      case 0x28: // READ(10), READ(12)
        return this.#read(u32(packet, 2), length, false);
      case 0xa8:
        return this.#read(u32(packet, 2), u32(packet, 6), false);
      case 0xbe:
        return this.#readCd(packet);
      case 0x2b: // SEEK
        if (u32(packet, 2) >= sectors) return this.#refuse(CODE.addressOutOfRange);
        return this.#succeed();
      case 0x43:
        return this.#answer(this.#tableOfContents(packet), length);
      case 0x46: // GET CONFIGURATION
        if (packet[2] !== 0 || packet[3] !== 0) return this.#refuse(CODE.invalidField);
        return this.#answer(configuration(this.#hasMedium ? sectors : null), length);
      case 0x4a: {
        if ((packet[1]! & 1) === 0) return this.#refuse(CODE.invalidField); // only polls
        const tray = { isOpen: cd.isTrayOpen, hasMedium: cd.medium !== null };
        const answer = eventStatus(packet[4]!, cd.event, tray);
        if (answer.length > 4) cd.event = MEDIA_EVENT.none;
        return this.#answer(answer, length);
      }
      case 0x51: // READ DISC INFORMATION
        return this.#answer((packet[1]! & 7) === 0 ? discInformation() : null, length);
      case 0x5a: {
        const control = packet[2]! >>> 6; // current, changeable, default, saved values
        if (control === 3) return this.#refuse(CODE.savingNotSupported);
        return this.#answer(control === 0 ? modePage(packet[2]! & 0x3f, cd.isLocked) : null, length);
      }
      case 0xad: {
        if (!isDvd(sectors) && packet[7] !== 0xff) return this.#refuse(CODE.incompatibleFormat);
        return this.#answer(dvdStructure(packet[7]!, sectors), length8(packet));
      }
      case 0xbd:
        return this.#answer(mechanismStatus(), length8(packet));
      default:
        return this.#refuse(CODE.invalidOpcode);
    }
  }

  /** Sectors of the medium; 0 without one. */
  get sectors(): number {
    return Math.floor((this.medium?.sizeBytes ?? 0) / SECTOR_BYTES);
  }

  get #hasMedium(): boolean {
    return this.#cd.medium !== null && !this.#cd.isTrayOpen;
  }

  #tableOfContents(packet: Uint8Array): Uint8Array | null {
    const isMsf = (packet[1]! & 2) !== 0;
    // The format was in byte 9 before it was in byte 2 (SFF-8020i).
    const format = packet[2]! & 0x0f || packet[9]! >>> 6;
    if (format === 0) return tableOfContents(this.sectors, isMsf, packet[6]!);
    if (format === 1) return sessions();
    return format === 2 ? rawTableOfContents(this.sectors, isMsf) : null;
  }

  #startStop(flags: number): void {
    const cd = this.#cd;
    const isPowerCondition = flags >>> 4 !== 0;
    const isLoadEject = (flags & 2) !== 0;
    if (isPowerCondition || !isLoadEject) return this.#succeed();
    const opens = (flags & 1) === 0;
    if (opens && !cd.isTrayOpen && cd.isLocked) {
      const key = cd.medium === null ? SENSE.illegalRequest : SENSE.notReady;
      return this.#check(key, CODE.removalPrevented);
    }
    cd.isTrayOpen = opens;
    this.#succeed();
  }

  #readCd(packet: Uint8Array): void {
    const sectors = (packet[6]! << 16) | (packet[7]! << 8) | packet[8]!;
    const parts = packet[9]! & 0xf8;
    if (parts === 0) return this.#succeed();
    if (parts !== 0x10 && parts !== 0xf8) return this.#refuse(CODE.invalidField);
    this.#read(u32(packet, 2), sectors, parts === 0xf8);
  }

  #read(lba: number, left: number, isRaw: boolean): void {
    const cd = this.#cd;
    if (left === 0) return this.#succeed();
    if (lba + left > this.sectors) return this.#refuse(CODE.addressOutOfRange);
    if (cd.byPort && cd.limit === 0) return this.#abortPacket();
    Object.assign(cd, { operation: "read", lba, left, isRaw, answer: EMPTY, given: 0 });
    if (cd.byPort) return this.request();
    this.#reason(REASON.dataIn);
    this.waitForDma("in");
    this.host.changed();
  }

  get #sectorBytes(): number {
    return this.#cd.isRaw ? RAW_SECTOR_BYTES : SECTOR_BYTES;
  }

  /** Reads sectors as the command wants them; may throw. */
  #sectors(lba: number, count: number): Uint8Array {
    const { medium } = this;
    assert(medium !== null, "a read has a medium");
    const data = medium.read(lba * SECTOR_BYTES, count * SECTOR_BYTES);
    if (!this.#cd.isRaw) return data;
    const raw = new Uint8Array(count * RAW_SECTOR_BYTES);
    for (let n = 0; n < count; n++) {
      const sector = data.subarray(n * SECTOR_BYTES, (n + 1) * SECTOR_BYTES);
      raw.set(rawSector(lba + n, sector), n * RAW_SECTOR_BYTES);
    }
    return raw;
  }

  // --- answers ----------------------------------------------------------------------------------------------------------------------------

  /** Gives at most `length` bytes to the host; null: the packet asks for something that is not there. */
  #answer(bytes: Uint8Array | null, length: number): void {
    if (bytes === null) return this.#refuse(CODE.invalidField);
    const answer = bytes.subarray(0, length);
    if (answer.length === 0) return this.#succeed();
    const cd = this.#cd;
    if (cd.byPort && cd.limit === 0) return this.#abortPacket();
    Object.assign(cd, { operation: "answer", answer: answer.slice(), given: 0, left: 0 });
    if (cd.byPort) return this.#nextBlock();
    this.#reason(REASON.dataIn);
    this.waitForDma("in");
    this.host.changed();
  }

  #nextBlock(): void {
    const cd = this.#cd;
    const rest = cd.answer.length - cd.given;
    if (rest === 0) return cd.left > 0 ? this.requestNext() : this.#succeed();
    // A block that is not the last has an even length.
    const limit = cd.limit === 0xffff ? 0xfffe : cd.limit;
    const bytes = rest <= limit ? rest : Math.max(limit & ~1, 2);
    const { registers } = this;
    this.#reason(REASON.dataIn);
    Object.assign(registers, { lbaMid: bytes & 0xff, lbaHigh: bytes >>> 8 });
    const block = cd.answer.slice(cd.given, cd.given + bytes);
    cd.given += bytes;
    this.offerBlock("in", block);
    this.interruptHost();
  }

  #reason(reason: number): void {
    const { registers } = this;
    registers.count = (registers.count & 0xf8) | reason;
  }

  #succeed(): void {
    Object.assign(this.#cd, nothing);
    this.#reason(REASON.done);
    this.finish();
  }

  #refuse(code: number): void {
    this.#check(SENSE.illegalRequest, code);
  }

  /** CHECK CONDITION: the sense key is in the error register, the rest is for REQUEST SENSE. */
  #check(senseKey: number, senseCode: number): void {
    Object.assign(this.#cd, nothing, { senseKey, senseCode });
    this.#reason(REASON.done);
    this.fail(senseKey << 4);
  }

  #abortPacket(): void {
    Object.assign(this.#cd, nothing);
    this.abort();
  }
}

/** No packet is under way. */
const nothing = {
  operation: "none",
  byPort: true,
  limit: 0,
  answer: EMPTY,
  given: 0,
  lba: 0,
  left: 0,
  isRaw: false,
} as const;

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** The allocation length of packets that have it in bytes 8 and 9. */
const length8 = (packet: Uint8Array): number => (packet[8]! << 8) | packet[9]!;
