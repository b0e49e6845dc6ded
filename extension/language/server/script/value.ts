/**
 * The value of an expression where it can be counted out: numbers, operators, symbols with one constant value.
 *
 * Invariant: null where anything in it is not certain. Values have 64 bits, as ld counts.
 * Source: the ld manual, "Evaluation".
 */
import { allStatements, type Assignment, type Expression, type ScriptTree } from "./tree.ts";

/** Values of symbols; null where one has none that is certain. `location` is ".", where that is known. */
export interface Environment {
  readonly valueOf: (name: string) => bigint | null;
  readonly location?: bigint | null;
}

export const nothingKnown: Environment = { valueOf: () => null };

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

export function evaluate(expression: Expression, environment: Environment = nothingKnown): bigint | null {
  switch (expression.kind) {
    case "number":
      return wrap(expression.value);
    case "name":
      return expression.name.text === "."
        ? (environment.location ?? null)
        : environment.valueOf(expression.name.text);
    case "unary": {
      const operand = evaluate(expression.operand, environment);
      return operand === null ? null : unary(expression.operator, operand);
    }
    case "binary": {
      const left = evaluate(expression.left, environment);
      const right = evaluate(expression.right, environment);
      return left === null || right === null ? null : binary(expression.operator, left, right);
    }
    case "conditional": {
      const test = evaluate(expression.test, environment);
      return test === null
        ? null
        : evaluate(test === 0n ? expression.whenFalse : expression.whenTrue, environment);
    }
    case "call":
      return call(expression.name.text, expression.arguments, environment);
    case "missing":
      return null;
  }
}

function unary(operator: string, operand: bigint): bigint | null {
  switch (operator) {
    case "-":
      return wrap(-operand);
    case "+":
      return operand;
    case "~":
      return wrap(~operand);
    case "!":
      return operand === 0n ? 1n : 0n;
    default:
      return null;
  }
}

function binary(operator: string, left: bigint, right: bigint): bigint | null {
  const truth = (is: boolean): bigint => (is ? 1n : 0n);
  switch (operator) {
    case "+":
      return wrap(left + right);
    case "-":
      return wrap(left - right);
    case "*":
      return wrap(left * right);
    case "/":
      return right === 0n ? null : wrap(signed(left) / signed(right));
    case "%":
      return right === 0n ? null : wrap(signed(left) % signed(right));
    case "<<":
      return right > 63n ? null : wrap(left << right);
    case ">>":
      return right > 63n ? null : left >> right;
    case "&":
      return left & right;
    case "|":
      return left | right;
    case "==":
      return truth(left === right);
    case "!=":
      return truth(left !== right);
    case "<":
      return truth(left < right);
    case "<=":
      return truth(left <= right);
    case ">":
      return truth(left > right);
    case ">=":
      return truth(left >= right);
    case "&&":
      return truth(left !== 0n && right !== 0n);
    case "||":
      return truth(left !== 0n || right !== 0n);
    default:
      return null;
  }
}

function call(name: string, args: readonly Expression[], environment: Environment): bigint | null {
  const [first, second] = args.map((argument) => evaluate(argument, environment));
  switch (name) {
    case "ABSOLUTE":
      return first ?? null;
    case "ALIGN":
    case "BLOCK":
    case "NEXT": {
      const base = args.length > 1 ? first : environment.location;
      const alignment = args.length > 1 ? second : first;
      return base === null || base === undefined || alignment === null || alignment === undefined
        ? null
        : align(base, alignment);
    }
    case "MAX":
    case "MIN":
      return first === null || first === undefined || second === null || second === undefined
        ? null
        : first > second === (name === "MAX")
          ? first
          : second;
    default:
      return null;
  }
}

/** Up to a multiple; null where the alignment is no power of two. */
export function align(value: bigint, alignment: bigint): bigint | null {
  if (alignment <= 0n) {
    return value;
  }
  return (alignment & (alignment - 1n)) === 0n ? wrap((value + alignment - 1n) & ~(alignment - 1n)) : null;
}

/** Values of the symbols that a script assigns once, to something constant. `#define`s and symbols of other files have none here. */
export function constantsOf(tree: ScriptTree): Environment {
  const assigned = new Map<string, Assignment | null>();
  for (const { statement } of allStatements(tree.statements)) {
    if (statement.kind === "assignment" && statement.target.text !== ".") {
      const { text } = statement.target;
      // PROVIDE may not happen; a second assignment, or one in a branch, leaves it open.
      const isSure =
        statement.operator.text === "=" && statement.modifier === null && statement.branch === null;
      assigned.set(text, isSure && !assigned.has(text) ? statement : null);
    }
  }
  const known = new Map<string, bigint | null>();
  const environment: Environment = {
    valueOf: (name) => {
      const value = known.get(name);
      if (value !== undefined) {
        return value;
      }
      // A symbol that needs itself has no value.
      known.set(name, null);
      const statement = assigned.get(name);
      const found = statement ? evaluate(statement.value, environment) : null;
      known.set(name, found);
      return found;
    },
  };
  return environment;
}

/** "0x100000", and in a unit where it is a round number of them: "1 MiB". */
export function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}

export function sized(value: bigint): string {
  const units: readonly (readonly [bigint, string])[] = [
    [1n << 40n, "TiB"],
    [1n << 30n, "GiB"],
    [1n << 20n, "MiB"],
    [1n << 10n, "KiB"],
  ];
  const unit = units.find(([size]) => value >= size && value % size === 0n);
  return unit ? `${value / unit[0]} ${unit[1]}` : value === 1n ? "1 byte" : `${grouped(value)} bytes`;
}

export function grouped(value: bigint): string {
  return value.toString().replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
