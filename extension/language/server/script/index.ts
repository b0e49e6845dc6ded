/**
 * Linker scripts of GNU ld: parsed into lines and a tree, features and rules for them.
 *
 * Invariant: features are pure functions over the world, as those of assembly.
 * Elsewhere: outline, definitions, references, folding, which work on lines (`features/`).
 */
export { scriptCompletion } from "./completion.ts";
export { openScript, treeOf } from "./file.ts";
export { scriptHover } from "./hover.ts";
export { scriptRules } from "./rules/index.ts";
export { scriptSignature } from "./signature.ts";
