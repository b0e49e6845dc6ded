/**
 * An access that meets a device: checked against the sizes the device takes, then taken apart or widened to what it implements, as QEMU's
 * `memory_region_dispatch_read` and `access_with_adjusted_size` do. Little-endian.
 */
import type { MemoryRegion } from "./region.ts";

export type AccessSize = 1 | 2 | 4;

/** What an access of a size reads where nothing answers. */
export const allOnes = (size: AccessSize): number => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff);

/** Whether the device takes an access like this at all. */
export function accessIsValid(region: MemoryRegion, offset: number, size: AccessSize): boolean {
  const { access } = region;
  if ((offset & (size - 1)) !== 0 && !access.unaligned) return false;
  return size >= access.validMin && size <= access.validMax;
}

/** A refused access reads all ones. */
export function readDevice(region: MemoryRegion, offset: number, size: AccessSize): number {
  const ops = region.ops;
  if (ops === null || !accessIsValid(region, offset, size)) return allOnes(size);
  const unit = implemented(region, size);
  if (unit === size) return ops.read(offset, size) >>> 0;
  if (unit > size) return (ops.read(offset, unit) & allOnes(size)) >>> 0;
  let value = 0;
  for (let at = 0; at < size; at += unit) value |= (ops.read(offset + at, unit) & allOnes(unit)) << (8 * at);
  return value >>> 0;
}

/** A refused write does nothing. */
export function writeDevice(region: MemoryRegion, offset: number, size: AccessSize, value: number): void {
  const ops = region.ops;
  if (ops === null || !accessIsValid(region, offset, size)) return;
  const unit = implemented(region, size);
  const bits = (value & allOnes(size)) >>> 0;
  if (unit >= size) ops.write(offset, unit, bits);
  else
    for (let at = 0; at < size; at += unit)
      ops.write(offset + at, unit, ((bits >>> (8 * at)) & allOnes(unit)) >>> 0);
}

function implemented(region: MemoryRegion, size: AccessSize): AccessSize {
  const { implMin, implMax } = region.access;
  return Math.max(Math.min(size, implMax), implMin) as AccessSize;
}
