/**
 * The part of a virtio device that does not depend on its kind or on how it is reached (virtio 1.1 §2, §3): feature negotiation, status, queues,
 * when requests are done, and which interrupts that raises.
 *
 * Invariant: nothing happens between two ticks. A notification only sets when its queue will be looked at; the request that needs bytes which the host
 * has not delivered stays in its queue with all that follow it, and is the first of the next tick.
 * Elsewhere: the registers (`modern.ts`, `legacy.ts`), interrupts as PCI sends them (`pci.ts`).
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { PlainData } from "../device.ts";
import { FEATURE, type VirtioDevice } from "./device.ts";
import { NO_VECTOR, RingError, type RingFeatures, Virtqueue } from "./virtqueue.ts";

export const STATUS = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 0x40,
  failed: 0x80,
} as const;
export const ISR = { queue: 1, config: 2 } as const;

const COMMON_FEATURES: readonly number[] = [
  FEATURE.notifyOnEmpty,
  FEATURE.anyLayout,
  FEATURE.indirectDescriptors,
  FEATURE.eventIndex,
  FEATURE.version1,
];
/** Offered to drivers of the legacy interface only. */
const LEGACY_ONLY: readonly number[] = [FEATURE.notifyOnEmpty, FEATURE.anyLayout];
/** Tables of a queue lie below this; no memory does not. */
const ADDRESS_LIMIT = 2 ** 52 - 2 ** 20;

export type Features = [low: number, high: number];

export interface VirtioHost {
  readonly memory: GuestMemory;
  /** ISR bits were set; `vector` is the one the driver chose for this. */
  readonly interrupt: (vector: number) => void;
  /** Whether the device may reach guest memory. */
  readonly mayTransfer: () => boolean;
}

export class VirtioTransport {
  readonly device: VirtioDevice;
  readonly queues: readonly Virtqueue[];
  readonly #host: VirtioHost;
  status = 0;
  isr = 0;
  generation = 0;
  queueSelect = 0;
  deviceFeatureSelect = 0;
  driverFeatureSelect = 0;
  driverFeatures: Features = [0, 0];
  configVector = NO_VECTOR;
  /** Queues that were notified, and when they are looked at. */
  #notified: number[] = [];
  #due = Infinity;
  /** What the driver did wrong, for people. */
  #fault = "";

  constructor(device: VirtioDevice, host: VirtioHost) {
    this.device = device;
    this.#host = host;
    this.queues = device.queueSizes.map((size) => new Virtqueue(host.memory, size));
  }

  get deadline(): number {
    return this.#due;
  }

  /** Why the device needs a reset; empty if it does not. */
  get fault(): string {
    return this.#fault;
  }

  get selected(): Virtqueue | undefined {
    return this.queues[this.queueSelect];
  }

  /** 32 feature bits that the device offers. */
  offered(word: number, legacy = false): number {
    let bits = 0;
    for (const feature of [...COMMON_FEATURES, ...this.device.features]) {
      if (Math.floor(feature / 32) !== word || (!legacy && LEGACY_ONLY.includes(feature))) continue;
      bits |= 1 << (feature % 32);
    }
    return bits >>> 0;
  }

  hasFeature(feature: number): boolean {
    return ((this.driverFeatures[feature < 32 ? 0 : 1] >>> (feature % 32)) & 1) !== 0;
  }

  /** Back to the state after power-on: by the driver, or with the machine. */
  reset(): void {
    this.status = 0;
    this.isr = 0;
    this.queueSelect = 0;
    this.deviceFeatureSelect = 0;
    this.driverFeatureSelect = 0;
    this.driverFeatures = [0, 0];
    this.configVector = NO_VECTOR;
    this.#notified = [];
    this.#due = Infinity;
    this.#fault = "";
    for (const queue of this.queues) queue.reset();
    this.device.reset();
  }

  /** @param modern the driver uses the interface of version 1, which must be among its features */
  writeStatus(value: number, modern: boolean): void {
    const byte = value & 0xff;
    if (byte === 0) {
      this.reset();
      return;
    }
    const refused =
      ((this.driverFeatures[0] & ~this.offered(0, !modern)) | (this.driverFeatures[1] & ~this.offered(1))) !==
      0;
    const incomplete = modern && !this.hasFeature(FEATURE.version1);
    const kept = byte & ~(refused || incomplete ? STATUS.featuresOk : 0);
    this.status = kept | (this.status & STATUS.needsReset);
  }

  /** The driver, or the device itself, says that a queue has work. */
  notify(queue: number, now: number): void {
    if (this.queues[queue]?.registers.enabled !== true) return;
    if (!this.#notified.includes(queue)) this.#notified.push(queue);
    if (this.#due === Infinity) this.#due = now + this.device.delay;
  }

  /** Does the requests of the queues that are due, in the order of their notifications. */
  tick(now: number): void {
    if (now < this.#due) return;
    for (;;) {
      const [queue] = this.#notified;
      if (queue === undefined) break;
      this.#run(queue);
      this.#notified.shift();
    }
    this.#due = Infinity;
  }

  configChanged(): void {
    this.generation = (this.generation + 1) & 0xff;
    if ((this.status & STATUS.driverOk) === 0) return;
    this.isr |= ISR.config;
    this.#host.interrupt(this.configVector);
  }

  save(): PlainData {
    return {
      status: this.status,
      isr: this.isr,
      generation: this.generation,
      queue_sel: this.queueSelect,
      host_features_sel: this.deviceFeatureSelect,
      guest_features_sel: this.driverFeatureSelect,
      guest_features: [...this.driverFeatures],
      config_vector: this.configVector,
      vq: this.queues.map((queue) => queue.save()),
      notified: [...this.#notified],
      due: this.#due === Infinity ? -1 : this.#due,
      fault: this.#fault,
      device: this.device.save(),
    };
  }

  load(state: PlainData): void {
    const saved = state as {
      status: number;
      isr: number;
      generation: number;
      queue_sel: number;
      host_features_sel: number;
      guest_features_sel: number;
      guest_features: Features;
      config_vector: number;
      vq: PlainData[];
      notified: number[];
      due: number;
      fault: string;
      device: PlainData;
    };
    this.status = saved.status;
    this.isr = saved.isr;
    this.generation = saved.generation;
    this.queueSelect = saved.queue_sel;
    this.deviceFeatureSelect = saved.host_features_sel;
    this.driverFeatureSelect = saved.guest_features_sel;
    this.driverFeatures = [...saved.guest_features];
    this.configVector = saved.config_vector;
    for (const [n, queue] of this.queues.entries()) queue.load(saved.vq[n]!);
    this.#notified = [...saved.notified];
    this.#due = saved.due < 0 ? Infinity : saved.due;
    this.#fault = saved.fault;
    this.device.load(saved.device);
  }

  get #ring(): RingFeatures {
    return {
      indirect: this.hasFeature(FEATURE.indirectDescriptors),
      eventIndex: this.hasFeature(FEATURE.eventIndex),
      notifyOnEmpty: this.hasFeature(FEATURE.notifyOnEmpty),
    };
  }

  /** Whether requests may be taken. Legacy drivers use a device before they say that they are ready, and forget to let it master the bus. */
  get #ready(): boolean {
    if ((this.status & STATUS.needsReset) !== 0) return false;
    if (!this.hasFeature(FEATURE.version1)) return true;
    return (this.status & STATUS.driverOk) !== 0 && this.#host.mayTransfer();
  }

  #run(index: number): void {
    const queue = this.queues[index]!;
    if (!queue.registers.enabled || !this.#ready) return;
    const { memory } = this.#host;
    const features = this.#ring;
    try {
      const { desc, avail, used } = queue.registers;
      if (Math.max(desc, avail, used) > ADDRESS_LIMIT) throw new RingError("a queue outside of memory");
      for (;;) {
        const chain = queue.peek(features);
        if (chain === null) break;
        const written = this.device.handle(index, chain, memory);
        if (written === "later") break;
        queue.take();
        queue.push(chain.head, written);
      }
      queue.enableNotification(features);
      if (queue.takeSignal(features)) {
        this.isr |= ISR.queue;
        this.#host.interrupt(queue.registers.vector);
      }
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
      this.#break(`queue ${index}: ${error.message}`);
    }
  }

  /** The driver did what makes no sense: nothing more is done for it until it resets the device. */
  #break(fault: string): void {
    this.#fault = fault;
    this.status |= STATUS.needsReset;
    this.configChanged();
  }
}
