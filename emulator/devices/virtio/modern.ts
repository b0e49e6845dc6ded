/**
 * The common configuration of a virtio device on PCI (virtio 1.1 §4.1.4.3).
 *
 *     0 device feature select   4 device features    8 driver feature select  12 driver features
 *     16 config MSI-X vector    18 queues            20 status                21 configuration generation
 *     22 queue select           24 size              26 MSI-X vector          28 enable      30 notification offset
 *     32 descriptors            40 available ring    48 used ring             (64 bits each, written in halves)
 */
import type { VirtioTransport } from "./transport.ts";
import { NO_VECTOR, type Virtqueue } from "./virtqueue.ts";

const HALF = 2 ** 32;

export interface RegisterHost {
  /** MSI-X vectors there are. */
  readonly vectors: number;
  readonly notify: (queue: number) => void;
  /** The status register was written, or the ISR read: the interrupt pin may have to change. */
  readonly update: () => void;
}

export function readCommon(transport: VirtioTransport, offset: number): number {
  const queue = transport.selected?.registers;
  switch (offset) {
    case 0:
      return transport.deviceFeatureSelect;
    case 4:
      return transport.deviceFeatureSelect < 2 ? transport.offered(transport.deviceFeatureSelect) : 0;
    case 8:
      return transport.driverFeatureSelect;
    case 12:
      return transport.driverFeatures[transport.driverFeatureSelect] ?? 0;
    case 16:
      return transport.configVector;
    case 18:
      return transport.queues.length;
    case 20:
      return transport.status;
    case 21:
      return transport.generation;
    case 22:
      return transport.queueSelect;
    case 24:
      return queue?.num ?? 0;
    case 26:
      return queue?.vector ?? NO_VECTOR;
    case 28:
      return queue?.enabled === true ? 1 : 0;
    case 30:
      return queue === undefined ? 0 : transport.queueSelect;
    case 32:
    case 36:
      return half(queue?.desc ?? 0, offset);
    case 40:
    case 44:
      return half(queue?.avail ?? 0, offset);
    case 48:
    case 52:
      return half(queue?.used ?? 0, offset);
    default:
      return 0;
  }
}

export function writeCommon(
  transport: VirtioTransport,
  host: RegisterHost,
  offset: number,
  value: number,
): void {
  const queue = transport.selected;
  switch (offset) {
    case 0:
      transport.deviceFeatureSelect = value;
      return;
    case 8:
      transport.driverFeatureSelect = value;
      return;
    case 12:
      if (transport.driverFeatureSelect < 2)
        transport.driverFeatures[transport.driverFeatureSelect] = value >>> 0;
      return;
    case 16:
      transport.configVector = vector(value, host);
      return;
    case 20:
      transport.writeStatus(value, true);
      host.update();
      return;
    case 22:
      transport.queueSelect = value & 0xffff;
      return;
    case 26:
      if (queue !== undefined) queue.registers.vector = vector(value, host);
      return;
    case 28:
      if (queue !== undefined && value === 1) queue.registers.enabled = true;
      return;
    default:
      // Where a queue's tables are is settled when it is enabled.
      if (queue !== undefined && !queue.registers.enabled) writePlace(queue, offset, value);
  }
}

function writePlace(queue: Virtqueue, offset: number, value: number): void {
  const { registers } = queue;
  switch (offset) {
    case 24:
      if (value > 0 && value <= queue.maximumSize && (value & (value - 1)) === 0) registers.num = value;
      return;
    case 32:
    case 36:
      registers.desc = withHalf(registers.desc, offset, value);
      return;
    case 40:
    case 44:
      registers.avail = withHalf(registers.avail, offset, value);
      return;
    case 48:
    case 52:
      registers.used = withHalf(registers.used, offset, value);
      return;
    default: // read-only, or nothing
  }
}

/** A vector that does not exist reads back as none, by which the driver finds that it cannot have it. */
export function vector(value: number, host: RegisterHost): number {
  return (value & 0xffff) < host.vectors ? value & 0xffff : NO_VECTOR;
}

/** The low half at offsets divisible by 8, else the high one. */
function half(value: number, offset: number): number {
  return offset % 8 === 0 ? value % HALF : Math.floor(value / HALF);
}

function withHalf(value: number, offset: number, bits: number): number {
  return offset % 8 === 0 ? Math.floor(value / HALF) * HALF + bits : bits * HALF + (value % HALF);
}
