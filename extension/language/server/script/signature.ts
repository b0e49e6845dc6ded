/**
 * Signature help for what takes arguments in brackets: functions of expressions and commands.
 *
 * Elsewhere: the forms (`manual/`).
 */
import {
  MarkupKind,
  type ParameterInformation,
  type SignatureHelp,
  type SignatureInformation,
} from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";
import { contextAt } from "./context.ts";
import { entryOf, type Entry } from "./manual/index.ts";

export function scriptSignature(world: World, uri: string, position: Position): SignatureHelp | null {
  const file = world.file(uri);
  const call = file && contextAt(file, position).call;
  const entry = call && entryOf(call.name);
  if (!entry) {
    return null;
  }
  const signatures = entry.form.split(" | ").flatMap((form) => signatureOf(form, entry) ?? []);
  if (signatures.length === 0) {
    return null;
  }
  const fitting = signatures.findIndex(({ parameters }) => (parameters?.length ?? 0) > call.argument);
  return {
    signatures,
    activeSignature: Math.max(0, fitting),
    activeParameter: call.argument,
  };
}

function signatureOf(form: string, entry: Entry): SignatureInformation | null {
  const start = form.startsWith(`${entry.name}(`) ? entry.name.length + 1 : -1;
  const end = form.indexOf(")", start);
  if (start < 0 || end < 0) {
    return null;
  }
  const parameters: ParameterInformation[] = [];
  let from = start;
  for (const part of form.slice(start, end).split(",")) {
    const lead = part.length - part.trimStart().length;
    parameters.push({ label: [from + lead, from + part.length] });
    from += part.length + 1;
  }
  return {
    label: form,
    documentation: { kind: MarkupKind.Markdown, value: entry.text },
    parameters,
  };
}
