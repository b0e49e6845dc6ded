/**
 * The registers of virtio before version 1 (virtio 1.1 §4.1.4.8), in ports: old kernels and most hobby kernels drive these.
 *
 *     0 device features   4 driver features   8 queue's page number   12 size (16 bits)   14 queue select (16)   16 notify (16)
 *     18 status (8)       19 ISR (8)          [with MSI-X: 20 config vector (16)   22 queue vector (16)]         then the configuration
 */
import type { RegionOps } from "../device.ts";
import { type RegisterHost, vector } from "./modern.ts";
import type { VirtioTransport } from "./transport.ts";
import { NO_VECTOR } from "./virtqueue.ts";

const PAGE_BYTES = 4096;
const MSIX_BYTES = 4;
/** Bytes of the registers, the MSI-X ones included. */
export const LEGACY_BYTES = 24;

export interface LegacyHost extends RegisterHost {
  readonly msixEnabled: () => boolean;
  /** Reads the ISR, which clears it. */
  readonly takeIsr: () => number;
  readonly config: RegionOps;
}

export function legacyRegisters(transport: VirtioTransport, host: LegacyHost): RegionOps {
  /** Offset in the configuration space; negative: a register. */
  const inConfig = (offset: number): number => offset - LEGACY_BYTES + (host.msixEnabled() ? 0 : MSIX_BYTES);
  return {
    read: (offset, size) => {
      if (inConfig(offset) >= 0) return host.config.read(inConfig(offset), size);
      const queue = transport.selected?.registers;
      switch (offset) {
        case 0:
          return transport.offered(0, true);
        case 4:
          return transport.driverFeatures[0];
        case 8:
          return queue?.enabled === true ? Math.floor(queue.desc / PAGE_BYTES) : 0;
        case 12:
          return queue?.num ?? 0;
        case 14:
          return transport.queueSelect;
        case 18:
          return transport.status;
        case 19:
          return host.takeIsr();
        case 20:
          return transport.configVector;
        case 22:
          return queue?.vector ?? NO_VECTOR;
        default:
          return 0;
      }
    },
    write: (offset, size, value) => {
      if (inConfig(offset) >= 0) {
        host.config.write(inConfig(offset), size, value);
        return;
      }
      const queue = transport.selected;
      switch (offset) {
        case 4:
          transport.driverFeatures = [(value & transport.offered(0, true)) >>> 0, 0];
          return;
        case 8:
          // Page 0 is how a legacy driver lets go of a queue, or of the device.
          if (value === 0) transport.reset();
          else if (queue !== undefined) {
            const { registers } = queue;
            registers.desc = value * PAGE_BYTES;
            registers.avail = registers.desc + 16 * registers.num;
            registers.used = Math.ceil((registers.avail + 6 + 2 * registers.num) / PAGE_BYTES) * PAGE_BYTES;
            registers.enabled = true;
          }
          host.update();
          return;
        case 14:
          transport.queueSelect = value & 0xffff;
          return;
        case 16:
          host.notify(value & 0xffff);
          return;
        case 18:
          transport.writeStatus(value, false);
          host.update();
          return;
        case 20:
          transport.configVector = vector(value, host);
          return;
        case 22:
          if (queue !== undefined) queue.registers.vector = vector(value, host);
          return;
        default: // read-only, or nothing
      }
    },
  };
}
