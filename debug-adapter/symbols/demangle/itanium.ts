/**
 * C++ names: the mangling of the Itanium C++ ABI §5.1, as GCC and Clang use it everywhere but in MSVC mode. Printed as `c++filt` does.
 *
 * Invariant: the parser moves forward or gives up, its depth is bounded, and so is what substitutions may expand to; a name that
 * cannot be read is null, not half a name.
 * Elsewhere: expressions in template arguments (`expression.ts`), codes of types and operators (`codes.ts`).
 */
import { BUILTINS, WHOLE, OPERATORS, STANDARD, STANDARD_WHOLE } from "./codes.ts";
import { parseExpression } from "./expression.ts";
import { expansion, joined, Mismatch, Node, pack, plain, printAll, text } from "./node.ts";
import { Scanner } from "./scanner.ts";
import { templated, withoutArguments } from "./template.ts";

export function demangleItanium(
  symbol: string,
): { readonly name: string; readonly signature: string } | null {
  const start = /^_{1,2}Z/.exec(symbol);
  if (!start) return null;
  try {
    const parser = new Parser(symbol, start[0].length);
    const encoding = parser.encoding();
    const suffix = parser.rest();
    if (suffix !== "" && !/^\.[A-Za-z0-9_.$@-]*$/.test(suffix) && !suffix.startsWith("@")) return null;
    const clone = suffix.startsWith(".") ? ` [clone ${suffix}]` : suffix;
    const signature = printAll(encoding.whole);
    return {
      name: printAll(encoding.name) + (suffix.startsWith("@") ? suffix : ""),
      signature: signature + clone,
    };
  } catch (error) {
    if (error instanceof Mismatch || error instanceof RangeError) return null;
    throw error;
  }
}

interface Encoding {
  readonly name: Node;
  readonly whole: Node;
  /** `whole` without the return type: how it stands before the names of what is local to it. */
  readonly scope: Node;
}

/** A name, and what of it decides how the rest of the encoding reads. */
interface Name {
  readonly node: Node;
  /** It ends with template arguments, so a return type comes first. */
  readonly isTemplate: boolean;
  /** Constructors, destructors and conversions have no return type. */
  readonly hasNoReturn: boolean;
  /** `const`, `&` and the like of a member function. */
  readonly qualifiers: string;
}

class Parser extends Scanner {
  readonly #substitutions: Node[] = [];
  /** Arguments that T_ refers to: those of the innermost template read last. */
  #arguments: readonly Node[] = [];
  /** References to arguments that come later (conversion operators). */
  #pending: { readonly index: number; target: Node | undefined }[] = [];
  #inConversion = false;
  #lambdaDepth = 0;

  encoding(): Encoding {
    return this.deeper(() => {
      const special = this.#special();
      if (special) return { name: special, whole: special, scope: special };
      const name = this.#name();
      const isData = this.isDone || this.peek() === "E" || this.peek() === "." || this.peek() === "@";
      if (isData) return { name: name.node, whole: name.node, scope: name.node };
      const returns = name.isTemplate && !name.hasNoReturn ? this.type() : null;
      const parameters = this.#parameters();
      this.#resolvePending();
      const signature = text(() => `${name.node.print()}(${parameters.print()})${name.qualifiers}`);
      if (!returns) return { name: name.node, whole: signature, scope: signature };
      const whole = text(() => {
        const { left, right } = returns.parts();
        return `${left}${/[*&(]$/.test(left) && right !== "" ? "" : " "}${signature.print()}${right}`;
      });
      return { name: name.node, whole, scope: signature };
    });
  }

  #parameters(): Node {
    const list: Node[] = [];
    while (!this.isDone && !/[E.@]/.test(this.peek())) list.push(this.type());
    if (list.length === 0) throw new Mismatch();
    return text(() => {
      const printed = joined(list);
      return printed === "void" ? "" : printed;
    });
  }

  #special(): Node | null {
    const prefixes: readonly (readonly [string, string])[] = [
      ["TV", "vtable for "],
      ["TT", "VTT for "],
      ["TI", "typeinfo for "],
      ["TS", "typeinfo name for "],
      ["TF", "typeinfo fn for "],
    ];
    for (const [code, words] of prefixes) {
      if (!this.accept(code)) continue;
      const type = this.type();
      return text(() => words + type.print());
    }
    if (this.accept("GV")) return this.#prefixed("guard variable for ", this.#name().node);
    if (this.accept("TW")) return this.#prefixed("TLS wrapper function for ", this.#name().node);
    if (this.accept("TH")) return this.#prefixed("TLS init function for ", this.#name().node);
    if (this.accept("GTt")) return this.#prefixed("transaction clone for ", this.encoding().whole);
    if (this.accept("GR")) {
      const name = this.#name().node;
      const index = this.looking("_") || /[0-9A-Z]/.test(this.peek()) ? this.#seqId() : 0;
      return text(() => `reference temporary #${index} for ${name.print()}`);
    }
    if (this.accept("TC")) {
      const derived = this.type();
      this.match(/[0-9]+/y);
      this.expect("_");
      const base = this.type();
      return text(() => `construction vtable for ${base.print()}-in-${derived.print()}`);
    }
    if (this.accept("Tc")) {
      this.#callOffset();
      this.#callOffset();
      return this.#prefixed("covariant return thunk to ", this.encoding().whole);
    }
    if (this.looking("Th") || this.looking("Tv")) {
      this.take(1);
      const isVirtual = this.peek() === "v";
      this.#callOffset();
      return this.#prefixed(isVirtual ? "virtual thunk to " : "non-virtual thunk to ", this.encoding().whole);
    }
    return null;
  }

  #prefixed(words: string, node: Node): Node {
    return text(() => words + node.print());
  }

  #callOffset(): void {
    if (this.accept("h")) this.match(/n?[0-9]+_/y);
    else {
      this.expect("v");
      this.match(/n?[0-9]+_n?[0-9]+_/y);
    }
  }

  #name(): Name {
    return this.deeper(() => {
      if (this.peek() === "N") return this.#nested();
      if (this.peek() === "Z") return this.#local();
      if (this.peek() === "S" && this.peek(1) !== "t") {
        const node = this.#substitution();
        if (this.peek() !== "I") throw new Mismatch();
        return this.#withArguments(node);
      }
      const isStd = this.accept("St");
      const component = this.#unqualified(null);
      const node = isStd ? text(() => `std::${component.node.print()}`) : component.node;
      if (this.peek() !== "I")
        return { node, isTemplate: false, hasNoReturn: component.hasNoReturn, qualifiers: "" };
      this.#remember(node);
      return { ...this.#withArguments(node), hasNoReturn: component.hasNoReturn };
    });
  }

  #withArguments(node: Node): Name {
    const list = this.#templateArguments();
    return {
      node: text(() => templated(node.print(), list)),
      isTemplate: true,
      hasNoReturn: false,
      qualifiers: "",
    };
  }

  #nested(): Name {
    this.expect("N");
    if (this.accept("H")) throw new Mismatch();
    let qualifiers = this.#cvQualifiers();
    if (this.accept("R")) qualifiers += " &";
    else if (this.accept("O")) qualifiers += " &&";
    let node: Node | null = null;
    let last: Node | null = null;
    let isTemplate = false;
    let hasNoReturn = false;
    while (!this.accept("E")) {
      const outer: Node | null = node;
      if (this.peek() === "I") {
        if (!outer || isTemplate) throw new Mismatch();
        const list = this.#templateArguments();
        node = text(() => templated(outer.print(), list));
        isTemplate = true;
        if (this.peek() !== "E") this.#remember(node);
        continue;
      }
      isTemplate = false;
      if (this.peek() === "S" && this.peek(1) !== "t" && !outer) {
        node = this.#substitution();
        last = node;
        hasNoReturn = false;
        continue;
      }
      if (this.accept("St")) {
        if (outer) throw new Mismatch();
        node = plain("std");
        continue;
      }
      if (this.peek() === "T" && !outer) node = this.#templateParameter();
      else if (this.peek() === "D" && /[tT]/.test(this.peek(1)) && !outer) node = this.#decltype();
      else if (this.accept("M")) continue;
      else {
        const component = this.#unqualified(last);
        hasNoReturn = component.hasNoReturn;
        const piece: Node = component.node;
        node = outer ? text(() => `${outer.print()}::${piece.print()}`) : piece;
        last = piece;
      }
      if (this.peek() !== "E") this.#remember(node);
    }
    if (!node) throw new Mismatch();
    return { node, isTemplate, hasNoReturn, qualifiers };
  }

  #local(): Name {
    this.expect("Z");
    const outer = this.encoding();
    this.expect("E");
    if (this.accept("s")) {
      this.#discriminator();
      return {
        node: text(() => `${outer.scope.print()}::string literal`),
        isTemplate: false,
        hasNoReturn: false,
        qualifiers: "",
      };
    }
    let context: Node = outer.scope;
    if (this.accept("d")) {
      const index = this.sequence();
      const around = outer.scope;
      context = text(() => `${around.print()}::{default arg#${index + 1}}`);
    }
    const inner = this.#name();
    this.#discriminator();
    const around = context;
    return { ...inner, node: text(() => `${around.print()}::${inner.node.print()}`) };
  }

  #discriminator(): void {
    if (this.accept("__")) this.match(/[0-9]+_/y);
    else if (this.peek() === "_" && /[0-9]/.test(this.peek(1))) this.take(2);
  }

  #cvQualifiers(): string {
    let qualifiers = "";
    const restrict = this.accept("r");
    const volatile = this.accept("V");
    if (this.accept("K")) qualifiers += " const";
    if (volatile) qualifiers += " volatile";
    if (restrict) qualifiers += " __restrict";
    return qualifiers;
  }

  /** An unqualified name; `within` is the class, whose name constructors repeat. */
  #unqualified(within: Node | null): { readonly node: Node; readonly hasNoReturn: boolean } {
    this.accept("L");
    const next = this.peek();
    let node: Node;
    let hasNoReturn = false;
    if (/[0-9]/.test(next)) node = plain(this.sourceName());
    else if (next === "C" || (next === "D" && /[0-5]/.test(this.peek(1)))) {
      const isDestructor = this.take(1) === "D";
      const isInherited = !isDestructor && this.accept("I");
      this.match(/[0-5]/y);
      if (isInherited) this.type();
      if (!within) throw new Mismatch();
      hasNoReturn = true;
      node = text(
        () => (isDestructor ? "~" : "") + withoutArguments(within.print().replace(/\[abi:\w+\]/g, "")),
      );
    } else if (this.accept("DC")) {
      const names: string[] = [];
      while (!this.accept("E")) names.push(this.sourceName());
      node = plain(`[${names.join(", ")}]`);
    } else if (this.accept("Ut")) {
      const index = this.sequence();
      node = plain(`{unnamed type#${index + 1}}`);
    } else if (this.accept("Ul")) node = this.#lambda();
    else if (this.accept("cv")) {
      hasNoReturn = true;
      const before = this.#inConversion;
      this.#inConversion = true;
      const type = this.type();
      this.#inConversion = before;
      node = text(() => `operator ${type.print()}`);
    } else if (this.accept("li")) {
      const name = this.sourceName();
      node = plain(`operator"" ${name}`);
    } else {
      const operator = OPERATORS[this.take(2)];
      if (operator === undefined) throw new Mismatch();
      node = plain(`operator${/^[a-z]/.test(operator) ? " " : ""}${operator}`);
    }
    while (this.accept("B")) {
      const inner = node;
      const tag = this.sourceName();
      node = text(() => `${inner.print()}[abi:${tag}]`);
    }
    return { node, hasNoReturn };
  }

  #lambda(): Node {
    this.#lambdaDepth++;
    const parameters: Node[] = [];
    while (!this.accept("E")) parameters.push(this.type());
    this.#lambdaDepth--;
    const index = this.sequence();
    return text(() => {
      const list = joined(parameters);
      return `{lambda(${list === "void" ? "" : list})#${index + 1}}`;
    });
  }

  sourceName(): string {
    const length = this.number();
    const name = this.take(length);
    return /^_GLOBAL_[._$]N/.test(name) ? "(anonymous namespace)" : name;
  }

  #remember(node: Node): void {
    this.#substitutions.push(node);
  }

  #seqId(): number {
    if (this.accept("_")) return 0;
    const digits = this.match(/[0-9A-Z]+_/y).slice(0, -1);
    return Number.parseInt(digits, 36) + 1;
  }

  #substitution(): Node {
    this.expect("S");
    if (this.peek() === "_" || /[0-9A-Z]/.test(this.peek())) {
      const node = this.#substitutions[this.#seqId()];
      if (!node) throw new Mismatch();
      return node;
    }
    const code = this.take(1);
    const standard =
      (/^(?:C[1-5]|D[0-5])/.test(this.rest().slice(0, 2)) ? STANDARD_WHOLE[code] : undefined) ??
      STANDARD[code];
    if (!standard) throw new Mismatch();
    let node: Node = plain(standard);
    if (this.peek() === "B") {
      while (this.accept("B")) {
        const inner = node;
        const tag = this.sourceName();
        node = text(() => `${inner.print()}[abi:${tag}]`);
      }
      this.#remember(node);
    }
    return node;
  }

  #templateParameter(): Node {
    this.expect("T");
    const index = this.sequence();
    // Inside a generic lambda's parameters T_ is `auto`, which has no argument to stand for it.
    if (this.#lambdaDepth > 0 && !this.#arguments[index]) return plain(`auto:${index + 1}`);
    const argument = this.#arguments[index];
    if (argument && !this.#inConversion) return argument;
    if (!this.#inConversion) throw new Mismatch();
    const pending = { index, target: undefined as Node | undefined };
    this.#pending.push(pending);
    return new Node(() => {
      if (!pending.target) throw new Mismatch();
      return pending.target.parts();
    });
  }

  #resolvePending(): void {
    for (const pending of this.#pending) pending.target ??= this.#arguments[pending.index];
    this.#pending = this.#pending.filter((each) => !each.target);
  }

  #templateArguments(): readonly Node[] {
    this.expect("I");
    const outer = this.#inConversion;
    this.#inConversion = false;
    const list: Node[] = [];
    while (!this.accept("E")) list.push(this.templateArgument());
    this.#inConversion = outer;
    if (!outer) this.#arguments = list;
    return list;
  }

  templateArgument(): Node {
    return this.deeper(() => {
      if (this.peek() === "L") return this.literal();
      if (this.accept("X")) {
        const expression = parseExpression(this);
        this.expect("E");
        return expression;
      }
      if (this.accept("J")) {
        const list: Node[] = [];
        while (!this.accept("E")) list.push(this.templateArgument());
        return pack(list);
      }
      return this.type();
    });
  }

  /** `L <type> <value> E` */
  literal(): Node {
    this.expect("L");
    if (this.accept("_Z") || (this.peek() === "Z" && this.accept("Z"))) {
      const outer = this.#arguments;
      const encoding = this.encoding();
      this.#arguments = outer;
      this.expect("E");
      return encoding.whole;
    }
    const code = this.peek();
    if (code === "D" && this.peek(1) === "n") {
      this.take(2);
      this.accept("0");
      this.expect("E");
      return plain("nullptr");
    }
    const type = this.type();
    if (this.peek() === "E") {
      this.take(1);
      return text(() => `"${type.print()}"`);
    }
    const value = this.match(/n?[0-9a-f]+/y).replace("n", "-");
    this.expect("E");
    const suffix: Readonly<Record<string, string>> = { j: "u", l: "l", m: "ul", x: "ll", y: "ull" };
    if (code === "b") return plain(value === "0" ? "false" : "true");
    if (code === "i") return plain(value);
    if (suffix[code] !== undefined) return plain(value + suffix[code]);
    return text(() => `(${type.print()})${value}`);
  }

  #decltype(): Node {
    this.take(2);
    const expression = parseExpression(this);
    this.expect("E");
    return text(() => `decltype (${expression.print()})`);
  }

  type(): Node {
    // Templates inside a type are not what T_ behind it refers to.
    const outer = this.#arguments;
    const type = this.deeper(() => this.#type());
    this.#arguments = outer;
    return type;
  }

  #type(): Node {
    const qualifiers = /[rVK]/.test(this.peek()) ? this.#cvQualifiers() : "";
    if (qualifiers !== "") {
      const inner = this.type();
      return this.#kept(
        inner.isFunction
          ? new Node(() => {
              const { left, right } = inner.parts();
              return { left, right: right + qualifiers };
            }, "function")
          : new Node(() => {
              const { left, right } = inner.parts();
              return { left: left + qualifiers, right };
            }, inner.kind),
      );
    }
    const code = this.peek();
    const builtin = BUILTINS[code];
    if (builtin !== undefined) {
      this.take(1);
      return plain(builtin);
    }
    switch (code) {
      case "P":
        this.take(1);
        return this.#kept(this.type().pointing("*"));
      case "R":
        this.take(1);
        return this.#kept(this.type().pointing("&"));
      case "O":
        this.take(1);
        return this.#kept(this.type().pointing("&&"));
      case "C":
      case "G": {
        this.take(1);
        const inner = this.type();
        return this.#kept(text(() => `${inner.print()} ${code === "C" ? "_Complex" : "_Imaginary"}`));
      }
      case "F":
        return this.#kept(this.#function(""));
      case "A":
        return this.#kept(this.#array());
      case "M": {
        this.take(1);
        const of = this.type();
        const member = this.type();
        return this.#kept(member.pointing(() => `${of.print()}::*`));
      }
      case "D":
        return this.#dType();
      case "T": {
        if (/[sue]/.test(this.peek(1))) {
          this.take(2);
          return this.#kept(this.#name().node);
        }
        const parameter = this.#templateParameter();
        this.#remember(parameter);
        if (this.peek() !== "I" || this.#inConversion) return parameter;
        const list = this.#templateArguments();
        return this.#kept(text(() => templated(parameter.print(), list)));
      }
      case "S": {
        if (this.peek(1) === "t") return this.#kept(this.#name().node);
        const node = this.#substitution();
        if (this.peek() !== "I") return node;
        return this.#kept(this.#withArguments(node).node);
      }
      case "U": {
        this.take(1);
        const vendor = this.sourceName();
        const list = this.peek() === "I" ? this.#templateArguments() : [];
        const inner = this.type();
        return this.#kept(text(() => `${inner.print()} ${templated(vendor, list)}`));
      }
      case "u": {
        this.take(1);
        return this.#kept(plain(this.sourceName()));
      }
      default:
        return this.#kept(this.#name().node);
    }
  }

  #kept(node: Node): Node {
    this.#remember(node);
    return node;
  }

  #function(exception: string): Node {
    this.expect("F");
    this.accept("Y");
    const returns = this.type();
    const parameters: Node[] = [];
    let reference = "";
    while (!this.accept("E")) {
      if (this.accept("RE")) {
        reference = " &";
        break;
      }
      if (this.accept("OE")) {
        reference = " &&";
        break;
      }
      parameters.push(this.type());
    }
    return new Node(() => {
      const list = joined(parameters);
      const inside = list === "void" ? "" : list;
      const { left, right } = returns.parts();
      return { left: `${left} `, right: `(${inside})${reference}${exception}${right}` };
    }, "function");
  }

  #array(): Node {
    this.expect("A");
    let size: Node = plain("");
    if (/[0-9]/.test(this.peek())) size = plain(this.match(/[0-9]+/y));
    else if (this.peek() !== "_") size = parseExpression(this);
    this.expect("_");
    const element = this.type();
    return new Node(() => {
      const { left, right } = element.parts();
      return { left, right: ` [${size.print()}]${right.trimStart()}` };
    }, "array");
  }

  #dType(): Node {
    const code = this.take(2);
    const whole = WHOLE[code];
    if (whole !== undefined) return plain(whole);
    switch (code) {
      case "Dp": {
        const inner = this.type();
        return this.#kept(expansion(inner));
      }
      case "Dt":
      case "DT":
        this.back(2);
        return this.#kept(this.#decltype());
      case "Dv": {
        const size = this.accept("_") ? parseExpression(this) : plain(this.match(/[0-9]+/y));
        this.expect("_");
        const element = this.type();
        return this.#kept(text(() => `${element.print()} __vector(${size.print()})`));
      }
      case "Do":
        return this.#kept(this.#function(" noexcept"));
      case "DO": {
        const condition = parseExpression(this);
        this.expect("E");
        return this.#kept(this.#function(` noexcept(${condition.print()})`));
      }
      case "DF": {
        const bits = this.match(/[0-9]+/y);
        if (this.accept("b")) return plain("std::bfloat16_t");
        const isExtended = this.accept("x");
        this.expect("_");
        return plain(`_Float${bits}${isExtended ? "x" : ""}`);
      }
      case "DB":
      case "DU": {
        const bits = this.match(/[0-9]+/y);
        this.expect("_");
        return plain(`${code === "DU" ? "unsigned " : ""}_BitInt(${bits})`);
      }
      default:
        throw new Mismatch();
    }
  }

  /** A name inside an expression. */
  expressionName(): Node {
    const component = this.#unqualified(null);
    if (this.peek() !== "I") return component.node;
    const list = this.#templateArguments();
    return text(() => templated(component.node.print(), list));
  }

  parameter(): Node {
    const node = this.#templateParameter();
    return node;
  }
}
