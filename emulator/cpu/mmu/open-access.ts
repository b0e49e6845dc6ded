/**
 * Accesses to open registers in emitted code, after a refill that found no frame.
 *
 * Elsewhere: whose they are, and when they are open (`open-registers.ts`), who asks (`refill.ts`).
 */
import { FunctionBuilder, get, i32, load, op, ret, store, when } from "../../wasm/index.ts";
import type { FunctionBody, Node } from "../../wasm/index.ts";
import { memory, recordIndex } from "../interpreter/handler.ts";
import { OPEN_REGISTERS, REACH, RUN, SCRATCH, TRACE } from "../layout.ts";

export const openFunctions = (): FunctionBody[] => [
  openFunction("openRead", "read"),
  openFunction("openWrite", "write"),
];

/** (linear address, bytes, record) of an access that the MMU allows, to a page without a frame (RUN.frameless): its host address, or 0 if that is not known here. */
function openFunction(name: string, access: "read" | "write"): FunctionBody {
  const f = new FunctionBuilder(name, { params: ["i64", "i32", "i32"], result: "i32" });
  const [linear, bytes, record] = f.params.map(get) as [Node, Node, Node];
  const elsewhere = op("i32.ne", memory(RUN.frameless, "i32.load"), memory(OPEN_REGISTERS.page, "i32.load"));
  f.emit(when(op("i32.or", elsewhere, memory(RUN.watchedDevices, "i32.load")), [ret(i32(0))]));
  const offset = f.let(op("i32.and", op("i32.wrap_i64", linear), i32(0xfff)));
  const beyond = op("i32.ge_u", offset, i32(OPEN_REGISTERS.count * OPEN_REGISTERS.registerBytes));
  const size = op(
    "i32.and",
    op("i32.ne", bytes, i32(4)),
    op("i32.ne", bytes, i32(OPEN_REGISTERS.registerBytes)),
  );
  const misaligned = op("i32.and", offset, op("i32.sub", bytes, i32(1)));
  f.emit(when(op("i32.or", op("i32.or", beyond, size), misaligned), [ret(i32(0))]));
  const reach = f.let(load("i32.load8_u", op("i32.shr_u", offset, i32(3)), OPEN_REGISTERS.reach));
  const host = op("i32.add", offset, i32(OPEN_REGISTERS.values));
  f.emit(when(op("i32.eq", reach, i32(REACH.memory)), [ret(host)]));
  if (access === "read") {
    const counter = f.collect(() => {
      const half = op("i64.extend_i32_u", op("i32.shl", op("i32.and", offset, i32(4)), i32(3)));
      const origin = load(
        "i64.load",
        op("i32.and", offset, i32(-OPEN_REGISTERS.registerBytes)),
        OPEN_REGISTERS.values,
      );
      const value = op(
        "i64.add",
        origin,
        op("i64.div_u", now(record), memory(OPEN_REGISTERS.period, "i64.load32_u")),
      );
      f.emit(store("i64.store", i32(0), SCRATCH, op("i64.shr_u", value, half)), ret(i32(SCRATCH)));
    });
    f.emit(when(op("i32.eq", reach, i32(REACH.counter)), counter));
  }
  f.emit(i32(0));
  return f.finish();
}

/** Virtual time at which a record's instruction begins: as many instants before RUN.clock as are left then. */
function now(record: Node): Node {
  const count = load("i32.load", memory(RUN.trace, "i32.load"), TRACE.count);
  const left = op("i32.sub", op("i32.add", memory(RUN.budget, "i32.load"), count), recordIndex(record));
  const ahead = op("i64.mul", op("i64.extend_i32_u", left), memory(RUN.pace, "i64.load32_u"));
  return op("i64.sub", memory(RUN.clock, "i64.load"), ahead);
}
