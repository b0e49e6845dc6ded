/** Names without symbols: registers only. */
import type { Core } from "../../emulator/index.ts";
import type { Names } from "../expressions/index.ts";
import { GuestSpace } from "../memory/space.ts";
import { codeBits, findRegister } from "../registers/index.ts";

export function machineNames(core: Core): Names {
  return {
    space: new GuestSpace(core),
    addressBytes: codeBits(core) === 64 ? 8 : 4,
    variable: () => null,
    isVariable: () => false,
    symbol: () => null,
    type: () => null,
    register(name) {
      const register = findRegister(name);
      return register === null ? null : { register, value: register.read(core), writable: true };
    },
    describe: () => null,
  };
}
