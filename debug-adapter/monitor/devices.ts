/**
 * Memory that comes and goes: `object_add`, `object_del`, `device_add`, `device_del`, and what `info memory-devices`, `info memdev` and
 * `info memory_size_summary` say of it, in QEMU's form and with its texts.
 *
 * Invariant: what can be done is an input of the machine, and refused before it becomes one.
 * Elsewhere: properties (`cli/dimm.ts`), rules (`emulator/memory/dimm.ts`), files (`memory-files.ts`).
 */
import type { Input, MemoryBackendConfig, MemoryDevices, Pc } from "../../emulator/index.ts";
import { isMemoryBackend, MONITOR, parseBackend, parseDimm } from "../cli/dimm.ts";
import { Refusal } from "../cli/refusal.ts";
import { keyValues } from "../cli/words.ts";
import { AdapterError, badMonitorCommand } from "../errors.ts";
import type { MemoryFiles } from "../memory-files.ts";

/** What these commands need of the monitor's host. */
export interface DeviceHost {
  readonly machine: Pc;
  /** Files behind backends; absent: there can be none. */
  readonly memoryFiles?: MemoryFiles;
  readonly input: (input: Input) => void;
}

/** Drivers of `-device` that are there from the start or not at all. */
const ONLY_AT_START =
  /^(?:isa-debug-exit|isa-debugcon|isa-serial|virtio-.*|virtconsole|VGA|ide-hd|ide-cd|floppy)$/;
/** Types of QEMU's objects that there are none of here. */
const OTHER_OBJECTS =
  /^(?:rng-.*|secret|secret_keyring|iothread|memory-backend-(?:memfd|epc)|authz-.*|can-.*|colo-compare|cryptodev-.*|dbus-vmstate|filter-.*|input-.*|main-loop|pr-manager-helper|qtest|throttle-group|tls-.*|x-.*|sev-guest)$/;

export function objectAdd({ machine, memoryFiles, input }: DeviceHost, rest: string): string {
  needs("object_add", rest);
  const values = keyValues(rest, "qom-type");
  const type = values.get("qom-type");
  if (type === undefined) throw refused("Parameter 'qom-type' is missing");
  if (!isMemoryBackend(type)) {
    if (OTHER_OBJECTS.test(type))
      throw badMonitorCommand(`"object_add ${type}" of QEMU's monitor is not supported`);
    throw refused(`Parameter 'qom-type' does not accept value '${type}'`);
  }
  const asked = parsed(() => parseBackend(type, values, MONITOR));
  const wrong = machine.memoryDevices.backendRefusal(asked);
  if (wrong !== null) throw refused(wrong);
  const backend = withFile(asked, memoryFiles);
  input({ kind: "backend-add", backend });
  memoryFiles?.added(backend.id);
  return "";
}

function withFile(backend: MemoryBackendConfig, files: MemoryFiles | undefined): MemoryBackendConfig {
  if (backend.path === undefined) return backend;
  if (files === undefined) throw badMonitorCommand(`"memory-backend-file" cannot be used here`);
  try {
    return files.open(backend);
  } catch (error) {
    throw error instanceof AdapterError ? refused(error.message) : error;
  }
}

export function objectDel({ machine, input }: DeviceHost, rest: string): string {
  const id = needs("object_del", rest);
  const wrong = machine.memoryDevices.backendRemovalRefusal(id);
  if (wrong !== null) throw refused(wrong);
  input({ kind: "backend-remove", id });
  return "";
}

export function deviceAdd({ machine, input }: DeviceHost, rest: string): string {
  const values = keyValues(rest, "driver");
  const driver = values.get("driver") ?? "";
  if (driver === "") throw refused("Parameter 'driver' is missing");
  if (driver !== "pc-dimm") {
    if (ONLY_AT_START.test(driver))
      throw badMonitorCommand(
        `"device_add ${driver}" is not supported: of devices only pc-dimm can be plugged in while the machine is there`,
      );
    throw refused(`'${driver}' is not a valid device model name`);
  }
  const dimm = parsed(() => parseDimm(values));
  const plan = machine.memoryDevices.plan(dimm);
  if (plan.kind === "refusal") throw refused(plan.text);
  input({ kind: "dimm-plug", dimm });
  return "";
}

export function deviceDel({ machine, input }: DeviceHost, rest: string): string {
  const id = needs("device_del", rest);
  const wrong = machine.memoryDevices.unplugRefusal(id);
  if (wrong !== null) throw refused(wrong);
  input({ kind: "dimm-unplug", id });
  return "";
}

/** As QEMU's monitor words what a command answers. */
const refused = (text: string): AdapterError => badMonitorCommand(`Error: ${text}`);

function needs(command: string, rest: string): string {
  if (rest === "")
    throw badMonitorCommand(`${command}: string expected\nTry "help ${command}" for more information`);
  return rest;
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (refusal) {
    throw refusal instanceof Refusal ? refused(refusal.text) : refusal;
  }
}

export function infoMemoryDevices({ dimms }: MemoryDevices): string {
  return dimms
    .map(
      ({ id, address, slot, node, sizeBytes, memdev, hotplugged }) =>
        `Memory device [dimm]: "${id ?? ""}"\n` +
        `  addr: 0x${address.toString(16)}\n` +
        `  slot: ${slot}\n` +
        `  node: ${node}\n` +
        `  size: ${sizeBytes}\n` +
        `  memdev: /objects/${memdev}\n` +
        `  hotplugged: ${hotplugged}\n` +
        `  hotpluggable: true\n`,
    )
    .join("");
}

/** The youngest first; QEMU's order is that of a hash table. What it does with the host's memory is told as it was asked for. */
export function infoMemdev(machine: Pc): string {
  const { ramBackend, ramBytes } = machine.config;
  const own: readonly MemoryBackendConfig[] =
    ramBackend === undefined ? [{ id: "pc.ram", type: "memory-backend-ram", sizeBytes: ramBytes }] : [];
  const backends = [...own, ...machine.memoryDevices.backends.map(({ config }) => config)];
  const texts = backends
    .toReversed()
    .map(
      ({ id, sizeBytes, merge = true, dump = true, prealloc = false, share = false, reserve = true }) =>
        `memory backend: ${id}\n` +
        `  size:  ${sizeBytes}\n` +
        `  merge: ${merge}\n` +
        `  dump: ${dump}\n` +
        `  prealloc: ${prealloc}\n` +
        `  share: ${share}\n` +
        `  reserve: ${reserve}\n` +
        `  policy: default\n` +
        `  host nodes: \n`,
    );
  return `${texts.join("")}\n`;
}

export function infoMemorySizeSummary(machine: Pc): string {
  const plugged = machine.memoryDevices.dimms.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `base memory: ${machine.config.ramBytes}\nplugged memory: ${plugged}\n`;
}
