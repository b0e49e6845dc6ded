/**
 * Simplified nodes against the plain ones: random trees are made twice from one description, with and without simplification, compiled, and evaluated on
 * random values. What a rule is for is checked by hand-written pairs.
 */
import { describe, expect, it } from "vitest";
import { isPure, significantBits } from "../../emulator/wasm/bits.ts";
import {
  FunctionBuilder,
  LOADS,
  OPERATORS,
  STORES,
  block,
  br,
  brIf,
  call,
  callIndirect,
  encodeModule,
  get,
  i32,
  i64,
  label,
  load,
  memoryFill,
  op,
  ret,
  returnCall,
  returnCallIndirect,
  set,
  store,
  tee,
  when,
  type LoadName,
  type Local,
  type ModuleDescription,
  type Node,
  type OpName,
  type ScalarType,
  type StoreName,
} from "../../emulator/wasm/index.ts";
import { Random } from "../oracle/random.ts";

const x: Local = { type: "i32", index: 0 };
const y: Local = { type: "i64", index: 1 };
const z: Local = { type: "i64", index: 2 };
const t: Local = { type: "i32", index: 3 };
const BYTES = 0x200;

/** Makers of nodes: the simplifying ones, and ones that do what they are told. */
interface Maker {
  op(name: OpName, ...args: readonly Node[]): Node;
  load(name: LoadName, address: Node, offset: number): Node;
  store(name: StoreName, address: Node, offset: number, value: Node): Node;
  when(condition: Node, yes: readonly Node[], no: readonly Node[], type: ScalarType): Node;
}
const simple: Maker = { op, load, store, when };
const plain: Maker = {
  op: (name, ...args) => ({ kind: "op", type: OPERATORS[name].type, op: name, args }),
  load: (name, address, offset) => ({
    kind: "load",
    type: name.startsWith("i32") ? "i32" : "i64",
    op: name,
    address,
    offset,
  }),
  store: (name, address, offset, value) => ({
    kind: "store",
    type: "void",
    op: name,
    address,
    offset,
    value,
  }),
  when: (condition, yes, no, type) => ({ kind: "if", type, condition, yes, no }),
};

interface Pair {
  readonly name: string;
  readonly node: Node;
  readonly statements: readonly Node[];
}

/** Compiles each tree as a function of (i32, i64, i64), run on the same memory; gives back value, local and a sum of what was stored. */
function compile(pairs: readonly Pair[]) {
  const functions = pairs.map(({ name, node, statements }) => {
    const f = new FunctionBuilder(name, { params: ["i32", "i64", "i64"], result: "i64" });
    f.local("i32");
    f.emit(...statements);
    const value = node.type === "i32" ? plain.op("i64.extend_i32_u", node) : node;
    const result = f.local("i64");
    f.emit(set(result, value), store("i32.store", i32(0), BYTES, get(t)), ret(get(result)));
    return f.finish(true);
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = encodeModule({ imports: [], functions, table: [] });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  const view = new Uint8Array(memory.buffer);
  return (name: string, image: Uint8Array, a: number, b: bigint, c: bigint): string => {
    view.set(image);
    const value = (exports[name] as (a: number, b: bigint, c: bigint) => bigint)(a, b, c);
    return `${BigInt.asUintN(64, value).toString(16)} ${Buffer.from(view.subarray(0, BYTES + 4)).toString("base64")}`;
  };
}

const names = Object.keys(OPERATORS) as OpName[];
const binaries = (type: ScalarType) =>
  names.filter((name) => new RegExp(`^${type}\\.(add|sub|mul|and|or|xor|shl|shr_.|rot.)$`).test(name));
const comparisons = (type: ScalarType) =>
  names.filter((name) => new RegExp(`^${type}\\.(eq|ne|[lg][te]_.)$`).test(name));
const ARITHMETIC = { i32: binaries("i32"), i64: binaries("i64") };
const COMPARE = { i32: comparisons("i32"), i64: comparisons("i64") };
const UNARY = {
  i32: ["i32.extend8_s", "i32.extend16_s", "i32.clz", "i32.ctz", "i32.popcnt"],
  i64: ["i64.extend8_s", "i64.extend16_s", "i64.extend32_s", "i64.clz", "i64.popcnt"],
} as const;
const LOADS_OF = {
  i32: (Object.keys(LOADS) as LoadName[]).filter((name) => name.startsWith("i32")),
  i64: (Object.keys(LOADS) as LoadName[]).filter((name) => name.startsWith("i64")),
};

const BITS = [
  0n,
  1n,
  2n,
  31n,
  32n,
  0xffn,
  0xffffn,
  0xffffffffn,
  0x7fffffffn,
  0x80000000n,
  -1n,
  -256n,
  -4096n,
];

/** A tree by the choices of `random`; the same seed and another maker give the same tree made otherwise. */
function tree(random: Random, make: Maker, type: ScalarType, depth: number): Node {
  const inner = (of: ScalarType) => tree(random, make, of, depth - 1);
  const choice = depth === 0 ? random.below(3) : random.below(24);
  if (choice === 0) return type === "i32" ? get(x) : get(random.oneIn(2) ? y : z);
  if (choice <= 2) {
    const value = random.oneIn(2)
      ? random.pick(BITS)
      : BigInt.asIntN(64, random.bits64() >> BigInt(random.below(64)));
    return type === "i32" ? i32(Number(BigInt.asIntN(32, value))) : i64(value);
  }
  if (choice < 10) return make.op(random.pick(ARITHMETIC[type]), inner(type), inner(type));
  if (choice < 12) {
    // Masks and shifts by constants are what rules are about.
    const kind = random.pick(["and", "shl", "shr_u", "shr_s"] as const);
    const value = inner(type);
    const constant = random.pick(BITS);
    return make.op(
      `${type}.${kind}`,
      value,
      type === "i32" ? i32(Number(BigInt.asIntN(32, constant))) : i64(constant),
    );
  }
  if (choice < 14) return make.op(random.pick(UNARY[type]), inner(type));
  if (choice < 19) {
    if (type === "i64")
      return make.op(random.oneIn(2) ? "i64.extend_i32_u" : "i64.extend_i32_s", inner("i32"));
    const of = random.oneIn(2) ? "i64" : "i32";
    if (random.oneIn(2)) return make.op(random.pick(COMPARE[of]), inner(of), inner(of));
    return random.oneIn(2) ? make.op(`${of}.eqz`, inner(of)) : make.op("i32.wrap_i64", inner("i64"));
  }
  if (choice < 21) {
    const address = make.op("i32.and", inner("i32"), i32(0x7f));
    const moved = random.oneIn(2) ? make.op("i32.add", address, i32(random.below(64))) : address;
    return make.load(random.pick(LOADS_OF[type]), moved, random.below(64));
  }
  if (choice < 22 && type === "i32") return tee(t, inner("i32"));
  if (choice < 23) {
    const condition = inner("i32");
    return make.when(condition, [inner(type)], [inner(type)], type);
  }
  const [a, b] = [inner(type), inner(type)];
  return make.op(type === "i32" ? "select" : "select.i64", a, b, inner("i32"));
}

function statements(random: Random, make: Maker): Node[] {
  return Array.from({ length: random.below(3) }, () => {
    const name = random.pick(Object.keys(STORES) as StoreName[]);
    const address = make.op("i32.and", tree(random, make, "i32", 2), i32(0xff));
    return make.store(
      name,
      address,
      random.below(16),
      tree(random, make, name.startsWith("i32") ? "i32" : "i64", 3),
    );
  });
}

const operators = (node: Node): number => {
  if (node.kind === "op") return node.args.reduce((sum, arg) => sum + operators(arg), 1);
  return node.kind === "load" ? 1 + operators(node.address) : 1;
};

describe("simplified nodes", () => {
  it("have the value and the effects of the plain ones", () => {
    const seed = Number(process.env["SIMPLIFY_SEED"] ?? 1);
    let shorter = 0;
    for (let batch = 0; batch < 40; batch++) {
      const pairs: Pair[] = [];
      for (let index = 0; index < 40; index++) {
        for (const [kind, make] of [
          ["plain", plain],
          ["simple", simple],
        ] as const) {
          const random = new Random(seed * 1_000_003 + batch * 1009 + index);
          const type = random.oneIn(2) ? "i32" : "i64";
          pairs.push({
            name: `${kind}${index}`,
            statements: statements(random, make),
            node: tree(random, make, type, 1 + random.below(5)),
          });
        }
      }
      const run = compile(pairs);
      const random = new Random(seed + batch);
      const image = Uint8Array.from({ length: BYTES }, () => random.bits32());
      for (let index = 0; index < 40; index++) {
        for (let round = 0; round < 6; round++) {
          const value = () => (random.oneIn(2) ? random.pick(BITS) : random.bits64());
          const [a, b, c] = [Number(BigInt.asIntN(32, value())), value(), value()];
          const what = `seed ${seed}, batch ${batch}, tree ${index}`;
          expect(run(`simple${index}`, image, a, b, c), what).toBe(run(`plain${index}`, image, a, b, c));
        }
        if (operators(pairs[2 * index + 1]!.node) < operators(pairs[2 * index]!.node)) shorter++;
      }
    }
    expect(shorter).toBeGreaterThan(400);
  });

  const i = get(x);
  const q = get(y);
  const r = get(z);
  const wide = op("i64.extend_i32_u", i);
  const signed = op("i64.extend_i32_s", i);
  const cut = op("i32.wrap_i64", q);
  const less = op("i32.lt_s", i, i32(5));
  const cases: Record<string, readonly [Node, Node]> = {
    "wrap of an extension": [op("i32.wrap_i64", wide), i],
    "wrap of a sign extension": [op("i32.wrap_i64", signed), i],
    "mask of an extension": [op("i64.and", wide, i64(0xffffffffn)), wide],
    "a mask of 32 bits": [op("i64.and", q, i64(0xffffffffn)), op("i64.extend_i32_u", cut)],
    "extension of a wrapped extension": [op("i64.extend_i32_u", op("i32.wrap_i64", wide)), wide],
    "extension of a masked low half": [
      op("i64.extend_i32_u", op("i32.and", cut, i32(0xff))),
      op("i64.and", q, i64(0xffn)),
    ],
    "sign extension of a wrapped value": [op("i64.extend_i32_s", cut), op("i64.extend32_s", q)],
    "sign extension of a zero extension": [op("i64.extend32_s", wide), signed],
    "masks in a row": [op("i32.and", op("i32.and", i, i32(0xff0)), i32(0xff)), op("i32.and", i, i32(0xf0))],
    "a mask of what has no more bits": [
      op("i32.and", op("i32.shr_u", i, i32(24)), i32(0xff)),
      op("i32.shr_u", i, i32(24)),
    ],
    "a mask of a byte": [op("i32.and", load("i32.load8_u", i), i32(0xff)), load("i32.load8_u", i)],
    "additions in a row": [op("i64.add", op("i64.sub", q, i64(8n)), i64(8n)), q],
    "shifts in a row": [op("i32.shl", op("i32.shl", i, i32(3)), i32(4)), op("i32.shl", i, i32(7))],
    "a shift that leaves nothing": [op("i32.shr_u", load("i32.load8_u", i), i32(8)), i32(0)],
    "a constant first": [op("i64.add", i64(5n), q), op("i64.add", q, i64(5n))],
    "not of a comparison": [op("i32.eqz", less), op("i32.ge_s", i, i32(5))],
    "not not": [op("i32.eqz", op("i32.eqz", op("i64.eqz", q))), op("i64.eqz", q)],
    "equal to 0": [op("i64.eq", q, i64(0n)), op("i64.eqz", q)],
    "not equal to 0, of a comparison": [op("i32.ne", less, i32(0)), less],
    "comparison of extensions": [op("i64.lt_s", wide, i64(77n)), op("i32.lt_u", i, i32(77))],
    "comparison of sign extensions": [op("i64.lt_s", signed, i64(-7n)), op("i32.lt_s", i, i32(-7))],
    "narrow arithmetic": [op("i32.wrap_i64", op("i64.add", wide, i64(-1n))), op("i32.add", i, i32(-1))],
    "narrow load": [op("i32.wrap_i64", load("i64.load", i, 8)), load("i32.load", i, 8)],
    "wide load": [op("i64.extend_i32_s", load("i32.load8_s", i)), load("i64.load8_s", i)],
    "signed load": [op("i32.extend16_s", load("i32.load16_u", i)), load("i32.load16_s", i)],
    "select by a constant": [op("select.i64", q, r, i32(0)), r],
    "select by a negation": [op("select.i64", q, r, op("i32.eqz", i)), op("select.i64", r, q, i)],
    "an address with a constant": [
      load("i32.load", op("i32.add", op("i32.and", i, i32(0xfff)), i32(16)), 4),
      load("i32.load", op("i32.and", i, i32(0xfff)), 20),
    ],
    "an address that may wrap": [
      load("i32.load", op("i32.add", i, i32(16)), 4),
      plain.load("i32.load", op("i32.add", i, i32(16)), 4),
    ],
    "an absolute address": [load("i32.load", i32(0x1000), 4), load("i32.load", i32(0), 0x1004)],
    "a store of a mask": [
      store("i32.store8", i, 0, op("i32.and", i, i32(0xff))),
      store("i32.store8", i, 0, i),
    ],
    "a store of a low half": [store("i32.store", i, 0, cut), store("i64.store32", i, 0, q)],
    "a store of an extension": [store("i64.store32", i, 0, wide), store("i32.store", i, 0, i)],
    "if not": [when(op("i32.eqz", i), [ret()], [br(label("a"))]), when(i, [br(label("a"))], [ret()])],
  };
  for (const [name, [made, wanted]] of Object.entries(cases))
    it(name, () => {
      expect(made).toEqual(wanted);
    });

  it("keep what has an effect", () => {
    const effect = call("f", "i32");
    expect(isPure(op("i32.add", effect, i32(1)))).toBe(false);
    expect(op("i32.and", effect, i32(0))).toMatchObject({ kind: "op" });
    expect(op("select", effect, i32(1), i32(0))).toMatchObject({ kind: "op" });
    expect(op("i32.mul", op("i32.div_u", i, i), i32(0))).toMatchObject({ kind: "op" });
    expect(significantBits(op("i32.or", load("i32.load16_u", i), i32(7)))).toBe(16);
  });
});

describe("modules", () => {
  const memory = () => new WebAssembly.Memory({ initial: 1 });
  const instantiate = (description: ModuleDescription, host: Record<string, unknown>) =>
    new WebAssembly.Instance(new WebAssembly.Module(encodeModule(description)), { host }).exports;
  const unary = { params: ["i32"], result: "i32" } as const;

  it("a table that grows, filled by others, and calls in tail position", () => {
    const inc = new FunctionBuilder("inc", unary);
    inc.emit(op("i32.add", get(inc.param(0)), i32(1)));
    const through = new FunctionBuilder("through", { params: ["i32", "i32"], result: "i32" });
    through.emit(returnCallIndirect("i32>i32", get(through.param(1)), get(through.param(0))));
    const core = instantiate(
      {
        imports: [],
        functions: [inc.finish(), through.finish(true)],
        table: ["inc"],
        tableRoom: 3,
        named: true,
      },
      { memory: memory() },
    );
    const table = core["table"] as WebAssembly.Table;
    expect(table.length).toBe(4);

    // Counts down by calling itself through the core: far deeper than a stack of frames would go.
    const down = new FunctionBuilder("down", unary);
    const n = get(down.param(0));
    down.emit(when(n, [returnCall("through", op("i32.sub", n, i32(1)), i32(7))]), i32(42));
    const region = instantiate(
      {
        imports: [{ name: "through", signature: { params: ["i32", "i32"], result: "i32" } }],
        functions: [down.finish(true)],
        table: [],
      },
      { memory: memory(), through: core["through"] },
    );
    table.grow(4);
    table.set(7, region["down"]);
    expect((core["through"] as (a: number, slot: number) => number)(1, 0)).toBe(2);
    expect((core["through"] as (a: number, slot: number) => number)(300_000, 7)).toBe(42);
  });

  it("what cannot be reached is left out, and a local that was just set is not read back", () => {
    const f = new FunctionBuilder("f", unary);
    const local = f.local("i32");
    const out = label("out");
    f.emit(
      block(out, [
        when(i32(0), [memoryFill(i32(0), i32(1), i32(64))]),
        brIf(out, i32(1)),
        memoryFill(i32(0), i32(1), i32(64)),
      ]),
      set(local, op("i32.mul", get(f.param(0)), i32(3))),
      ret(op("i32.add", get(local), get(local))),
      call("nowhere", "void"),
    );
    const shared = memory();
    const body = f.finish(true);
    const bytes = encodeModule({ imports: [], functions: [body], table: [] });
    // Body: locals, block, br, end, get 0, const 3, mul, tee 1, get 1, add, return, end.
    expect(Buffer.from(bytes.slice(-20)).toString("hex")).toBe("01017f02400c000b200041036c220120016a0f0b");
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory: shared } });
    expect((exports["f"] as (a: number) => number)(7)).toBe(42);
    expect(new Uint8Array(shared.buffer)[0]).toBe(0);
  });

  it("indirect calls by signatures that only others have", () => {
    const f = new FunctionBuilder("f", { params: [], result: "void" });
    f.emit(callIndirect("i64>void", "void", i32(0), i64(1n)));
    const description = { imports: [], functions: [f.finish(true)], table: ["f"] };
    expect(() => encodeModule(description)).toThrow("unknown signature");
    const signatures = [{ params: ["i64"], result: "void" }] as const;
    expect(() => new WebAssembly.Module(encodeModule({ ...description, signatures }))).not.toThrow();
  });
});
