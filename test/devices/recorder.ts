/** What a device under test is connected to: a line that remembers its edges, and helpers to spell ports and times. */
import type { Line, RegionOps } from "../../emulator/devices/device.ts";
import type { Nanoseconds } from "../../emulator/numbers.ts";

export interface RecordedLine {
  readonly line: Line;
  level: boolean;
  /** Number of rising edges so far. */
  rises: number;
}

export function recordLine(): RecordedLine {
  const recorded: RecordedLine = {
    level: false,
    rises: 0,
    line: (level) => {
      if (level && !recorded.level) recorded.rises++;
      recorded.level = level;
    },
  };
  return recorded;
}

export const ns = (value: number): Nanoseconds => value as Nanoseconds;

/** Byte reads and writes of a device's registers. */
export const bytes = (
  ops: RegionOps,
): { in: (port: number) => number; out: (port: number, value: number) => void } => ({
  in: (port) => ops.read(port, 1),
  out: (port, value) => ops.write(port, 1, value),
});
