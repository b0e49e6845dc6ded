/** Line endings between a kernel and a terminal. */

/** A terminal wants CR LF; many kernels send LF alone. `last` is the character before. */
export function terminalLines(text: string, last: string): string {
  return text.replaceAll(/\r?\n/gu, (ending, offset: number) =>
    ending === "\n" && offset === 0 && last === "\r" ? "\n" : "\r\n",
  );
}
