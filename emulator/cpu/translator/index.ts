/** The translator: hot code as WebAssembly functions of whole regions. */
export { flagWordsFunction } from "./flags.ts";
export { LEFT } from "./frame.ts";
export { plan, type CodeView, type Plan, type PlanLimits } from "./plan.ts";
export { regionFunction } from "./region.ts";
export { REGION_IMPORTS, Translator, type CoreExports } from "./translator.ts";
