/** What an instruction does, as a row of a table: mnemonics (Intel's, several where they share it), a sentence, the manual's heading, exceptions of its own. */
export type Row = readonly [
  mnemonics: string,
  sentence: string,
  heading: string,
  /** Besides those that every access to memory may have. */
  exceptions?: string,
];
