/**
 * Pieces of a demangled name. A type may have text on both sides of what it declares (`int (*` … `)(char)`), hence two parts.
 *
 * Printing is late, because a name may refer to template arguments that are read after it, and bounded, because a short name can
 * stand for an enormous one.
 */

/** The name is not in this mangling, or not in it as far as it is understood here. */
export class Mismatch extends Error {}

export const TEXT_MAX = 20_000;

export interface Parts {
  readonly left: string;
  readonly right: string;
}

export type NodeKind = "plain" | "function" | "array" | "pack";

/**
 * What is being printed now. Nodes hold no text: one that stands for the elements of a pack prints as another one each time.
 */
const printing = { index: -1, packSize: -1, budget: 0, depth: 0 };

// Nodes that one name may print, its substitutions included.
const NODES_MAX = 50_000;
const DEPTH_MAX = 1000;

/** Prints a whole name. */
export function printAll(node: Node): string {
  printing.index = -1;
  printing.budget = NODES_MAX;
  printing.depth = 0;
  return node.print();
}

export class Node {
  readonly kind: NodeKind;
  readonly #print: () => Parts;

  constructor(print: () => Parts, kind: NodeKind = "plain") {
    this.#print = print;
    this.kind = kind;
  }

  get isFunction(): boolean {
    return this.kind === "function";
  }

  parts(): Parts {
    if (--printing.budget < 0 || ++printing.depth > DEPTH_MAX) throw new Mismatch();
    const parts = this.#print();
    printing.depth--;
    if (parts.left.length + parts.right.length > TEXT_MAX) throw new Mismatch();
    return parts;
  }

  print(): string {
    const { left, right } = this.parts();
    return left + right;
  }

  /** A pointer or reference to this. */
  pointing(sign: string | (() => string)): Node {
    return new Node(() => {
      const { left, right } = this.parts();
      const mark = typeof sign === "string" ? sign : sign();
      if (this.kind === "function" || this.kind === "array") {
        return { left: `${left}${this.kind === "array" ? " " : ""}(${mark}`, right: `)${right}` };
      }
      // References to references collapse: `&` wins.
      if (/^&&?$/.test(mark) && left.endsWith("&")) {
        return { left: mark === "&" ? left.replace(/&&$/, "&") : left, right };
      }
      return { left: left + (/^[*&]/.test(mark) ? mark : ` ${mark}`), right };
    });
  }
}

export const plain = (name: string): Node => new Node(() => ({ left: name, right: "" }));
export const text = (print: () => string): Node => new Node(() => ({ left: print(), right: "" }));

/** Template arguments that one parameter stands for: all of them, or inside an expansion the one whose turn it is. */
export function pack(list: readonly Node[]): Node {
  return new Node(() => {
    if (printing.index < 0) return { left: joined(list), right: "" };
    const { index } = printing;
    // An element may have packs of its own, whose turn it is not.
    printing.index = -1;
    const parts = list[index]?.parts() ?? { left: "", right: "" };
    printing.index = index;
    printing.packSize = list.length;
    return parts;
  }, "pack");
}

/** `pattern...`, once for each element of the pack in it. */
export function expansion(pattern: Node): Node {
  return text(() => {
    const outer = { index: printing.index, packSize: printing.packSize };
    const printed: string[] = [];
    printing.packSize = -1;
    for (let i = 0; i === 0 || i < printing.packSize; i++) {
      printing.index = i;
      printed.push(pattern.print());
    }
    const { packSize } = printing;
    Object.assign(printing, outer);
    if (packSize < 0) return `${printed[0]}...`;
    return packSize === 0 ? "" : printed.filter((each) => each !== "").join(", ");
  });
}

export function joined(list: readonly Node[]): string {
  return list
    .map((each) => each.print())
    .filter((each) => each !== "")
    .join(", ");
}
