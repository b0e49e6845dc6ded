/**
 * What is particular to one kind of virtio device: its features, its configuration space, and what it does with requests.
 * Elsewhere: features, status, queues and interrupts, which are alike for all (`transport.ts`).
 */
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { PlainData } from "../device.ts";
import type { Chain } from "./virtqueue.ts";

/** Feature bits that all devices share. */
export const FEATURE = {
  notifyOnEmpty: 24,
  anyLayout: 27,
  indirectDescriptors: 28,
  eventIndex: 29,
  version1: 32,
} as const;

export interface VirtioDevice {
  /** As QEMU names it: "virtio-blk". */
  readonly name: string;
  /** virtio's device type: 2 block, 3 console, 4 entropy. */
  readonly type: number;
  /** Class, subclass, programming interface on PCI. */
  readonly classCode: number;
  /** Numbers of the feature bits it offers besides the common ones. */
  readonly features: readonly number[];
  /** How many entries each queue can have. */
  readonly queueSizes: readonly number[];
  /** Virtual nanoseconds from a notification to its effect. */
  readonly delay: number;
  /** The configuration space as it is now. */
  readonly config: Uint8Array;
  /** The guest wrote a byte of it. */
  writeConfig?(offset: number, value: number): void;
  /**
   * Does a request; returns the number of bytes written into its writable buffers, or "later" if it has to stay in the queue. Throws `Pending`, having
   * changed nothing, and `RingError`.
   */
  handle(queue: number, chain: Chain, memory: GuestMemory): number | "later";
  /** The driver reset the device, or the machine was reset. */
  reset(): void;
  save(): PlainData;
  load(state: PlainData): void;
}
