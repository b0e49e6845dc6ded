/**
 * The requests by name: the types of their arguments and bodies, and the shape that arguments are checked for before a handler sees them.
 *
 * Invariant: a handler may rely on its argument type as far as `SHAPES` says; anything else a client sends is refused as malformed, by name.
 */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { CustomRequests } from "../../media/protocol.ts";
import { malformedRequest } from "../errors.ts";

export interface Requests {
  attach: [P.AttachRequestArguments, void];
  breakpointLocations: [P.BreakpointLocationsArguments, P.BreakpointLocationsResponse["body"]];
  cancel: [P.CancelArguments, void];
  completions: [P.CompletionsArguments, P.CompletionsResponse["body"]];
  configurationDone: [P.ConfigurationDoneArguments, void];
  continue: [P.ContinueArguments, P.ContinueResponse["body"]];
  dataBreakpointInfo: [P.DataBreakpointInfoArguments, P.DataBreakpointInfoResponse["body"]];
  disassemble: [P.DisassembleArguments, P.DisassembleResponse["body"]];
  disconnect: [P.DisconnectArguments, void];
  evaluate: [P.EvaluateArguments, P.EvaluateResponse["body"]];
  exceptionInfo: [P.ExceptionInfoArguments, P.ExceptionInfoResponse["body"]];
  goto: [P.GotoArguments, void];
  gotoTargets: [P.GotoTargetsArguments, P.GotoTargetsResponse["body"]];
  initialize: [P.InitializeRequestArguments, P.Capabilities];
  launch: [P.LaunchRequestArguments, void];
  loadedSources: [P.LoadedSourcesArguments, P.LoadedSourcesResponse["body"]];
  locations: [P.LocationsArguments, P.LocationsResponse["body"]];
  modules: [P.ModulesArguments, P.ModulesResponse["body"]];
  next: [P.NextArguments, void];
  pause: [P.PauseArguments, void];
  readMemory: [P.ReadMemoryArguments, P.ReadMemoryResponse["body"]];
  restart: [P.RestartArguments, void];
  scopes: [P.ScopesArguments, P.ScopesResponse["body"]];
  setBreakpoints: [P.SetBreakpointsArguments, P.SetBreakpointsResponse["body"]];
  setDataBreakpoints: [P.SetDataBreakpointsArguments, P.SetDataBreakpointsResponse["body"]];
  setExceptionBreakpoints: [P.SetExceptionBreakpointsArguments, P.SetExceptionBreakpointsResponse["body"]];
  setExpression: [P.SetExpressionArguments, P.SetExpressionResponse["body"]];
  setFunctionBreakpoints: [P.SetFunctionBreakpointsArguments, P.SetFunctionBreakpointsResponse["body"]];
  setInstructionBreakpoints: [
    P.SetInstructionBreakpointsArguments,
    P.SetInstructionBreakpointsResponse["body"],
  ];
  setVariable: [P.SetVariableArguments, P.SetVariableResponse["body"]];
  source: [P.SourceArguments, P.SourceResponse["body"]];
  stackTrace: [P.StackTraceArguments, P.StackTraceResponse["body"]];
  stepIn: [P.StepInArguments, void];
  stepInTargets: [P.StepInTargetsArguments, P.StepInTargetsResponse["body"]];
  stepOut: [P.StepOutArguments, void];
  terminate: [P.TerminateArguments, void];
  threads: [undefined, P.ThreadsResponse["body"]];
  variables: [P.VariablesArguments, P.VariablesResponse["body"]];
  writeMemory: [P.WriteMemoryArguments, P.WriteMemoryResponse["body"]];
}

type Custom = {
  [Name in keyof CustomRequests]: [CustomRequests[Name]["arguments"], CustomRequests[Name]["body"] | void];
};
export type AllRequests = Requests & Custom;
export type Command = keyof AllRequests;

export type Handler<Name extends Command> = (
  args: AllRequests[Name][0],
) => AllRequests[Name][1] | Promise<AllRequests[Name][1]>;
export type Handlers = { readonly [Name in Command]?: Handler<Name> };

/** "string", or with "?" if it may be absent; a property in "source.path" form lies deeper. */
type Shape = {
  readonly [property: string]:
    | "string"
    | "number"
    | "boolean"
    | "object"
    | "array"
    | "string?"
    | "number?"
    | "boolean?"
    | "object?"
    | "array?";
};

const FRAME: Shape = { frameId: "number" };
const THREAD: Shape = { threadId: "number", granularity: "string?" };
const BREAKPOINTS: Shape = { breakpoints: "array" };
/** Which page tables. */
const TABLES: Shape = { cpu: "number?", root: "string?", mode: "string?" };

const SHAPES: { readonly [Name in Command]?: Shape } = {
  breakpointLocations: { source: "object", line: "number", endLine: "number?" },
  cancel: { requestId: "number?", progressId: "string?" },
  completions: { text: "string", column: "number", line: "number?", frameId: "number?" },
  continue: { threadId: "number" },
  dataBreakpointInfo: {
    name: "string",
    variablesReference: "number?",
    frameId: "number?",
    bytes: "number?",
    asAddress: "boolean?",
    mode: "string?",
  },
  disassemble: {
    memoryReference: "string",
    instructionCount: "number",
    instructionOffset: "number?",
    offset: "number?",
    resolveSymbols: "boolean?",
  },
  evaluate: { expression: "string", frameId: "number?", context: "string?", format: "object?" },
  exceptionInfo: { threadId: "number" },
  goto: { threadId: "number", targetId: "number" },
  gotoTargets: { source: "object", line: "number" },
  locations: { locationReference: "number" },
  next: THREAD,
  pause: { threadId: "number" },
  readMemory: { memoryReference: "string", count: "number", offset: "number?" },
  restart: { arguments: "object?" },
  scopes: FRAME,
  setBreakpoints: { source: "object", breakpoints: "array?", lines: "array?" },
  setDataBreakpoints: BREAKPOINTS,
  setExceptionBreakpoints: { filters: "array", filterOptions: "array?" },
  setExpression: { expression: "string", value: "string", frameId: "number?" },
  setFunctionBreakpoints: BREAKPOINTS,
  setInstructionBreakpoints: BREAKPOINTS,
  setVariable: { variablesReference: "number", name: "string", value: "string" },
  source: { sourceReference: "number", source: "object?" },
  stackTrace: { threadId: "number", startFrame: "number?", levels: "number?" },
  stepIn: { ...THREAD, targetId: "number?" },
  stepInTargets: FRAME,
  stepOut: THREAD,
  variables: {
    variablesReference: "number",
    start: "number?",
    count: "number?",
    filter: "string?",
    format: "object?",
  },
  writeMemory: { memoryReference: "string", data: "string", offset: "number?", allowPartial: "boolean?" },
  "redzone/runTo": { address: "string" },
  "redzone/serialInput": { port: "number", data: "string" },
  "redzone/consoleInput": { port: "number", data: "string" },
  "redzone/key": { code: "string", down: "boolean" },
  "redzone/mouse": { dx: "number", dy: "number", dz: "number", buttons: "number" },
  "redzone/display": { since: "number?" },
  "redzone/monitor": { command: "string" },
  "redzone/analysisFunction": { address: "string" },
  "redzone/ramLayoutWhy": { space: "string", address: "string" },
  "redzone/ramLayoutConvert": { text: "string" },
  "redzone/ramLayoutDirty": {
    map: "string",
    block: "string",
    cells: "number",
    first: "number?",
    count: "number?",
    moment: "number?",
  },
  "redzone/ramLayoutDirtyControl": { map: "string", action: "string" },
  "redzone/ramLayoutMark": { name: "string?" },
  "redzone/memoryBytes": { place: "object", count: "number", frameId: "number?" },
  "redzone/memoryWrite": { place: "object", data: "string" },
  "redzone/memoryOverlay": { place: "object", type: "string" },
  "redzone/memoryTypes": { prefix: "string" },
  "redzone/stack": {
    cpu: "number?",
    start: "number?",
    count: "number?",
    detailed: "number?",
    frameId: "number?",
  },
  "redzone/stackSlots": { cpu: "number?", frame: "number" },
  "redzone/stackWords": { cpu: "number?", high: "string", count: "number" },
  "redzone/pageTables": TABLES,
  "redzone/pageTablesEntries": {
    ...TABLES,
    linear: "string?",
    level: "string?",
    index: "number?",
    count: "number?",
    absent: "boolean?",
  },
  "redzone/pageTablesRanges": {
    ...TABLES,
    filters: "array?",
    from: "string?",
    to: "string?",
    search: "string?",
    offset: "number?",
    limit: "number?",
  },
  "redzone/pageTablesTranslate": { ...TABLES, address: "string" },
  "redzone/pageTablesReverse": { ...TABLES, address: "string", limit: "number?" },
  "redzone/pageTablesChanges": { ...TABLES, accessed: "boolean?", offset: "number?", limit: "number?" },
};

/** Elements of arrays that handlers look into. */
const ELEMENTS: { readonly [Name in Command]?: { readonly [property: string]: Shape } } = {
  setBreakpoints: {
    breakpoints: {
      line: "number",
      condition: "string?",
      hitCondition: "string?",
      logMessage: "string?",
      mode: "string?",
    },
  },
  setFunctionBreakpoints: { breakpoints: { name: "string", condition: "string?", hitCondition: "string?" } },
  setInstructionBreakpoints: {
    breakpoints: {
      instructionReference: "string",
      offset: "number?",
      condition: "string?",
      hitCondition: "string?",
      mode: "string?",
    },
  },
  setDataBreakpoints: {
    breakpoints: { dataId: "string", accessType: "string?", condition: "string?", hitCondition: "string?" },
  },
  setExceptionBreakpoints: { filterOptions: { filterId: "string", condition: "string?" } },
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Checks the arguments of a request. Throws `malformedRequest`. */
export function checkArguments(command: Command, given: unknown): void {
  const shape = SHAPES[command];
  if (shape === undefined) {
    if (given !== undefined && given !== null && !isRecord(given))
      throw malformedRequest(command, "its arguments are no object");
    return;
  }
  check(command, "", shape, given ?? {});
  for (const [property, elements] of Object.entries(ELEMENTS[command] ?? {})) {
    const list = isRecord(given) ? given[property] : undefined;
    if (Array.isArray(list))
      for (const [i, element] of list.entries()) check(command, `${property}[${i}].`, elements, element);
  }
}

function check(command: string, path: string, shape: Shape, given: unknown): void {
  if (!isRecord(given))
    throw malformedRequest(
      command,
      `${path === "" ? "its arguments are" : `${path.slice(0, -1)} is`} no object`,
    );
  for (const [property, wanted] of Object.entries(shape)) {
    const value = given[property];
    const isOptional = wanted.endsWith("?");
    if ((value === undefined || value === null) && isOptional) continue;
    const type = wanted.replace("?", "");
    const isRight =
      type === "array"
        ? Array.isArray(value)
        : type === "object"
          ? isRecord(value)
          : type === "number"
            ? Number.isFinite(value)
            : typeof value === type;
    if (!isRight)
      throw malformedRequest(
        command,
        `"${path}${property}" must be ${type === "array" || type === "object" ? "an" : "a"} ${type}`,
      );
  }
}
