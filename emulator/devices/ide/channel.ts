/**
 * One channel of an IDE controller: up to two drives on a cable, the registers they share, their interrupt, and the bus master.
 *
 * Invariant: the interrupt is that of the selected drive, unless nIEN holds it back. A write to a register reaches both drives; a command the selected one
 * (EXECUTE DEVICE DIAGNOSTIC both). A cable without drives reads as 0: data line 7 is held low (ATA/ATAPI-6 D.1.1), so software sees nobody busy.
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { type Nanoseconds, physical } from "../../numbers.ts";
import type { Line, PlainData, RegionOps } from "../device.ts";
import { BusMaster, type BusMasterState, type MemoryPiece } from "./bus-master.ts";
import type { DriveHost, IdeDrive } from "./drive.ts";
import { CONTROL, DEVICE, REGISTER } from "./registers.ts";

const EXECUTE_DEVICE_DIAGNOSTIC = 0x90;

/** What a channel asks of its controller. */
export interface ChannelHost {
  readonly now: () => Nanoseconds;
  /** The time of the next event may have changed. */
  readonly rescheduled: () => void;
  readonly irq: Line;
  /** Memory, if the controller may master the bus. */
  readonly dma: () => GuestMemory | null;
}

export class IdeChannel {
  readonly busMaster = new BusMaster();
  readonly drives: readonly [IdeDrive | null, IdeDrive | null];
  readonly #host: ChannelHost;
  #second = false;
  #control = 0;
  #level = false;

  constructor(
    host: ChannelHost,
    drives: readonly [((host: DriveHost) => IdeDrive) | null, ((host: DriveHost) => IdeDrive) | null],
  ) {
    this.#host = host;
    const make = (index: 0 | 1): IdeDrive | null =>
      drives[index]?.({
        now: host.now,
        interrupted: () => {
          if (index === (this.#second ? 1 : 0) && (this.#control & CONTROL.interruptsOff) === 0)
            this.busMaster.interrupted();
          this.#update();
        },
        changed: () => this.#update(),
      }) ?? null;
    this.drives = [make(0), make(1)];
  }

  reset(): void {
    this.#second = false;
    this.#control = 0;
    this.busMaster.reset();
    for (const drive of this.drives) drive?.reset();
    this.#update();
  }

  get deadline(): number {
    return Math.min(this.drives[0]?.deadline ?? Infinity, this.drives[1]?.deadline ?? Infinity);
  }

  /** Does what is due. May throw `Pending`: nothing has changed then. */
  tick(now: Nanoseconds): void {
    for (const drive of this.drives) {
      if (drive === null || now < drive.deadline) continue;
      if (drive.dmaDirection === "none") drive.tick(now);
      else drive.attempt(() => this.#move(drive));
    }
  }

  // --- ports ------------------------------------------------------------------------------------------------------------------------------

  readonly commandBlock: RegionOps = {
    read: (address, size) => {
      if (address === REGISTER.data) return this.#selected?.readData(size) ?? 0;
      let value = 0;
      for (let n = size - 1; n >= 0; n--) value = value * 256 + this.#read((address + n) & 7);
      return value;
    },
    write: (address, size, value) => {
      if (address === REGISTER.data) this.#selected?.writeData(size, value);
      else for (let n = 0; n < size; n++) this.#write((address + n) & 7, (value >>> (8 * n)) & 0xff);
    },
  };

  /** Alternate status and device control: one byte. */
  readonly controlBlock: RegionOps = {
    read: () => this.#selected?.status ?? 0,
    write: (_address, _size, value) => this.#writeControl(value & 0xff),
  };

  /** The channel's eight bus master registers. */
  readBusMaster(address: number): number {
    return this.busMaster.read(address);
  }

  writeBusMaster(address: number, value: number): void {
    const asked = this.busMaster.write(address, value);
    if (asked === "stop") for (const drive of this.drives) drive?.suspendDma();
    else if (asked === "start") this.#update();
  }

  get #selected(): IdeDrive | null {
    return this.drives[this.#second ? 1 : 0];
  }

  #read(address: number): number {
    const [first, second] = this.drives;
    if (first === null && second === null) return 0;
    const selected = this.#selected;
    if (address === REGISTER.status) {
      const status = selected?.status ?? 0;
      selected?.acknowledge();
      return status;
    }
    // For a second drive that is not there the first one answers, and the other way round.
    const answering = selected ?? first ?? second;
    const isHighOrder = (this.#control & CONTROL.highOrderByte) !== 0;
    return address === REGISTER.data ? 0 : (answering?.readRegister(address, isHighOrder) ?? 0);
  }

  #write(address: number, value: number): void {
    if (address === REGISTER.data) return;
    this.#control &= ~CONTROL.highOrderByte;
    if (address === REGISTER.command) {
      if (value !== EXECUTE_DEVICE_DIAGNOSTIC) this.#selected?.writeCommand(value);
      else this.#diagnose();
      return;
    }
    for (const drive of this.drives) drive?.writeRegister(address, value);
    if (address !== REGISTER.device) return;
    this.#second = (value & DEVICE.second) !== 0;
    this.#update();
  }

  #writeControl(value: number): void {
    const changed = value ^ this.#control;
    this.#control = value;
    // Drives begin to reset when SRST rises and are ready when they are looked at next.
    if (changed & value & CONTROL.softReset) this.#softReset();
    this.#update();
  }

  #softReset(): void {
    this.#second = false;
    for (const drive of this.drives) drive?.softReset();
  }

  #diagnose(): void {
    this.#softReset();
    this.drives[0]?.diagnosed();
  }

  // --- transfers through the bus master -----------------------------------------------------------------------------------------------------

  #move(drive: IdeDrive): void {
    const memory = this.#host.dma();
    const wanted = drive.dmaBytes;
    const { pieces, bytes, goesOn } = this.busMaster.pieces(memory, wanted);
    if (bytes < wanted) {
      this.busMaster.finished();
      drive.finishDma("short");
      return;
    }
    let isAccepted = true;
    if (drive.dmaDirection === "in") {
      const data = drive.dmaRead();
      isAccepted = data !== null;
      if (data !== null && memory !== null) store(memory, pieces, data);
    } else {
      isAccepted = drive.dmaWrite(fetch(memory, pieces, wanted));
    }
    if (!goesOn || !isAccepted) this.busMaster.finished();
    drive.finishDma(isAccepted ? "complete" : "refused");
  }

  /** Brings the interrupt line, a transfer that both sides are ready for, and the schedule in line with the state. */
  #update(): void {
    if (this.busMaster.isActive) {
      const waiting = this.drives.find((drive) => drive !== null && drive.dmaWaiting !== "none");
      if (waiting) {
        waiting.startDma();
        return; // it reports the change
      }
    }
    const level =
      (this.#control & CONTROL.interruptsOff) === 0 && this.#selected !== null && this.#selected.interrupt;
    if (level !== this.#level) {
      this.#level = level;
      this.#host.irq(level);
    }
    this.#host.rescheduled();
  }

  // --- state ------------------------------------------------------------------------------------------------------------------------------

  save(): PlainData {
    return {
      second: this.#second,
      control: this.#control,
      level: this.#level,
      busMaster: this.busMaster.save(),
      drives: this.drives.map((drive) => drive?.save() ?? null),
    };
  }

  load(state: PlainData): void {
    const saved = state as {
      second: boolean;
      control: number;
      level: boolean;
      busMaster: BusMasterState;
      drives: readonly PlainData[];
    };
    this.#second = saved.second;
    this.#control = saved.control;
    this.#level = saved.level;
    this.busMaster.load(saved.busMaster);
    for (const [index, drive] of this.drives.entries()) drive?.load(saved.drives[index]!);
  }
}

function store(memory: GuestMemory, pieces: readonly MemoryPiece[], data: Uint8Array): void {
  let done = 0;
  for (const { address, bytes } of pieces) {
    memory.writeBytes(physical(address), data.subarray(done, done + bytes));
    done += bytes;
  }
}

function fetch(memory: GuestMemory | null, pieces: readonly MemoryPiece[], length: number): Uint8Array {
  const data = new Uint8Array(length);
  let done = 0;
  for (const { address, bytes } of pieces) {
    if (memory !== null) data.set(memory.readBytes(physical(address), bytes), done);
    done += bytes;
  }
  return data;
}
