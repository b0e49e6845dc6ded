/**
 * What every session does for the first time, done before it is asked for: code that is compiled when it first runs, tables that are made when they are
 * first looked at, the interpreter's module, the disassembler.
 *
 * Invariant: nothing of it is kept but what the program keeps anyway; a session without it does the same, later.
 */
import { boot, createMachine, exerciseInterpreter } from "../emulator/index.ts";
import { systemClock } from "./debuggee.ts";
import { decode } from "./disassembly/index.ts";

const RAM_BYTES = 1 << 20;
const NOP = 0x90;

/** In pieces, so that a message that comes meanwhile does not wait for all of them. */
export async function prepare(): Promise<void> {
  await systemClock.turn();
  exerciseInterpreter();
  await systemClock.turn();
  const machine = createMachine({ ramBytes: RAM_BYTES });
  machine.run({ instants: 1 });
  await systemClock.turn();
  // No loader takes it, but all of them look at it.
  boot(machine, {
    kernel: Uint8Array.of(NOP),
    kernelName: "",
    append: "",
    modules: [],
    loader: "auto",
  });
  await systemClock.turn();
  decode(Uint8Array.of(NOP), 0n, 64, "att", 0n, () => false);
}
