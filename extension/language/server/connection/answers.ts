/**
 * Requests of the protocol answered by features; capabilities made from what is in their table.
 *
 * Invariant: a feature that fails fails alone: its error is logged and its answer is empty. Nothing here says what is wrong for a file whose machine the server does
 * not know: of foreign assembly only names and structure are answered.
 */
import type {
  CancellationToken,
  Connection,
  Location,
  Position as ProtocolPosition,
  ServerCapabilities,
} from "vscode-languageserver";
import { ErrorCodes, ResponseError, TextDocumentSyncKind } from "vscode-languageserver";
import type { Features } from "../features/index.ts";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";

/** What asks for a completion by itself: sigils of registers and directives, of paths and of NASM's macros; of `OUTPUT_FORMAT("`. */
const completionTriggers = ["%", ".", "#", "$", '"', "<", "@"];
const signatureTriggers = [" ", "\t", ",", "("];

export function capabilitiesOf(features: Features): ServerCapabilities {
  const has = (...names: readonly (keyof Features)[]): boolean =>
    names.some((name) => features[name] !== undefined);
  return {
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
    hoverProvider: has("hover"),
    ...(has("completion") && {
      completionProvider: {
        triggerCharacters: completionTriggers,
        resolveProvider: has("completionResolve"),
      },
    }),
    ...(has("signatureHelp") && {
      signatureHelpProvider: { triggerCharacters: signatureTriggers },
    }),
    definitionProvider: has("definition"),
    referencesProvider: has("references"),
    ...(has("rename") && { renameProvider: { prepareProvider: has("prepareRename") } }),
    documentHighlightProvider: has("documentHighlight"),
    documentSymbolProvider: has("documentSymbol"),
    foldingRangeProvider: has("foldingRange"),
    ...(has("documentLink") && { documentLinkProvider: {} }),
    workspaceSymbolProvider: has("workspaceSymbol"),
    ...(has("codeLens") && { codeLensProvider: {} }),
    inlayHintProvider: has("inlayHint"),
    inlineValueProvider: has("inlineValue"),
    ...(has("codeAction") && { codeActionProvider: { codeActionKinds: ["quickfix"] } }),
  };
}

export interface Questioned {
  readonly world: World;
  /** Whether the file's instructions are of a machine and a dialect that the server knows. */
  readonly isKnown: (uri: string) => boolean;
}

const at = ({ line, character }: ProtocolPosition): Position => ({ line, column: character });

export function answerRequests(connection: Connection, features: Features, asked: Questioned): void {
  const { world, isKnown } = asked;

  /** Nothing where it was cancelled meanwhile or the feature fails. */
  function guarded<Params, Value>(
    answer: (params: Params) => Value,
  ): (params: Params, token: CancellationToken) => Value | null {
    return (params, token) => {
      if (token.isCancellationRequested) {
        return null;
      }
      try {
        return answer(params);
      } catch (error) {
        connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
        return null;
      }
    };
  }

  interface Document {
    readonly textDocument: { readonly uri: string };
  }
  /** Of features that speak of the machine. */
  function ofMachine<Params extends Document, Value>(
    answer: (uri: string, params: Params) => Value,
  ): (params: Params, token: CancellationToken) => Value | null {
    return guarded((params) => {
      const { uri } = params.textDocument;
      return isKnown(uri) ? answer(uri, params) : null;
    });
  }

  const {
    hover,
    completion,
    completionResolve,
    signatureHelp,
    definition,
    references,
    prepareRename,
    rename,
    documentHighlight,
    documentSymbol,
    foldingRange,
    documentLink,
    workspaceSymbol,
    codeLens,
    inlayHint,
    inlineValue,
    codeAction,
  } = features;

  if (hover) {
    connection.onHover(ofMachine((uri, { position }) => hover(world, uri, at(position))));
  }
  if (completion) {
    connection.onCompletion(
      ofMachine((uri, { position }) => {
        const answer = completion(world, uri, at(position));
        return "items" in answer ? answer : [...answer];
      }),
    );
  }
  if (completionResolve) {
    connection.onCompletionResolve((item) => completionResolve(world, item));
  }
  if (signatureHelp) {
    connection.onSignatureHelp(ofMachine((uri, { position }) => signatureHelp(world, uri, at(position))));
  }
  if (definition) {
    connection.onDefinition(
      guarded(({ textDocument: { uri }, position }) => {
        const found = definition(world, uri, at(position));
        // Either all are links or none is: the protocol wants the array's type.
        return [...found] as Location[];
      }),
    );
  }
  if (references) {
    connection.onReferences(
      guarded(({ textDocument: { uri }, position, context }) => [
        ...references(world, uri, at(position), context.includeDeclaration),
      ]),
    );
  }
  if (prepareRename) {
    connection.onPrepareRename(
      guarded(({ textDocument: { uri }, position }) => {
        const answer = prepareRename(world, uri, at(position));
        return typeof answer === "string" ? new ResponseError(ErrorCodes.InvalidParams, answer) : answer;
      }),
    );
  }
  if (rename) {
    connection.onRenameRequest(({ textDocument: { uri }, position, newName }) => {
      const answer = rename(world, uri, at(position), newName);
      return typeof answer === "string" ? new ResponseError(ErrorCodes.InvalidParams, answer) : answer;
    });
  }
  if (documentHighlight) {
    connection.onDocumentHighlight(
      guarded(({ textDocument: { uri }, position }) => [...documentHighlight(world, uri, at(position))]),
    );
  }
  if (documentSymbol) {
    connection.onDocumentSymbol(guarded(({ textDocument: { uri } }) => [...documentSymbol(world, uri)]));
  }
  if (foldingRange) {
    connection.onFoldingRanges(guarded(({ textDocument: { uri } }) => [...foldingRange(world, uri)]));
  }
  if (documentLink) {
    connection.onDocumentLinks(guarded(({ textDocument: { uri } }) => [...documentLink(world, uri)]));
  }
  if (workspaceSymbol) {
    connection.onWorkspaceSymbol(guarded(({ query }) => [...workspaceSymbol(world, query)]));
  }
  if (codeLens) {
    connection.onCodeLens(ofMachine((uri) => [...codeLens(world, uri)]));
  }
  if (inlayHint) {
    connection.languages.inlayHint.on(ofMachine((uri, { range }) => [...inlayHint(world, uri, range)]));
  }
  if (inlineValue) {
    connection.languages.inlineValue.on(
      ofMachine((uri, { range, context }) => [
        ...inlineValue(world, uri, range, context.stoppedLocation.end.line),
      ]),
    );
  }
  if (codeAction) {
    connection.onCodeAction(
      ofMachine((uri, { range, context }) => [...codeAction(world, uri, range, context.diagnostics)]),
    );
  }
}
