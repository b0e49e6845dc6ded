/**
 * What QEMU's machine `pc` puts into fw_cfg for its firmware, tables apart: sizes, processors, the memory map, boot order, sleep states.
 *
 *     etc/e820, little-endian, 20 bytes an entry:  +0 address (64 bits)   +8 length (64 bits)   +16 type (1 RAM, 2 reserved)
 */
import { latin1 } from "../big-endian.ts";
import { FW_CFG, type FwCfg } from "./fw-cfg.ts";

/** Sleep states S0 … S5 that firmware may offer: bit 7 there is one, bits 2:0 its SLP_TYP. S3 is not implemented and so not offered. */
const SLEEP_STATES = Uint8Array.of(0x80, 0, 0, 1, 0x82, 0x80);
const FOUR_GIB = 2 ** 32;
const E820_BYTES = 20;
const E820_RAM = 1;

export interface PcFirmwareConfig {
  readonly ramBytes: number;
  readonly ramBelow4G: number;
  readonly cpus: number;
  /** `-boot order=`; firmware takes it from CMOS, too. */
  readonly bootOrder: string;
  /** Of the machine with memory slots there is one NUMA node. */
  readonly slots: number;
  /** Firmware puts nothing below this that is not RAM; null if there are no memory devices to come. */
  readonly memoryEnd: number | null;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export function fillFwCfg(fwCfg: FwCfg, config: PcFirmwareConfig): void {
  const { ramBytes, ramBelow4G, cpus, slots, memoryEnd } = config;
  fwCfg.setKey(FW_CFG.uuid, new Uint8Array(16));
  fwCfg.setKey(FW_CFG.ramSize, littleEndian(ramBytes, 8));
  fwCfg.setKey(FW_CFG.noGraphic, littleEndian(0, 2));
  fwCfg.setKey(FW_CFG.cpus, littleEndian(cpus, 2));
  fwCfg.setKey(FW_CFG.maxCpus, littleEndian(cpus, 2));
  // The number of NUMA nodes, for each processor that which it is in, then the memory of each node.
  const nodes = slots > 0 ? [ramBytes] : [];
  const numa = [nodes.length, ...Array.from({ length: cpus }, () => 0), ...nodes];
  fwCfg.setKey(FW_CFG.numa, Uint8Array.from(numa.flatMap((value) => [...littleEndian(value, 8)])));
  fwCfg.setKey(FW_CFG.bootDevice, latin1(config.bootOrder.slice(0, 1)));
  fwCfg.setKey(FW_CFG.bootMenu, littleEndian(0, 2));
  fwCfg.setKey(FW_CFG.irq0Override, littleEndian(1, 4));
  fwCfg.add("etc/e820", e820(ramBelow4G, ramBytes - ramBelow4G));
  fwCfg.add("etc/system-states", SLEEP_STATES);
  fwCfg.add("bootorder", new Uint8Array(0));
  if (memoryEnd !== null) fwCfg.add("etc/reserved-memory-end", littleEndian(memoryEnd, 8));
  for (const { name, bytes } of config.files) fwCfg.add(name, bytes);
}

function e820(below4G: number, above4G: number): Uint8Array {
  const ranges = [{ address: 0, length: below4G }];
  if (above4G > 0) ranges.push({ address: FOUR_GIB, length: above4G });
  const bytes = new Uint8Array(E820_BYTES * ranges.length);
  for (const [index, { address, length }] of ranges.entries()) {
    bytes.set(littleEndian(address, 8), E820_BYTES * index);
    bytes.set(littleEndian(length, 8), E820_BYTES * index + 8);
    bytes.set(littleEndian(E820_RAM, 4), E820_BYTES * index + 16);
  }
  return bytes;
}

function littleEndian(value: number, size: 2 | 4 | 8): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => Math.floor(value / 2 ** (8 * n)) & 0xff);
}
