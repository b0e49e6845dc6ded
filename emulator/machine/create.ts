/** A machine with its processor: what everything above the emulator starts from. */
import { Cpu } from "../cpu/cpu.ts";
import { Pc } from "./pc.ts";
import type { MachineConfig, MachineHost } from "./types.ts";

/** A PC just switched on, with the state that firmware leaves; nothing is loaded yet (`boot`). */
export function createMachine(config: MachineConfig, host?: MachineHost): Pc {
  return new Pc(config, (...parts) => new Cpu(...parts), host);
}
