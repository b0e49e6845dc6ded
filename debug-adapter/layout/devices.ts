/** Memory backends and DIMMs as a list. Elsewhere: plugging and unplugging are commands of the monitor, which has QEMU's words for what is refused. */
import type { Machine, Pc } from "../../emulator/index.ts";
import type { MemoryDevicesBody } from "../../media/protocol.ts";
import { hex } from "./region-tree.ts";

/** `_OST` codes that a guest sends (ACPI 6.5 §6.3.5): events and what became of them. */
const EVENTS: ReadonlyMap<number, string> = new Map([
  [0x01, "device check"],
  [0x03, "ejection request"],
  [0x103, "ejection"],
]);
const STATUSES: ReadonlyMap<number, string> = new Map([
  [0, "done"],
  [1, "failed"],
  [2, "not recognised"],
  [0x80, "refused"],
  [0x81, "refused: the device is in use"],
  [0x82, "refused: it is busy"],
  [0x83, "refused: something depends on it"],
  [0x84, "in progress"],
]);

export function memoryDevices(machine: Machine): MemoryDevicesBody {
  const devices = "memoryDevices" in machine ? (machine as Pc).memoryDevices : null;
  const { config, memory } = machine;
  const range = memory.system.subregions.find(({ name }) => name === "device-memory");
  const dimms = devices?.dimms ?? [];
  const backends = devices?.backends ?? [];
  return {
    slots: config.slots ?? 0,
    window: range === undefined ? null : { start: hex(range.address), size: hex(range.size) },
    totalBytes: hex(Math.max(0, (config.maxRamBytes ?? config.ramBytes) - config.ramBytes)),
    pluggedBytes: hex(dimms.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
    dimms: dimms.map(({ id, slot, address, sizeBytes, memdev, hotplugged, isRemoving, event, status }) => ({
      id,
      slot,
      address: hex(address),
      size: hex(sizeBytes),
      memdev,
      hotplugged,
      removing: isRemoving,
      report: event === 0 ? null : reportText(event, status),
    })),
    backends: backends.map(({ config: backend }) => ({
      id: backend.id,
      type: backend.type,
      size: hex(backend.sizeBytes),
      path: backend.path ?? null,
      mapped: devices?.isMapped(backend.id) ?? false,
    })),
  };
}

const reportText = (event: number, status: number): string =>
  `${EVENTS.get(event) ?? `event ${hex(event)}`}: ${STATUSES.get(status) ?? `status ${hex(status)}`}`;
