/** Near control transfer and the stack (SDM 2A/2B: CALL JMP Jcc LOOP JCXZ RET PUSH POP LEAVE). Far transfers are operations. */
import { i64 } from "../wasm/index.ts";
import type { Condition } from "../semantics/vocabulary.ts";
import { family } from "./family.ts";
import { CONDITION_NAMES } from "./move.ts";

const ends = { hot: true, ends: true } as const;
const hex = (n: number) => n.toString(16).padStart(2, "0");

export const flow = [
  ...CONDITION_NAMES.map((name, code) =>
    family(
      `j${name}`,
      "r",
      (v) => v.branch(v.condition(code as Condition)),
      [`${hex(0x70 + code)} : relb ; f64`, `0f ${hex(0x80 + code)} : relz ; f64`],
      ends,
    ),
  ),
  family("jmp", "r", (v) => v.branch(v.k(1, 32)), ["eb : relb ; f64", "e9 : relz ; f64"], ends),
  family(
    "jmp_rm",
    "r",
    (v) => {
      const target = v.let(v.read(0));
      v.checkTarget(target);
      v.jump(v.resize(target, 64), v.width);
    },
    ["ff /4 : rm ; f64"],
    ends,
  ),
  family(
    "call",
    "r",
    (v) => {
      // A relative target in 64-bit mode is only wrong at the very edge of the canonical range, where the fetch faults.
      if (v.width !== 64) v.checkTarget(v.resize(v.relativeTarget(), v.width));
      v.push(v.resize(v.nextRip(), v.width), v.width);
      v.branch(v.k(1, 32));
    },
    ["e8 : relz ; f64"],
    { ...ends, stack: true },
  ),
  family(
    "call_rm",
    "r",
    (v) => {
      const target = v.let(v.read(0));
      // The return address is stored before the target is found wanting, as on processors; rSP has not moved then.
      v.push(v.resize(v.nextRip(), v.width), v.width, () => v.checkTarget(target));
      v.jump(v.resize(target, 64), v.width);
    },
    ["ff /2 : rm ; f64"],
    { ...ends, stack: true },
  ),
  family(
    "ret",
    "",
    (v) => {
      const target = v.let(v.top(v.width));
      v.checkTarget(target);
      v.release(i64(BigInt(v.width / 8)));
      v.jump(v.resize(target, 64), v.width);
    },
    ["c3 ; f64"],
    { ...ends, stack: true },
  ),
  family(
    "ret_imm",
    "r",
    (v) => {
      const target = v.let(v.top(v.width));
      v.checkTarget(target);
      v.release(v.add(i64(BigInt(v.width / 8)), v.resize(v.immediate(32), 64)));
      v.jump(v.resize(target, 64), v.width);
    },
    ["c2 : iw ; f64"],
    { ends: true, stack: true },
  ),
  family(
    "push",
    "r",
    (v) => v.push(v.let(v.read(0)), v.width),
    ["50+r : o ; d64", "ff /6 : rm ; d64", "68 : iz ; d64", "6a : ibs ; d64"],
    { hot: true, stack: true },
  ),
  // POP moves rSP before it forms the address of a memory destination, and POP rSP keeps what was popped.
  family(
    "pop",
    "w",
    (v) => {
      const value = v.let(v.top(v.width));
      if (v.isMemory(0)) v.popInto(value);
      else {
        v.release(i64(BigInt(v.width / 8)));
        v.write(0, value);
      }
    },
    ["58+r : o ; d64", "8f /0 : rm ; d64"],
    { hot: true, stack: true },
  ),
  family("leave", "", (v) => v.leaveFrame(), ["c9 ; d64"], { stack: true }),
  ...(["loopne", "loope", "loop"] as const).map((name, index) =>
    family(
      name,
      "r",
      (v) => {
        const count = v.let(v.sub(v.register(1, v.addressWidth), v.k(1, v.addressWidth)));
        v.setRegister(1, v.addressWidth, count);
        const left = v.isNot(v.isZero(v.zext(count, v.addressWidth)));
        if (name === "loop") return v.branch(left);
        const zero = name === "loope" ? v.zf() : v.isNot(v.zf());
        return v.branch(v.and(left, zero));
      },
      [`e${index} : relb ; f64`],
      { ends: true, string: true },
    ),
  ),
  family("jcxz", "r", (v) => v.branch(v.isZero(v.register(1, v.addressWidth))), ["e3 : relb ; f64"], {
    ends: true,
    string: true,
  }),
];
