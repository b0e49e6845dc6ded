/**
 * All rules as documents for a reader: what a link of a diagnostic opens, and the list of them.
 *
 * Elsewhere: rules of assembly (`rules/index.ts`), of build files (`rules/build-diagnostic.ts`); who shows a document (the client).
 */
import { examples, type Example } from "./example.ts";
import { buildRules } from "./rules/build-diagnostic.ts";
import type { BuildKind } from "./rules/build-rule.ts";
import { rules } from "./rules/index.ts";
import type { Rule } from "./rules/rule.ts";
import type { Language } from "./syntax.ts";

export interface Explained extends Pick<Rule, "code" | "severity" | "title" | "explanation"> {
  /** What it is about, as a person says it: "GNU as, NASM". */
  readonly about: string;
  /** A comment beside the code silences it. Files of the build have no comments. */
  readonly canIgnore: boolean;
}

/** Of one rule, for lists of them. */
export type RuleSummary = Pick<Explained, "code" | "severity" | "title" | "about">;

const languages: Readonly<Record<Language, string>> = {
  gas: "GNU as",
  nasm: "NASM",
  linkerscript: "linker scripts",
};

const files: Readonly<Record<BuildKind, string>> = {
  "compile-commands": "`compile_commands.json`",
  "rust-target": "Rust targets",
  "cargo-config": "`.cargo/config.toml`",
};

/** By kind, then in the order of their tables. */
export const explained: readonly Explained[] = [
  ...rules.map((rule) => ({
    ...rule,
    about: rule.languages.map((language) => languages[language]).join(", "),
    canIgnore: true,
  })),
  ...buildRules.map((rule) => ({ ...rule, about: files[rule.files], canIgnore: false })),
];

export function summaries(): readonly RuleSummary[] {
  return explained.map(({ code, severity, title, about }) => ({ code, severity, title, about }));
}

/** Markdown; null for a code that no rule has. */
export function explanationOf(code: string): string | null {
  const rule = explained.find((each) => each.code === code);
  if (!rule) {
    return null;
  }
  const { title, severity, about, explanation, canIgnore } = rule;
  const example = examples[code];
  const parts = [
    `# ${title}`,
    `\`${code}\` · ${severity} · ${about}`,
    explanation,
    ...(example ? partsOf(example) : []),
  ];
  if (canIgnore) {
    parts.push(
      "---",
      `A comment \`redzone: ignore ${code}\` on the line, or on a line of its own before it, keeps the rule silent there.`,
    );
  }
  return `${parts.join("\n\n")}\n`;
}

function partsOf({ file, wrong, right }: Example): readonly string[] {
  // As the editor's previews know them: AT&T syntax and linker scripts have no name there.
  const name = /\.(?:asm|nasm)$/.test(file) ? "x86asm" : "";
  const block = (text: string): string => `\`\`\`${name}\n${dedent(text)}\n\`\`\``;
  return ["## Example", "This is found:", block(wrong), "This was meant:", block(right)];
}

/** Lines without the spaces that all of them begin with. */
function dedent(text: string): string {
  const lines = text.split("\n").filter((line, index) => index > 0 || line !== "");
  const indent = Math.min(...lines.filter((line) => line !== "").map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** A table of all rules, in Markdown, for the manual. */
export function rulesTable(): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    "| rule | finds | in | severity |",
    "|:--|:--|:--|:--|",
    ...explained.map(
      ({ code, title, about, severity }) => `| \`${code}\` | ${cell(title)} | ${cell(about)} | ${severity} |`,
    ),
  ].join("\n");
}
