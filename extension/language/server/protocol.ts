/**
 * What client and server say to each other beside the Language Server Protocol: names of messages and plain data, which goes through JSON.
 *
 * Invariant: the server reads no files and lists no folders; it asks the client, who may be in a browser or in a virtual workspace. A client that does not know
 * these messages gets a server that knows the open files only.
 */
import { builtNotification } from "./built.ts";

export const methods = {
  /** Server to client, request: the files of the workspace. `null` → `WorkspaceFiles` */
  files: "redzone/files",
  /** Server to client, request: texts of files. `ReadParams` → `readonly FileText[]` */
  read: "redzone/read",
  /** Client to server, request: what is known of a place. `StateParams` → `DocumentState | null` */
  state: "redzone/state",
  /** Server to client, notification: how far the index is. `IndexState` */
  index: "redzone/index",
  /** Client to server, notification: stop reading the workspace. */
  stopIndexing: "redzone/stopIndexing",
  /** Client to server, notification: read it anew. */
  readAgain: "redzone/readAgain",
  /** Client to server, notification: what has changed of built programs. `BuiltUpdate`, for `applyBuilt` */
  built: builtNotification,
  /** Client to server, request: the operand at a place, for a debugger. `OperandParams` → `OperandExpression | null` */
  operand: "redzone/operand",
  /** Client to server, notification: a file of the build. `BuildFile` */
  buildFile: "redzone/buildFile",
  /** Client to server, request: whether another file includes this one. URI → `boolean`, `null` while the workspace is being read */
  isIncluded: "redzone/isIncluded",
  /** Client to server, request: why a rule is one. Its code → Markdown, or `null` */
  explanation: "redzone/explanation",
  /** Client to server, request: all rules. `null` → `readonly RuleSummary[]` */
  rules: "redzone/rules",
} as const;

/** Of the server's diagnostics. */
export const diagnosticSource = "redzone";
/** The client opens the document that its argument names; without one it asks for a rule. */
export const explainCommand = "redzone.explainRule";
export const explanationScheme = "redzone-rule";

/** A document that the client serves. */
export function explanationUri(code: string): string {
  return `${explanationScheme}:/${code}.md`;
}

export interface BuildFile {
  readonly uri: string;
  /** null: it is no longer there. */
  readonly text: string | null;
}

export interface WorkspaceFiles {
  /** Assembly and linker scripts by their names. */
  readonly sources: readonly string[];
  /** Files that these may include: read only where one of them does. */
  readonly headers: readonly string[];
  /** There are more than are listed. */
  readonly isTruncated: boolean;
}

export interface ReadParams {
  readonly uris: readonly string[];
}

export interface FileText {
  readonly uri: string;
  /** null: larger than the limit, not a text, or not to be read. */
  readonly text: string | null;
}

export interface StateParams {
  readonly uri: string;
  readonly line: number;
}

/** For the language status item. */
export interface DocumentState {
  /** "GNU as, AT&T syntax" */
  readonly dialect: string;
  readonly bits: number | null;
  /** Why the server says little about the file: "Arm assembly"; null for what it knows. */
  readonly foreign: string | null;
}

export interface IndexState {
  readonly isRunning: boolean;
  readonly readCount: number;
  readonly totalCount: number;
  /** Files that were left out because of a limit. */
  readonly skippedCount: number;
  /** The user has stopped it. */
  readonly isStopped: boolean;
}

/** Where a debugger's hover stands: the whole operand, and what the debug adapter evaluates for it. */
export interface OperandParams {
  readonly uri: string;
  readonly line: number;
  readonly column: number;
}

export interface OperandExpression {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly expression: string;
}
