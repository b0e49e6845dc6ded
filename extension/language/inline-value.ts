/**
 * Values beside assembly at a stop: expressions that the language server names, evaluated by the debug adapter and shown under the names of the source.
 *
 * An editor would show the expressions themselves, and `*(unsigned int*)($rsp + 8),x` is not what stands there.
 */
import * as vscode from "vscode";
import { DEBUG_TYPE } from "../machines.ts";

/** What does not fit beside a line is not read there. */
const LONGEST_VALUE = 80;

/** As the adapter answers `evaluate`. */
interface Evaluated {
  readonly result: string;
}

/** The server's values as texts; a value that cannot be read (memory that is not mapped) says so. */
export async function evaluatedValues(
  document: vscode.TextDocument,
  { frameId }: vscode.InlineValueContext,
  values: readonly vscode.InlineValue[],
): Promise<vscode.InlineValue[]> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) return [];
  const texts = values.map(async (value) => {
    if (!(value instanceof vscode.InlineValueEvaluatableExpression)) return value;
    const { range, expression } = value;
    if (expression === undefined) return null;
    const text = await evaluate(session, expression, frameId);
    return text === null
      ? null
      : new vscode.InlineValueText(range, `${labelOf(document, range, expression)} = ${text}`);
  });
  return (await Promise.all(texts)).filter((value) => value !== null);
}

/** Registers by their names, which an instruction may use without naming them; memory as the source has it. */
function labelOf(document: vscode.TextDocument, range: vscode.Range, expression: string): string {
  return (
    /^\$([\w()]+)$/.exec(expression)?.[1] ??
    document
      .getText(range)
      .replaceAll(/\s+/g, " ")
      .replace(/^[*$]\s*/, "")
  );
}

async function evaluate(
  session: vscode.DebugSession,
  expression: string,
  frameId: number,
): Promise<string | null> {
  try {
    const answer: unknown = await session.customRequest("evaluate", {
      expression,
      frameId,
      context: "hover",
    });
    const { result } = answer as Evaluated;
    return result.length > LONGEST_VALUE ? `${result.slice(0, LONGEST_VALUE)}…` : result;
  } catch {
    return expression.startsWith("$") ? null : "not readable";
  }
}
