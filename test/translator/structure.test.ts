/**
 * Structured control flow against the graph it came from: each block notes its number, conditions come from a stream of random words, and the notes of the
 * WebAssembly must be those of a walk over the graph.
 */
import { describe, expect, it } from "vitest";
import { analyse } from "../../emulator/cpu/translator/flow-graph.ts";
import { structure, type FlowBlock, type Terminator } from "../../emulator/cpu/translator/structure.ts";
import {
  FunctionBuilder,
  encodeModule,
  get,
  i32,
  load,
  op,
  ret,
  set,
  store,
  when,
  type Node,
} from "../../emulator/wasm/index.ts";
import { Random } from "../oracle/random.ts";

const NOTES = 0x1000;
const STREAM = 0x8000;
const STEPS = 300;

/** A graph in short: where each block goes. Two targets branch (to the first if the word is odd), more switch. */
type Graph = readonly (readonly number[])[];

/** What a walk over the graph notes, until it leaves or has made all its steps. */
function walk(graph: Graph, entry: number, words: readonly number[]): number[] {
  const notes: number[] = [];
  for (let at = entry; ;) {
    notes.push(at);
    const word = words[notes.length]!;
    const targets = graph[at]!;
    if (targets.length === 0 || notes.length === STEPS) return notes;
    if (targets.length === 1) at = targets[0]!;
    else if (targets.length === 2) at = targets[(word & 1) === 1 ? 0 : 1]!;
    else at = targets[Math.min(word % 8, targets.length - 1)]!;
  }
}

interface Built {
  readonly nodes: readonly Node[];
  readonly locals: number;
  run(words: readonly number[]): number[];
}

function build(graph: Graph, entry: number): Built {
  const f = new FunctionBuilder("region", { params: [], result: "i32" });
  const steps = f.local("i32");
  const word = load("i32.load", op("i32.shl", get(steps), i32(2)), STREAM);
  const blocks = graph.map((targets, number): FlowBlock => {
    const body = [
      store("i32.store", op("i32.shl", get(steps), i32(2)), NOTES, i32(number)),
      set(steps, op("i32.add", get(steps), i32(1))),
      when(op("i32.eq", get(steps), i32(STEPS)), [ret(get(steps))]),
    ];
    const [yes, no] = targets;
    if (yes === undefined) return { body: [...body, ret(get(steps))], terminator: { kind: "leave" } };
    const odd = op("i32.and", word, i32(1));
    const terminator: Terminator =
      no === undefined
        ? { kind: "jump", to: yes }
        : targets.length === 2
          ? number % 2 === 0
            ? { kind: "branch", condition: odd, yes, no }
            : { kind: "branch", condition: op("i32.eqz", odd), yes: no, no: yes }
          : {
              kind: "switch",
              index: op("i32.and", word, i32(7)),
              cases: targets.slice(0, -1),
              otherwise: targets.at(-1)!,
            };
    return { body, terminator };
  });
  const nodes = structure(blocks, entry, f);
  f.emit(...nodes);
  const body = f.finish(true);
  const bytes = encodeModule({ imports: [], functions: [body], table: [] });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  return {
    nodes,
    locals: body.locals.length,
    run(words) {
      const view = new Uint32Array(memory.buffer);
      view.set(words, STREAM / 4);
      const count = (exports["region"] as () => number)();
      return [...view.subarray(NOTES / 4, NOTES / 4 + count)];
    },
  };
}

const words = (random: Random) => Array.from({ length: STEPS + 1 }, () => random.bits32());

function agree(graph: Graph, entry: number, random: Random, what: string): Built {
  const built = build(graph, entry);
  for (let run = 0; run < 4; run++) {
    const stream = words(random);
    expect(built.run(stream), what).toEqual(walk(graph, entry, stream));
  }
  return built;
}

/** How many nodes of a kind there are, nested ones included. */
function countKind(nodes: readonly Node[], kind: Node["kind"]): number {
  const inside = (node: Node): number => {
    if (node.kind === "block" || node.kind === "loop") return countKind(node.body, kind);
    return node.kind === "if" ? countKind(node.yes, kind) + countKind(node.no, kind) : 0;
  };
  return nodes.reduce((sum, node) => sum + (node.kind === kind ? 1 : 0) + inside(node), 0);
}

function randomGraph(random: Random): Graph {
  const count = 1 + random.below(random.oneIn(4) ? 40 : 9);
  const isLocal = random.oneIn(2);
  return Array.from({ length: count }, (_, at) => {
    const target = () =>
      isLocal && !random.oneIn(6)
        ? Math.max(0, Math.min(count - 1, at - 2 + random.below(6)))
        : random.below(count);
    const shape = random.below(12);
    const edges = shape < 1 ? 0 : shape < 4 ? 1 : shape < 10 ? 2 : 3 + random.below(5);
    return Array.from({ length: edges }, target);
  });
}

describe("structured control flow", () => {
  const shapes: Record<string, Graph> = {
    "one block": [[]],
    "a block that repeats itself": [[0, 1], []],
    "an endless loop": [[0]],
    "if and else": [[1, 2], [3], [3], []],
    "if without else": [[1, 2], [2], []],
    "a loop with its test first": [[1, 2], [0], []],
    "nested loops": [[1], [2], [2, 3], [1, 4], []],
    "nested loops left at once": [[1], [2, 4], [2, 3], [1, 4], []],
    "a loop continued from two places": [[1, 2], [0], [0, 3], []],
    "a switch with shared cases": [[1, 2, 1, 3, 0], [3], [3], []],
    "a cycle with two entries": [[1, 2], [2, 3], [1, 3], []],
    "a cycle entered at the start and in the middle": [[1, 2], [0, 2], [1, 3], []],
    "cycles with two entries in one another": [[1, 2], [3], [4], [4, 2], [3, 5], [1, 6], []],
    "three entries": [[1, 2, 3], [2], [3], [1, 4], []],
  };
  for (const [name, graph] of Object.entries(shapes))
    it(name, () => {
      agree(graph, 0, new Random(7), name);
    });

  it("any graph", () => {
    const seed = Number(process.env["STRUCTURE_SEED"] ?? 1);
    const random = new Random(seed);
    let irreducible = 0;
    for (let round = 0; round < 600; round++) {
      const graph = randomGraph(random);
      const entry = random.below(graph.length);
      agree(graph, entry, random, `seed ${seed}, round ${round}: ${JSON.stringify(graph)} from ${entry}`);
      if (
        !analyse(
          graph.map((targets) => ({ targets: [...targets] })),
          entry,
        ).isReducible
      )
        irreducible++;
    }
    expect(irreducible).toBeGreaterThan(50);
  });

  it("is tight: a loop with an exit has no branch but its own", () => {
    const { nodes } = agree([[0, 1], []], 0, new Random(3), "loop");
    expect(nodes.map((node) => node.kind).slice(0, 1)).toEqual(["loop"]);
    expect(countKind(nodes, "br")).toBe(1);
    expect(countKind(nodes, "block")).toBe(0);
  });

  it("a dispatcher only where it must be, and one local for all", () => {
    expect(agree(shapes["nested loops"]!, 0, new Random(3), "reducible").locals).toBe(1);
    const nested = agree(shapes["cycles with two entries in one another"]!, 0, new Random(3), "irreducible");
    expect(nested.locals).toBe(2);
  });

  it("leaves out what cannot be reached, and branches whose condition is known", () => {
    const f = new FunctionBuilder("f", { params: [], result: "i32" });
    const leave = (value: number): FlowBlock => ({ body: [ret(i32(value))], terminator: { kind: "leave" } });
    const known: FlowBlock = {
      body: [],
      terminator: { kind: "branch", condition: i32(0), yes: 1, no: 2 },
    };
    expect(structure([known, leave(1), leave(2)], 0, f)).toEqual([ret(i32(2))]);
  });
});
