/** Whether the command line only asks for words: then nothing is made ready for a run. */
export const runsNothing = process.argv.slice(2).some((word) => /^--?(version|help|h)$/u.test(word));
