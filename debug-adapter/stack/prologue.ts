/**
 * Registers that a function without call frame information saved: its pushes right behind `push rbp; mov rbp, rsp`.
 *
 * Elsewhere: the caller that such a frame has (`symbols/unwind/heuristic.ts`).
 */
import { REGISTER_NAMES } from "../symbols/index.ts";
import { GPR_NAMES } from "../registers/index.ts";
import type { Chain, Stretch } from "./chain.ts";

const PROLOGUE_BYTES = 48;
const PUSH = 0x50;
const REX_B = 0x41;

export function savedByPushes(
  { space, wordBytes }: Chain,
  { physical, frames, pc, returnAt }: Stretch,
): readonly { readonly address: bigint; readonly register: string; readonly note: string | null }[] {
  const fun = frames.at(-1)?.symbols?.function;
  if (fun === undefined || returnAt === null) return [];
  const { bytes } = space.readUpTo({ space: "linear", offset: fun.low }, PROLOGUE_BYTES);
  const is64 = frames[0]!.architecture === "x86-64";
  let at = bytes[0] === 0xf3 && bytes[1] === 0x0f && bytes[2] === 0x1e ? 4 : 0;
  const done = Number(pc - fun.low);
  const saved: { readonly address: bigint; readonly register: string; readonly note: string | null }[] = [];
  let place = returnAt;
  const list = REGISTER_NAMES[frames[0]!.architecture];
  while (at < bytes.length) {
    let number = 0;
    let length = 1;
    if (is64 && bytes[at] === REX_B) {
      number = 8;
      length = 2;
    }
    const code = bytes[at + length - 1]!;
    if (code >= PUSH && code < PUSH + 8) {
      if (done < at + length) break;
      place -= BigInt(is64 ? 8 : wordBytes);
      const name = GPR_NAMES[number + code - PUSH]!;
      const register = is64 ? name : name.replace(/^r/, "e");
      // A push of a register that a call may change is an argument, or makes room.
      if (list.includes(register) && isPreserved(register))
        saved.push({ address: place, register, note: null });
      at += length;
      continue;
    }
    const move = is64 ? 3 : 2;
    const isMove =
      (!is64 || bytes[at] === 0x48) &&
      ((bytes[at + move - 2] === 0x89 && bytes[at + move - 1] === 0xe5) ||
        (bytes[at + move - 2] === 0x8b && bytes[at + move - 1] === 0xec));
    if (!isMove) break;
    at += move;
  }
  return physical.context.cfa === undefined ? [] : saved;
}

const isPreserved = (register: string): boolean => /^(?:r(?:bx|bp|1[2-5])|e(?:bx|bp|si|di))$/.test(register);
