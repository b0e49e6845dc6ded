/** A vector register as it may be meant: the same bits as numbers of each kind and size, under gdb's names, each lane changeable by itself. */
import { fixed, type Container, type Node } from "./node.ts";

const BYTES = 16;

interface Kind {
  readonly name: string;
  readonly laneBytes: 1 | 2 | 4 | 8;
  readonly type: string;
  readonly isFloat: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "v4_float", laneBytes: 4, type: "float", isFloat: true },
  { name: "v2_double", laneBytes: 8, type: "double", isFloat: true },
  { name: "v16_int8", laneBytes: 1, type: "int8_t", isFloat: false },
  { name: "v8_int16", laneBytes: 2, type: "int16_t", isFloat: false },
  { name: "v4_int32", laneBytes: 4, type: "int32_t", isFloat: false },
  { name: "v2_int64", laneBytes: 8, type: "int64_t", isFloat: false },
];

/** What somebody typed for a lane, as a number of that kind. Throws errors of 3xxx, and `registerRefused` if it does not fit. */
export interface Written {
  float(text: string): number;
  integer(text: string, bits: number): bigint;
}

/** `write` is null where the register cannot be changed. */
export function vectorContainer(
  read: () => bigint,
  write: ((value: bigint) => void) | null,
  written: Written,
): Container {
  const lane = (kind: Kind, index: number): Node => {
    const { laneBytes, isFloat, type } = kind;
    const shift = BigInt(index * laneBytes * 8);
    const mask = (1n << BigInt(laneBytes * 8)) - 1n;
    const assign = (text: string): void => {
      const bits = isFloat ? floatBits(written.float(text), laneBytes) : written.integer(text, laneBytes * 8);
      write!((read() & ~(mask << shift)) | ((bits & mask) << shift));
    };
    return {
      name: `[${index}]`,
      value: laneText(read(), kind, index),
      type,
      assign: write === null ? undefined : assign,
    };
  };
  return fixed(() =>
    KINDS.map((kind): Node => {
      const count = BYTES / kind.laneBytes;
      const indices = Array.from({ length: count }, (_, index) => index);
      return {
        name: kind.name,
        value: `{${indices.map((index) => laneText(read(), kind, index)).join(", ")}}`,
        type: `${kind.type}[${count}], lane 0 in the lowest bits`,
        children: fixed(() => indices.map((index) => lane(kind, index))),
      };
    }),
  );
}

function laneText(value: bigint, { laneBytes, isFloat }: Kind, index: number): string {
  const bits = BigInt.asUintN(laneBytes * 8, value >> BigInt(index * laneBytes * 8));
  return isFloat ? floatText(bits, laneBytes) : `0x${bits.toString(16)}`;
}

/** The shortest digits that mean this number and no other of its size. */
function floatText(bits: bigint, laneBytes: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  const number = laneBytes === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
  if (Object.is(number, -0)) return "-0";
  if (laneBytes === 8 || !Number.isFinite(number)) return String(number);
  for (let digits = 1; digits < 9; digits++) {
    const text = number.toPrecision(digits);
    if (Math.fround(Number(text)) === number) return String(Number(text));
  }
  return String(Number(number.toPrecision(9)));
}

function floatBits(number: number, laneBytes: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (laneBytes === 4) view.setFloat32(0, number, true);
  else view.setFloat64(0, number, true);
  return view.getBigUint64(0, true);
}
