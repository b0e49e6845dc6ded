/**
 * The rules for linker scripts.
 */
import type { Rule } from "../../rules/rule.ts";

export const scriptRules: readonly Rule[] = [];
