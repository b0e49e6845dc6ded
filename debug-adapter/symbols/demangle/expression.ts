/**
 * Expressions in C++ names (Itanium C++ ABI §5.1.6): array bounds, `decltype`, dependent template arguments.
 *
 * Elsewhere: everything else of a name (`itanium.ts`).
 */
import { OPERATORS, UNARY } from "./codes.ts";
import { expansion, joined, Mismatch, type Node, plain, text } from "./node.ts";

/** What an expression needs of the parser of names, which is the one that holds the position. */
interface NameParser {
  peek(offset?: number): string;
  looking(prefix: string): boolean;
  accept(prefix: string): boolean;
  expect(prefix: string): void;
  take(count: number): string;
  match(pattern: RegExp): string;
  deeper<T>(rule: () => T): T;
  sequence(): number;
  type(): Node;
  literal(): Node;
  templateArgument(): Node;
  expressionName(): Node;
  parameter(): Node;
}

export function parseExpression(parser: NameParser): Node {
  return parser.deeper(() => parse(parser));
}

function list(parser: NameParser): Node[] {
  const items: Node[] = [];
  while (!parser.accept("E")) items.push(parseExpression(parser));
  return items;
}

function parse(parser: NameParser): Node {
  const code = parser.peek() + parser.peek(1);
  if (parser.peek() === "L") return parser.literal();
  if (parser.peek() === "T") return parser.parameter();
  if (/^[0-9]/.test(code)) return parser.expressionName();
  if (code === "fp" || code === "fL") {
    if (parser.accept("fpT")) return plain("this");
    parser.take(2);
    if (code === "fL") parser.match(/[0-9]+p/y);
    parser.match(/[rVK]*/y);
    const index = parser.sequence();
    return plain(`{parm#${index + 1}}`);
  }
  const special = SPECIAL[code];
  if (special) {
    parser.take(2);
    return special(parser);
  }
  if (parser.accept("on")) return parser.expressionName();
  const operator = OPERATORS[code];
  if (operator === undefined) throw new Mismatch();
  parser.take(2);
  if (UNARY.has(code)) {
    const operand = parseExpression(parser);
    return text(() => `${operator}(${operand.print()})`);
  }
  if (code === "pp" || code === "mm") {
    const isPrefix = parser.accept("_");
    const operand = parseExpression(parser);
    return text(() => (isPrefix ? `${operator}(${operand.print()})` : `(${operand.print()})${operator}`));
  }
  if (code === "qu") {
    const [condition, yes, no] = [parseExpression(parser), parseExpression(parser), parseExpression(parser)];
    return text(() => `(${condition.print()})?(${yes.print()}) : (${no.print()})`);
  }
  const left = parseExpression(parser);
  const right = parseExpression(parser);
  if (code === "ix") return text(() => `(${left.print()})[${right.print()}]`);
  if (code === "pt") return text(() => `(${left.print()})->${right.print()}`);
  const printed = (): string => `(${left.print()})${operator}(${right.print()})`;
  // Bare, it would end the template arguments it may stand in.
  return text(() => (code === "gt" ? `(${printed()})` : printed()));
}

const SPECIAL: Readonly<Record<string, (parser: NameParser) => Node>> = {
  cl: (parser) => {
    const callee = parseExpression(parser);
    const items = list(parser);
    return text(() => `${wrapped(callee.print())}(${joined(items)})`);
  },
  cv: (parser) => {
    const type = parser.type();
    const items = parser.accept("_") ? list(parser) : [parseExpression(parser)];
    return text(() => `(${type.print()})(${joined(items)})`);
  },
  tl: (parser) => {
    const type = parser.type();
    const items = list(parser);
    return text(() => `${type.print()}{${joined(items)}}`);
  },
  il: (parser) => {
    const items = list(parser);
    return text(() => `{${joined(items)}}`);
  },
  st: (parser) => sized("sizeof ", parser.type()),
  sz: (parser) => sized("sizeof ", parseExpression(parser)),
  at: (parser) => sized("alignof ", parser.type()),
  az: (parser) => sized("alignof ", parseExpression(parser)),
  nx: (parser) => sized("noexcept ", parseExpression(parser)),
  sc: (parser) => cast("static_cast", parser),
  dc: (parser) => cast("dynamic_cast", parser),
  rc: (parser) => cast("reinterpret_cast", parser),
  cc: (parser) => cast("const_cast", parser),
  sZ: (parser) => {
    const pack = parseExpression(parser);
    return text(() => `sizeof...(${pack.print()})`);
  },
  sp: (parser) => expansion(parseExpression(parser)),
  dt: (parser) => {
    const object = parseExpression(parser);
    const member = parseExpression(parser);
    return text(() => `${wrapped(object.print())}.${member.print()}`);
  },
  gs: (parser) => {
    const inner = parseExpression(parser);
    return text(() => `::${inner.print()}`);
  },
  sr: (parser) => {
    const scopes: Node[] = [];
    if (/[0-9]/.test(parser.peek())) while (!parser.accept("E")) scopes.push(parser.expressionName());
    else scopes.push(parser.type());
    const name = parser.expressionName();
    return text(() => [...scopes, name].map((each) => each.print()).join("::"));
  },
};

function sized(keyword: string, operand: Node): Node {
  return text(() => `${keyword}(${operand.print()})`);
}

function cast(keyword: string, parser: NameParser): Node {
  const type = parser.type();
  const operand = parseExpression(parser);
  return text(() => `${keyword}<${type.print()}>(${operand.print()})`);
}

const wrapped = (printed: string): string => (/^[\w:{}#]+$/.test(printed) ? printed : `(${printed})`);
