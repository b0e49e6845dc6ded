/**
 * What is told of an item when it is looked at.
 *
 * Invariant: an item is told of by its subject alone, so that lists stay small.
 */
import { MarkupKind, type CompletionItem } from "vscode-languageserver-types";
import { instruction } from "../knowledge/instructions.ts";
import type { Field } from "../knowledge/field.ts";
import { meaningOf } from "../knowledge/meaning.ts";
import { msrOf } from "../knowledge/msr.ts";
import { portOf } from "../knowledge/port.ts";
import { registerFacts } from "../knowledge/register.ts";
import type { World } from "../world.ts";
import { directives } from "./directive.ts";
import { formText } from "./form.ts";
import type { Subject } from "./offer.ts";
import { plainText, type Notation } from "./snippet.ts";
import { snippets } from "./snippets/index.ts";

export function documented(world: World, item: CompletionItem): CompletionItem {
  const subject = subjectOf(item.data);
  const value = subject && tell(world, subject);
  return value === undefined || value === ""
    ? item
    : { ...item, documentation: { kind: MarkupKind.Markdown, value } };
}

/** Data comes back from the client, who may send anything. */
function subjectOf(data: unknown): Subject | undefined {
  // The kinds are told apart below; a client that sends another's data gets no documentation.
  return typeof data === "object" && data !== null && "kind" in data ? (data as Subject) : undefined;
}

const fence = "```";

function tell(world: World, subject: Subject): string | undefined {
  switch (subject.kind) {
    case "instruction":
      return tellInstruction(subject);
    case "directive": {
      const found = directives[subject.language].get(subject.name);
      return found && `\`${`${found.name} ${found.operands}`.trim()}\`\n\n${found.sentence}`;
    }
    case "snippet": {
      const found = snippets.find(({ name }) => name === subject.name);
      const text = found?.texts[subject.notation];
      return found && text !== undefined
        ? `**${found.title}**\n\n${found.description}\n\n${fence}${fenceLanguage(subject.notation)}\n${plainText(text).trimEnd()}\n${fence}`
        : undefined;
    }
    case "name":
      return tellName(world, subject);
    case "register":
      return tellRegister(subject.name);
    case "msr": {
      const found = msrOf(BigInt(subject.number));
      const fields = found?.fields.map(tellField) ?? [];
      return (
        found && [`**${found.name}** (MSR ${subject.number})`, found.text, fields.join("\n")].join("\n\n")
      );
    }
    case "port": {
      const found = portOf(BigInt(subject.number));
      const notes = found?.notes.map((note) => `- ${note}`) ?? [];
      return (
        found && [`**${found.device}** (port ${subject.number})`, found.text, notes.join("\n")].join("\n\n")
      );
    }
  }
}

const tellField = ({ high, low, name, text }: Field): string =>
  `- ${high === low ? "bit" : "bits"} ${high === low ? low : `${high}–${low}`}${name === "" ? "" : ` \`${name}\``}: ${text}`;

function tellRegister(name: string): string | undefined {
  const found = registerFacts(name);
  return (
    found && [`**${name}**: ${found.title}`, found.text, found.fields.map(tellField).join("\n")].join("\n\n")
  );
}

/** The names of our languages; the editor's grammars colour by them. */
function fenceLanguage(notation: Notation): string {
  switch (notation) {
    case "att":
    case "intel":
      return "gas";
    case "nasm":
      return "nasm";
    case "script":
      return "linkerscript";
  }
}

function tellInstruction({
  name,
  dialect,
  bits,
}: Extract<Subject, { kind: "instruction" }>): string | undefined {
  const found = instruction(name, dialect);
  const forms = found?.forms.filter((form) => bits === null || form.modes.includes(bits)) ?? [];
  const texts = [...new Set(forms.map((form) => formText(form, name, dialect)))];
  const shown = texts.slice(0, 12);
  const more = texts.length > shown.length ? `\n\n… and ${texts.length - shown.length} more forms` : "";
  const sentence = meaningOf(forms)?.sentence;
  const start = sentence === undefined ? "" : `${sentence}\n\n`;
  return texts.length === 0 ? undefined : `${start}${fence}\n${shown.join("\n")}\n${fence}${more}`;
}

/** The comment above a definition, and the line itself. */
function tellName(world: World, { uri, line, name }: Extract<Subject, { kind: "name" }>): string | undefined {
  const file = world.file(uri);
  const found = file?.lines[line];
  if (!file || !found || !found.definitions.some((definition) => definition.name === name)) {
    return undefined;
  }
  const where = `${uri.split("/").at(-1) ?? ""}:${line + 1}`;
  const language = file.language === "linkerscript" ? "linkerscript" : file.language;
  return `${fence}${language}\n${found.text.trim()}\n${fence}\n${where}`;
}
