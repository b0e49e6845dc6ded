/**
 * What `structure.ts` must know of a flow graph: an order, dominators, loops. And how a graph that structured code cannot express becomes one that it can.
 *
 * Invariant: every number in a `FlowGraph` is a position in reverse postorder, so an edge to a position that is not greater goes back. Vertices that
 * cannot be reached have none.
 */

/** A vertex by what leaves it: the vertices that can follow, in the order of its terminator. */
export interface Vertex {
  readonly targets: number[];
}

export interface FlowGraph {
  /** Vertices in reverse postorder; the first is the entry. */
  readonly order: readonly number[];
  /** By position: where the edges from it go. One that is taken for several reasons is there several times. */
  readonly successors: readonly (readonly number[])[];
  readonly predecessors: readonly (readonly number[])[];
  /** By position: the immediate dominator; the entry's is itself. */
  readonly dominator: readonly number[];
  /** By position: header of the innermost loop that it is in, or −1. A header is in its own loop. */
  readonly loop: readonly number[];
  /** By position of a header: header of the loop around its loop, or −1. */
  readonly outer: readonly number[];
  /** Whether each edge back goes to a dominator. If not, `loop` and `outer` mean nothing. */
  readonly isReducible: boolean;
}

export function analyse(vertices: readonly Vertex[], entry: number): FlowGraph {
  const order = reversePostorder(vertices, entry);
  const position: number[] = Array.from({ length: vertices.length }, () => -1);
  order.forEach((vertex, at) => (position[vertex] = at));
  const successors: number[][] = [];
  const predecessors: number[][] = order.map(() => []);
  for (const vertex of order) {
    const from = successors.length;
    const targets = vertices[vertex]!.targets.map((to) => position[to]!);
    for (const to of targets) predecessors[to]!.push(from);
    successors.push(targets);
  }
  const dominator = dominators(predecessors);
  const loop: number[] = order.map(() => -1);
  const outer: number[] = order.map(() => -1);
  let isReducible = true;
  // Inner loops have headers further on, so they are found first.
  for (let header = order.length - 1; header >= 0; header--) {
    for (const from of predecessors[header]!) {
      if (from < header) continue;
      if (dominates(dominator, header, from)) addLoop(header, from, predecessors, loop, outer);
      else isReducible = false;
    }
  }
  return { order, successors, predecessors, dominator, loop, outer, isReducible };
}

function reversePostorder(vertices: readonly Vertex[], entry: number): number[] {
  const order: number[] = [];
  const isSeen: boolean[] = [];
  const visit = (vertex: number): void => {
    isSeen[vertex] = true;
    for (const to of vertices[vertex]!.targets) if (isSeen[to] !== true) visit(to);
    order.push(vertex);
  };
  visit(entry);
  return order.reverse();
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
function dominators(predecessors: readonly (readonly number[])[]): number[] {
  const dominator: number[] = predecessors.map(() => -1);
  dominator[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let vertex = 1; vertex < predecessors.length; vertex++) {
      let common = -1;
      for (const from of predecessors[vertex]!) {
        if (dominator[from]! < 0) continue;
        let other = from;
        if (common < 0) common = from;
        while (common !== other) {
          while (common > other) common = dominator[common]!;
          while (other > common) other = dominator[other]!;
        }
      }
      if (dominator[vertex] === common) continue;
      dominator[vertex] = common;
      changed = true;
    }
  }
  return dominator;
}

function dominates(dominator: readonly number[], a: number, b: number): boolean {
  while (b > a) b = dominator[b]!;
  return a === b;
}

/** Whether a position is in the loop of `header`. */
export function isInLoop(graph: FlowGraph, at: number, header: number): boolean {
  let inner = graph.loop[at]!;
  while (inner > header) inner = graph.outer[inner]!;
  return inner === header;
}

/** Puts everything from which the edge back from `from` can be reached without passing `header` into its loop. */
function addLoop(
  header: number,
  from: number,
  predecessors: readonly (readonly number[])[],
  loop: number[],
  outer: number[],
): void {
  loop[header] = header;
  const work = [from];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    // A vertex of an inner loop stands for that whole loop, which is entered at its header.
    let inner = loop[at]!;
    while (inner >= 0 && inner !== header && outer[inner]! >= 0) inner = outer[inner]!;
    if (inner === header) continue;
    if (inner >= 0) outer[inner] = header;
    else loop[at] = header;
    for (const before of predecessors[inner >= 0 ? inner : at]!) if (before !== at) work.push(before);
  }
}

/** Makes the vertices that `reduce` adds, and gives back their numbers. */
export interface VertexMaker {
  /** Where control comes together: goes on to `targets` by the number chosen last. */
  dispatcher(targets: readonly number[]): number;
  /** Chooses a number and goes on to a dispatcher. */
  choice(number: number, dispatcher: number): number;
}

/**
 * Changes edges, and adds vertices, until the graph is reducible; returns the new entry. A cycle with several entries gets a dispatcher as its only one:
 * each edge to one of the old entries first chooses its number. Then the same is done to what is left of the cycle without that header.
 */
export function reduce(vertices: readonly Vertex[], start: number, maker: VertexMaker): number {
  const alive = reversePostorder(vertices, start);
  let entry = start;

  const separate = (members: readonly number[]): void => {
    for (const component of components(vertices, members)) {
      const inside = new Set(component);
      const entered = new Set<number>();
      if (inside.has(entry)) entered.add(entry);
      for (const from of alive) {
        if (inside.has(from)) continue;
        for (const to of vertices[from]!.targets) if (inside.has(to)) entered.add(to);
      }
      const entries = [...entered];
      const header = entries.length === 1 ? entries[0]! : dispatch(component, inside, entries);
      separate(component.filter((vertex) => vertex !== header));
    }
  };

  const dispatch = (component: number[], inside: ReadonlySet<number>, entries: readonly number[]): number => {
    const before = [...alive];
    const header = maker.dispatcher(entries);
    // The choices of edges from outside the cycle stay outside: through one they share, the cycle would have two entries again.
    const choices = [true, false].map((isInside) =>
      entries.map((_, number) => {
        const choice = maker.choice(number, header);
        if (isInside) component.push(choice);
        alive.push(choice);
        return choice;
      }),
    );
    for (const from of before) {
      const { targets } = vertices[from]!;
      targets.forEach((to, at) => {
        const number = entries.indexOf(to);
        if (number >= 0) targets[at] = choices[inside.has(from) ? 0 : 1]![number]!;
      });
    }
    const number = entries.indexOf(entry);
    if (number >= 0) entry = choices[1]![number]!;
    component.push(header);
    alive.push(header);
    return header;
  };

  separate(alive);
  return entry;
}

/** Strongly connected components of more than one vertex, by edges between `members` only (Tarjan). */
function components(vertices: readonly Vertex[], members: readonly number[]): number[][] {
  const found: number[][] = [];
  const index = new Map<number, number>();
  const path: number[] = [];
  const open = new Set<number>();
  const isMember = new Set(members);
  const visit = (vertex: number): number => {
    const own = index.size;
    let lowest = own;
    index.set(vertex, own);
    path.push(vertex);
    open.add(vertex);
    for (const to of vertices[vertex]!.targets) {
      if (!isMember.has(to)) continue;
      const seen = index.get(to);
      if (seen === undefined) lowest = Math.min(lowest, visit(to));
      else if (open.has(to)) lowest = Math.min(lowest, seen);
    }
    if (lowest === own) {
      const component = path.splice(path.lastIndexOf(vertex));
      for (const member of component) open.delete(member);
      if (component.length > 1) found.push(component);
    }
    return lowest;
  };
  for (const vertex of members) if (!index.has(vertex)) visit(vertex);
  return found;
}
