/**
 * The file system as the adapter sees it. Hosts implement it (`node-files.ts`; the extension over `vscode.workspace.fs`), so that nothing
 * else in this layer knows where files come from.
 */

/** A file that is read piece by piece; symbols of large kernels never load it whole. */
export interface FileReader {
  /** Size in bytes when it was opened. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; fewer if the file ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Files {
  /** The whole file; rejects with the host's error if it cannot be read. */
  read(path: string): Promise<Uint8Array>;
  open(path: string): Promise<FileReader>;
  exists(path: string): Promise<boolean>;
  /** Names in a directory, without "." and ".."; empty if there is no such directory. */
  list(path: string): Promise<readonly string[]>;
}
