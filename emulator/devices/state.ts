/** Copies of device state: what `save` hands out and what `load` takes in must not change when the device goes on. */
import type { PlainData } from "./device.ts";

/** A deep copy of plain data, typed as what was copied. */
export function copyOf<T extends PlainData>(state: T): T {
  return copy(state) as T;
}

function copy(state: PlainData): PlainData {
  if (state === null || typeof state !== "object") return state;
  if (state instanceof Uint8Array) return state.slice();
  if (Array.isArray(state)) return (state as readonly PlainData[]).map(copy);
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, copy(value)]));
}
