/** Why an emitted meaning with vector operands cannot go on: SSE, MMX or both units may not be used, or memory is not aligned. */
export const REFUSAL = { sse: 0, mmx: 1, both: 2, misaligned: 3 } as const;
