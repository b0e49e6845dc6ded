/** A register: what it is for, its parts, its bits. */
import { registerFacts } from "../../knowledge/register.ts";
import { fieldTable, paragraphs, table } from "./text.ts";

export function registerText(name: string): string | undefined {
  const facts = registerFacts(name);
  if (!facts) {
    return undefined;
  }
  const parts =
    facts.parts.length === 0
      ? undefined
      : table(
          facts.parts.map(([part]) => (part === name ? `**${part}**` : part)),
          [facts.parts.map(([, bits]) => bits)],
        );
  return paragraphs(
    `**\`${name}\`** ${facts.title}`,
    facts.text,
    parts,
    fieldTable(facts.fields),
    `*Intel ${facts.reference}*`,
  );
}
