/**
 * What the server offers, one line for each feature; capabilities are made from what is there.
 *
 * Invariant: a feature is a pure function over the world. It never changes it, keeps nothing, and answers with a value of the protocol. Positions it takes are
 * those of `syntax.ts`; what it answers has the protocol's.
 * Elsewhere: who calls them, and when (`server.ts`).
 */
import type {
  CodeAction,
  CodeLens,
  CompletionItem,
  CompletionList,
  Diagnostic,
  DocumentHighlight,
  DocumentLink,
  DocumentSymbol,
  FoldingRange,
  Hover,
  InlayHint,
  InlineValue,
  Location,
  LocationLink,
  Range,
  SignatureHelp,
  WorkspaceEdit,
  WorkspaceSymbol,
} from "vscode-languageserver-types";
import type { Position } from "../syntax.ts";
import type { World } from "../world.ts";
import { codeLenses } from "./code-lens.ts";
import { hover } from "./hover.ts";
import { inlayHints } from "./inlay-hint.ts";
import { inlineValues } from "./inline-value.ts";
import { codeActions } from "./code-action.ts";
import { diagnostics } from "./diagnostics.ts";
import { completion, completionResolve } from "./completion.ts";
import { definition } from "./definition.ts";
import { folding } from "./folding.ts";
import { highlights } from "./highlight.ts";
import { documentLinks } from "./links.ts";
import { outline } from "./outline.ts";
import { references } from "./references.ts";
import { prepareRename, rename } from "./rename.ts";
import { signatureHelp } from "./signature.ts";
import { workspaceSymbols } from "./workspace-symbol.ts";

/** Asked about a place, about a file, about a part of it. */
type AtPosition<Value> = (world: World, uri: string, position: Position) => Value;
type OfFile<Value> = (world: World, uri: string) => Value;
type InRange<Value> = (world: World, uri: string, range: Range) => Value;

export interface Features {
  readonly hover?: AtPosition<Hover | null>;
  readonly completion?: AtPosition<readonly CompletionItem[] | CompletionList>;
  /** The documentation of an item, when it is looked at. */
  readonly completionResolve?: (world: World, item: CompletionItem) => CompletionItem;
  readonly signatureHelp?: AtPosition<SignatureHelp | null>;
  readonly definition?: AtPosition<readonly Location[] | readonly LocationLink[]>;
  readonly references?: (
    world: World,
    uri: string,
    position: Position,
    includesDefinitions: boolean,
  ) => readonly Location[];
  /** The part that is renamed, null where nothing is; a text says why something cannot be. */
  readonly prepareRename?: AtPosition<
    { readonly range: Range; readonly placeholder: string } | string | null
  >;
  /** A text says why not. */
  readonly rename?: (
    world: World,
    uri: string,
    position: Position,
    newName: string,
  ) => WorkspaceEdit | string | null;
  readonly documentHighlight?: AtPosition<readonly DocumentHighlight[]>;
  readonly documentSymbol?: OfFile<readonly DocumentSymbol[]>;
  readonly foldingRange?: OfFile<readonly FoldingRange[]>;
  readonly documentLink?: OfFile<readonly DocumentLink[]>;
  readonly workspaceSymbol?: (world: World, query: string) => readonly WorkspaceSymbol[];
  readonly codeLens?: OfFile<readonly CodeLens[]>;
  readonly inlayHint?: InRange<readonly InlayHint[]>;
  readonly inlineValue?: (
    world: World,
    uri: string,
    range: Range,
    stoppedLine: number,
  ) => readonly InlineValue[];
  /** `shown` are the diagnostics of the range as the editor has them. */
  readonly codeAction?: (
    world: World,
    uri: string,
    range: Range,
    shown: readonly Diagnostic[],
  ) => readonly CodeAction[];
  /** A null is a place to pause at: what takes long gives one between its rules. */
  readonly diagnostics?: OfFile<Iterable<Diagnostic | null>>;
}

export const features: Features = {
  hover,
  completion,
  completionResolve,
  signatureHelp,
  definition,
  references,
  prepareRename,
  rename,
  documentHighlight: highlights,
  documentSymbol: outline,
  foldingRange: folding,
  documentLink: documentLinks,
  workspaceSymbol: workspaceSymbols,
  codeLens: codeLenses,
  inlayHint: inlayHints,
  inlineValue: inlineValues,
  codeAction: codeActions,
  diagnostics,
};
