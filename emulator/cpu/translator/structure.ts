/**
 * Structured code for a flow graph: blocks that jump where they like become WebAssembly's nested blocks and loops.
 *
 * The method is Ramsey's ("Beyond Relooper: recursive translation of unstructured control flow to structured control flow"): what a vertex dominates is
 * emitted inside or behind it, a place where control comes together gets a block that ends there, a loop's header a loop. Here, code behind a loop
 * also stands behind it in the text, so that an exit from a loop is a `br_if`.
 *
 * Elsewhere: dominators, loops, and cycles with several entries (`flow-graph.ts`).
 */
import { assert } from "../../assert.ts";
import {
  block,
  br,
  brIf,
  get,
  i32,
  isTerminal,
  isTrivial,
  label,
  loop,
  op,
  set,
  unreachable,
  when,
  type FunctionBuilder,
  type Label,
  type Node,
} from "../../wasm/index.ts";
import { analyse, isInLoop, reduce, type FlowGraph, type Vertex } from "./flow-graph.ts";

/** How a block ends. Targets are indices of blocks. */
export type Terminator =
  | { readonly kind: "jump"; readonly to: number }
  | { readonly kind: "branch"; readonly condition: Node; readonly yes: number; readonly no: number }
  | {
      readonly kind: "switch";
      readonly index: Node;
      readonly cases: readonly number[];
      readonly otherwise: number;
    }
  /** The body ends by itself: it returns, or branches to a label around the structured code. */
  | { readonly kind: "leave" };

export interface FlowBlock {
  readonly body: readonly Node[];
  readonly terminator: Terminator;
}

/** Structured code for a flow graph; it never falls off its end. Blocks that cannot be reached are left out. `f` gives a local if there must be a dispatcher. */
export function structure(blocks: readonly FlowBlock[], entry: number, f: FunctionBuilder): readonly Node[] {
  const vertices = blocks.map(exitOf);
  let graph = analyse(vertices, entry);
  if (!graph.isReducible) {
    // A choice is used up at once, so all dispatchers share one local.
    const chosen = f.local("i32");
    const add = (exit: Exit): number => vertices.push(exit) - 1;
    const start = reduce(vertices, entry, {
      dispatcher: (targets) => add(switchOn(get(chosen), [...targets], [])),
      choice: (number, dispatcher) =>
        add({ body: [set(chosen, i32(number))], node: null, targets: [dispatcher] }),
    });
    graph = analyse(vertices, start);
    assert(graph.isReducible, "flow graph still irreducible");
  }
  const out: Node[] = [];
  new Emitter(vertices, graph).tree(0, -1, out);
  if (!isEnd(out)) out.push(unreachable);
  return out;
}

/** A block with its terminator by the number of targets: none leaves, one jumps, two branch (to the first if `node` holds), more switch (the last is the default). */
interface Exit extends Vertex {
  readonly body: readonly Node[];
  readonly node: Node | null;
}

function exitOf({ body, terminator }: FlowBlock): Exit {
  switch (terminator.kind) {
    case "leave":
      return { body, node: null, targets: [] };
    case "jump":
      return { body, node: null, targets: [terminator.to] };
    case "branch": {
      const { condition, yes, no } = terminator;
      if (condition.kind === "const") return { body, node: null, targets: [isZero(condition) ? no : yes] };
      if (yes === no) return { body: [...body, ...dropped(condition)], node: null, targets: [yes] };
      // eqz(x) is x with the sides exchanged.
      if (condition.kind === "op" && condition.op === "i32.eqz")
        return { body, node: condition.args[0]!, targets: [no, yes] };
      return { body, node: condition, targets: [yes, no] };
    }
    case "switch":
      return switchOn(terminator.index, [...terminator.cases, terminator.otherwise], body);
  }
}

function switchOn(index: Node, targets: number[], body: readonly Node[]): Exit {
  while (targets.length > 1 && targets.at(-2) === targets.at(-1)) targets.pop();
  if (targets.length === 1) return { body: [...body, ...dropped(index)], node: null, targets };
  // Anything but 0 is the default.
  if (targets.length === 2) return { body, node: index, targets: targets.reverse() };
  return { body, node: index, targets };
}

const isZero = (node: Node): boolean => node.kind === "const" && (node.value === 0 || node.value === 0n);
const dropped = (node: Node): readonly Node[] =>
  isTrivial(node) ? [] : [{ kind: "drop", type: "void", value: node }];
const negated = (condition: Node): Node => op("i32.eqz", condition);

/** Whether nothing can follow, as validation sees it. */
function isEnd(nodes: readonly Node[]): boolean {
  const last = nodes.at(-1);
  return last !== undefined && isTerminal(last);
}

class Emitter {
  readonly #vertices: readonly Exit[];
  readonly #graph: FlowGraph;
  /** By position: what is behind it and has a label, in order; of a loop's header, inside the loop (`#within`) and behind it (`#behind`). */
  readonly #within: number[][];
  readonly #behind: number[][];
  /** By position: the end of a block before it. Those without are emitted where the only edge to them leaves. */
  readonly #labels: (Label | null)[];
  readonly #isUsed: boolean[];
  /** By position of a header: the label of its loop. */
  readonly #loops: (Label | null)[];

  constructor(vertices: readonly Exit[], graph: FlowGraph) {
    const { order, predecessors, successors, loop: loops } = graph;
    this.#vertices = vertices;
    this.#graph = graph;
    this.#within = order.map(() => []);
    this.#behind = order.map(() => []);
    this.#isUsed = order.map(() => false);
    this.#loops = order.map((vertex, at) => (loops[at] === at ? label(`loop${vertex}`) : null));
    this.#labels = order.map((vertex, at) => {
      if (at === 0) return null;
      let parent = graph.dominator[at]!;
      let left = false;
      for (
        let header = loops[parent]!;
        header >= 0 && !isInLoop(graph, at, header);
        header = graph.outer[header]!
      ) {
        parent = header;
        left = true;
      }
      const forward = predecessors[at]!.filter((from) => from < at);
      const isShared = forward.length > 1 || successors[forward[0]!]!.length > 2;
      if (left) this.#behind[parent]!.push(at);
      else if (isShared) this.#within[parent]!.push(at);
      return left || isShared ? label(`block${vertex}`) : null;
    });
  }

  /** Emits a vertex and all that it dominates. What is emitted after that, and so reached by falling off its end, is `next`. */
  tree(at: number, next: number, out: Node[]): void {
    this.#before(this.#behind[at]!, this.#behind[at]!.length, next, out, (behind, outside) => {
      const header = this.#loops[at]!;
      const body = header === null ? outside : [];
      this.#before(this.#within[at]!, this.#within[at]!.length, behind, body, (following, inside) => {
        this.#vertex(at, following, inside);
      });
      if (header !== null) outside.push(loop(header, body));
    });
  }

  /** Emits `inner`, then the first `count` of `ends`, each of which can be jumped to from whatever is before it. */
  #before(
    ends: readonly number[],
    count: number,
    next: number,
    out: Node[],
    inner: (next: number, out: Node[]) => void,
  ): void {
    if (count === 0) return inner(next, out);
    const end = ends[count - 1]!;
    const body: Node[] = [];
    this.#before(ends, count - 1, end, body, inner);
    if (this.#isUsed[end]!) out.push(block(this.#labels[end]!, body));
    else out.push(...body);
    this.tree(end, next, out);
  }

  #vertex(at: number, next: number, out: Node[]): void {
    const { body, node } = this.#vertices[this.#graph.order[at]!]!;
    out.push(...body);
    const targets = this.#graph.successors[at]!;
    const [yes, no] = targets;
    if (yes === undefined) return;
    if (no === undefined) return this.#go(at, yes, next, out);
    assert(node !== null, "several targets, and nothing to choose by");
    if (targets.length === 2) return this.#branch(at, node, yes, no, next, out);
    const labels = targets.map((to) => this.#label(at, to)!);
    out.push({
      kind: "br_table",
      type: "void",
      index: node,
      labels: labels.slice(0, -1),
      default: labels.at(-1)!,
    });
  }

  #branch(at: number, condition: Node, yes: number, no: number, next: number, out: Node[]): void {
    if (yes === no) {
      out.push(...dropped(condition));
      return this.#go(at, yes, next, out);
    }
    const yesLabel = yes === next ? null : this.#label(at, yes);
    if (yesLabel !== null) {
      out.push(brIf(yesLabel, condition));
      return this.#go(at, no, next, out);
    }
    const noLabel = no === next ? null : this.#label(at, no);
    if (noLabel !== null) {
      out.push(brIf(noLabel, negated(condition)));
      return this.#go(at, yes, next, out);
    }
    const yesBody: Node[] = [];
    const noBody: Node[] = [];
    if (yes !== next) this.tree(yes, next, yesBody);
    if (no !== next) this.tree(no, next, noBody);
    if (yesBody.length === 0) out.push(when(negated(condition), noBody));
    else if (noBody.length === 0) out.push(when(condition, yesBody));
    else if (isEnd(yesBody)) out.push(when(condition, yesBody), ...noBody);
    else if (isEnd(noBody)) out.push(when(negated(condition), noBody), ...yesBody);
    else out.push(when(condition, yesBody, noBody));
  }

  /** Goes from one vertex to another that follows it. */
  #go(at: number, to: number, next: number, out: Node[]): void {
    if (to === next) return;
    const target = this.#label(at, to);
    if (target === null) this.tree(to, next, out);
    else out.push(br(target));
  }

  /** What to branch to for an edge, or null if its target is emitted in place. */
  #label(at: number, to: number): Label | null {
    if (to <= at) return this.#loops[to]!;
    const target = this.#labels[to]!;
    if (target !== null) this.#isUsed[to] = true;
    return target;
  }
}
