/** The translator: hot code as WebAssembly functions of whole regions. */
export { flagWordsFunction } from "./flags.ts";
export { LEFT } from "./frame.ts";
export { plan, type CodeView, type Plan, type PlanLimits } from "./plan.ts";
export { regionFunction } from "./region.ts";
export { Maker, REGION_IMPORTS, type Order, type Product, type Workshop } from "./order.ts";
export { Translator, type CoreExports } from "./translator.ts";
