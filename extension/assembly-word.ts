/** Words of assembly source as expressions of the debugger. */

export const ASSEMBLY_WORD = /[$%]?[A-Za-z_.][\w.$]*/u;

/** `%rax` and `$symbol` in GNU syntax name what `rax` and `symbol` name; a directive or a number names nothing. */
export function assemblyExpression(word: string): string | null {
  if (word.startsWith(".")) return null;
  if (word.startsWith("%")) return `$${word.slice(1)}`;
  return word.startsWith("$") ? word.slice(1) : word;
}
