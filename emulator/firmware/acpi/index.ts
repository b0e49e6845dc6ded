/** ACPI tables: what they say and how they are linked. */
export type { DsdtConfig } from "./dsdt.ts";
export { link, loaderScript, type FileSet, type LinkFile } from "./linker.ts";
export { acpiTables, FILE } from "./tables.ts";
