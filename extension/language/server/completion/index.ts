/**
 * Completion of assembly: what is offered where, and what is told of it.
 *
 * Invariant: a pure function of the world and the place; tables of a mode are made once.
 * Elsewhere: linker scripts (`script/`), the protocol's side (`features/completion.ts`).
 */
import type { CompletionList } from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";
import { argumentOffers } from "./argument.ts";
import { contextAt, type Context } from "./context.ts";
import { listOf, type Offer } from "./offer.ts";
import { operandOffers } from "./operand.ts";
import { pathOffers } from "./path.ts";
import { statementOffers } from "./statement.ts";

export { contextAt, type Context, type OperandPlace } from "./context.ts";
export { documented } from "./documentation.ts";
export { formText, isReversed, parameterTexts, writtenOperands } from "./form.ts";
export type { Offer, Subject } from "./offer.ts";
export { scriptSnippets } from "./script.ts";

export function completionAt(world: World, uri: string, position: Position): CompletionList | null {
  const file = world.file(uri);
  const context = file && contextAt(file, position);
  return context ? listOf(context, offersOf(world, context)) : null;
}

function* offersOf(world: World, context: Context): Iterable<Offer> {
  const { place, word } = context;
  // A number that is being written is nobody's name; of `1f` the operand's offers know.
  const isNumber = /^\d/.test(word) && place.kind !== "path";
  switch (place.kind) {
    case "nothing":
      return;
    case "statement":
      if (!isNumber) yield* statementOffers(world, context, place.prefix, place.label);
      return;
    case "operand":
      if (!isNumber || !place.isInBrackets) yield* operandOffers(world, context, place);
      return;
    case "argument":
      if (!isNumber || place.name === "bits") yield* argumentOffers(world, context, place);
      return;
    case "path":
      yield* pathOffers(world, context, place.isSystem);
      return;
  }
}
