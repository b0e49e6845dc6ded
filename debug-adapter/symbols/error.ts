/**
 * The one error this folder raises: what is wrong with a symbol file, and where in it.
 *
 * Everything read here was written by somebody else's tool, or by nobody; no input may cause anything but this, and none may
 * cause a hang. API functions return it; it is thrown only between files of this folder.
 */
export class SymbolError extends Error {
  /** Name of the file as it was given to `openImage`. */
  readonly file: string;
  /** Where in that file, in bytes; in a compressed section the offset inside the decompressed section, and `reason` says so. */
  readonly offset: number;
  readonly reason: string;

  constructor(file: string, offset: number, reason: string) {
    super(`${file}, offset 0x${offset.toString(16)}: ${reason}`);
    this.name = "SymbolError";
    this.file = file;
    this.offset = offset;
    this.reason = reason;
  }
}

/** Runs `action`, turning a thrown SymbolError into a value. Anything else is a bug and passes. */
export function capture<T>(action: () => T): T | SymbolError {
  try {
    return action();
  } catch (error) {
    if (error instanceof SymbolError) return error;
    throw error;
  }
}
