/**
 * A virtio device on PCI (virtio 1.1 §4.1), transitional: BAR 0 the legacy registers, BAR 1 MSI-X, BAR 4 the modern ones.
 *
 *     BAR 4, 16 KiB:  0x0000 common configuration   0x1000 ISR   0x2000 the device's configuration   0x3000 notifications, 4 bytes a queue
 *
 * Invariant: the interrupt pin is up while the ISR is not 0 and MSI-X is off.
 */
import { MemoryRegion } from "../../memory/index.ts";
import type { Nanoseconds } from "../../numbers.ts";
import type { PlainData, RegionOps } from "../device.ts";
import { type PciEnvironment, PciFunction } from "../pci/function.ts";
import { type MessageFunction, Msix, MSIX_CAPABILITY } from "../pci/msi.ts";
import type { VirtioDevice } from "./device.ts";
import { LEGACY_BYTES, type LegacyHost, legacyRegisters } from "./legacy.ts";
import { readCommon, writeCommon } from "./modern.ts";
import { VirtioTransport } from "./transport.ts";
import { NO_VECTOR } from "./virtqueue.ts";

const VENDOR = 0x1af4;
/** Transitional device ids by virtio's type: block, console, entropy. */
const DEVICE_IDS: Readonly<Record<number, number>> = { 2: 0x1001, 3: 0x1003, 4: 0x1005 };

const VENDOR_CAPABILITY = 0x09;
/** Types of virtio's capabilities; the first four are parts of BAR 4, in this order. */
const PARTS = { common: 1, isr: 3, device: 4, notify: 2 } as const;
const PCI_ACCESS = 5;
const PART_BYTES = 0x1000;
const NOTIFY_MULTIPLIER = 4;
const MSIX_BAR = 1;
const MODERN_BAR = 4;

export class VirtioPci extends PciFunction {
  readonly name: string;
  readonly transport: VirtioTransport;
  readonly #msix: Msix;
  readonly #modern: RegionOps;
  /** Offset of the capability through which BAR 4 can be reached from configuration space. */
  readonly #window: number;

  /** @param index tells several of a kind apart */
  constructor(environment: PciEnvironment, device: VirtioDevice, index: number) {
    super(environment, {
      vendorId: VENDOR,
      deviceId: DEVICE_IDS[device.type]!,
      classCode: device.classCode,
      subsystemVendorId: VENDOR,
      subsystemId: device.type,
      interruptPin: 1,
    });
    const { name } = device;
    this.name = `${name}-pci.${index}`;
    this.transport = new VirtioTransport(device, {
      memory: environment.dma,
      interrupt: (vector) => this.#interrupt(vector),
      mayTransfer: () => this.isMaster,
    });
    const vectors = device.queueSizes.length + 1;
    const messages: MessageFunction = {
      get: (offset, size) => this.get(offset, size),
      put: (offset, size, value) => this.put(offset, size, value),
      allow: (offset, size, bits) => this.allow(offset, size, bits),
      send: (address, data) => {
        if (this.isMaster) environment.message(address, data);
      },
    };
    const capability = this.addCapability(MSIX_CAPABILITY.id, MSIX_CAPABILITY.bytes);
    this.#msix = new Msix(messages, capability, name, MSIX_BAR, vectors);

    const host: LegacyHost = {
      vectors,
      notify: (queue) => this.#notify(queue),
      update: () => this.#updatePin(),
      msixEnabled: () => this.#msix.enabled,
      takeIsr: () => this.#takeIsr(),
      config: configOps(device),
    };
    const modern: Readonly<Record<keyof typeof PARTS, RegionOps>> = {
      common: {
        read: (address) => readCommon(this.transport, address),
        write: (address, _size, value) => writeCommon(this.transport, host, address, value),
      },
      isr: { read: (address) => (address === 0 ? this.#takeIsr() : 0), write: () => {} },
      device: host.config,
      notify: { read: () => 0, write: (address) => this.#notify(Math.floor(address / NOTIFY_MULTIPLIER)) },
    };
    const legacy = legacyRegisters(this.transport, host);
    const legacyBytes = 2 ** Math.ceil(Math.log2(LEGACY_BYTES + device.config.length));
    const bar = MemoryRegion.container("virtio-pci", PART_BYTES * 4);
    const parts: RegionOps[] = [];
    for (const [part, type] of Object.entries(PARTS) as [keyof typeof PARTS, number][]) {
      const offset = PART_BYTES * parts.length;
      bar.add(MemoryRegion.io(`virtio-pci-${part}-${name}`, PART_BYTES, modern[part]), offset);
      this.#addPart(type, offset, type === PARTS.notify ? 20 : 16);
      parts.push(modern[part]);
    }
    this.#window = this.#addPart(PCI_ACCESS, 0, 20);
    this.put(this.#window + 12, 4, 0);
    this.allow(this.#window + 4, 1, 0xff);
    this.allow(this.#window + 8, 4, 0xffffffff);
    this.allow(this.#window + 12, 4, 0xffffffff);
    this.allow(this.#window + 16, 4, 0xffffffff);
    this.#modern = {
      read: (address, size) => parts[Math.floor(address / PART_BYTES)]?.read(address % PART_BYTES, size) ?? 0,
      write: (address, size, value) =>
        parts[Math.floor(address / PART_BYTES)]?.write(address % PART_BYTES, size, value),
    };
    this.addBar(0, "io", MemoryRegion.io("virtio-pci", legacyBytes, legacy));
    this.addBar(MSIX_BAR, "memory", this.#msix.region);
    this.addBar(MODERN_BAR, "memory64", bar, true);
  }

  override get deadline(): number {
    return this.transport.deadline;
  }

  /** Throws `Pending`. */
  override tick(now: Nanoseconds): void {
    this.transport.tick(now);
  }

  override reset(): void {
    super.reset();
    this.transport.reset();
    this.#msix.reset();
  }

  override save(): PlainData {
    return { pci: super.save(), virtio: this.transport.save(), msix: this.#msix.save() };
  }

  override load(state: PlainData): void {
    const { pci, virtio, msix } = state as { pci: PlainData; virtio: PlainData; msix: PlainData };
    this.transport.load(virtio);
    this.#msix.load(msix);
    super.load(pci);
  }

  /** The device has something for the driver: its queue is looked at after the usual delay. */
  wake(queue: number): void {
    this.#notify(queue);
  }

  override readConfig(offset: number, size: 1 | 2 | 4): number {
    const access = this.#windowAccess(offset);
    if (access !== null)
      this.put(this.#window + 16, access.size, this.#modern.read(access.address, access.size));
    return super.readConfig(offset, size);
  }

  override writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    super.writeConfig(offset, size, value);
    const access = this.#windowAccess(offset);
    if (access !== null)
      this.#modern.write(access.address, access.size, this.get(this.#window + 16, access.size));
  }

  protected override configChanged(): void {
    this.#msix.configChanged();
    this.#updatePin();
  }

  #addPart(type: number, offset: number, bytes: number): number {
    const at = this.addCapability(VENDOR_CAPABILITY, bytes);
    this.put(at + 2, 1, bytes);
    this.put(at + 3, 1, type);
    this.put(at + 4, 1, MODERN_BAR);
    this.put(at + 8, 4, offset);
    this.put(at + 12, 4, PART_BYTES);
    if (type === PARTS.notify) this.put(at + 16, 4, NOTIFY_MULTIPLIER);
    return at;
  }

  /** Where in BAR 4 an access to the window's data leads; null for any other register, and for a window that makes no sense. */
  #windowAccess(offset: number): { readonly address: number; readonly size: 1 | 2 | 4 } | null {
    if (offset < this.#window + 16 || offset >= this.#window + 20) return null;
    const size = this.get(this.#window + 12, 4);
    const address = this.get(this.#window + 8, 4);
    if ((size !== 1 && size !== 2 && size !== 4) || this.get(this.#window + 4, 1) !== MODERN_BAR) return null;
    return address % size === 0 ? { address, size } : null;
  }

  #notify(queue: number): void {
    this.transport.notify(queue, this.environment.now());
    this.environment.rescheduled(this.deadline);
  }

  #interrupt(vector: number): void {
    if (this.#msix.enabled) {
      if (vector !== NO_VECTOR) this.#msix.notify(vector);
    } else this.#updatePin();
  }

  #takeIsr(): number {
    const { isr } = this.transport;
    this.transport.isr = 0;
    this.#updatePin();
    return isr;
  }

  #updatePin(): void {
    this.setInterrupt(this.transport.isr !== 0 && !this.#msix.enabled);
  }
}

/** The device's configuration space as bytes; past its end there are zeros. */
function configOps(device: VirtioDevice): RegionOps {
  return {
    read: (address, size) => {
      const { config } = device;
      let value = 0;
      for (let n = size - 1; n >= 0; n--) value = value * 256 + (config[address + n] ?? 0);
      return value;
    },
    write: (address, size, value) => {
      for (let n = 0; n < size; n++) device.writeConfig?.(address + n, (value >>> (8 * n)) & 0xff);
    },
  };
}
