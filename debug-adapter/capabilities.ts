/**
 * What the adapter says it can do. Each entry has a test that uses it through the protocol; `test/adapter/capabilities.test.ts` compares the lists.
 *
 * Not here: stepping back and restarting frames (time travel), terminateThreads and single-thread execution (CPUs take turns, none runs alone).
 */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { exceptionBreakpointFilters } from "./exceptions/filter.ts";

export const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsEvaluateForHovers: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsGotoTargetsRequest: true,
  supportsStepInTargetsRequest: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: [".", ">", "$", "%", " "],
  supportsModulesRequest: true,
  additionalModuleColumns: [
    { attributeName: "role", label: "Role", type: "string" },
    { attributeName: "loadOffset", label: "Load offset", type: "string" },
    { attributeName: "buildId", label: "Build id", type: "string" },
  ],
  supportsRestartRequest: true,
  supportsValueFormattingOptions: true,
  supportsExceptionInfoRequest: true,
  supportsExceptionFilterOptions: true,
  exceptionBreakpointFilters: [...exceptionBreakpointFilters],
  supportsTerminateRequest: true,
  supportsDelayedStackTraceLoading: true,
  supportsLoadedSourcesRequest: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsInstructionBreakpoints: true,
  supportsBreakpointLocationsRequest: true,
  supportsSteppingGranularity: true,
  supportsCancelRequest: true,
  supportsClipboardContext: true,
  breakpointModes: [
    {
      mode: "linear",
      label: "Linear address",
      description: "Where the code is for the program: after segmentation, before paging.",
      appliesTo: ["source", "instruction", "data"],
    },
    {
      mode: "physical",
      label: "Physical address",
      description: "Where the code or data is in memory, whatever the page tables say.",
      appliesTo: ["source", "instruction", "data"],
    },
  ],
} satisfies DebugProtocol.Capabilities;
