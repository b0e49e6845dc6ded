/** WebAssembly as nodes and bytes. */
export * from "./operator.ts";
export * from "./node.ts";
export * from "./simplify.ts";
export * from "./encode.ts";
export * from "./builder.ts";
