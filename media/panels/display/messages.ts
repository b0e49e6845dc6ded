/** What the Display panel and its host in the extension post to each other. Pictures travel as bytes, not as text. */
import type { DisplayBody, KeyArguments, MouseArguments } from "../../protocol.ts";

/** Lines of the picture; `data` is in zlib's format: red, green and blue of each pixel. */
export interface Band {
  readonly y: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export type ToDisplayPanel =
  /** No machine has run since the panel's host was made. */
  | { readonly kind: "none" }
  /** What has changed of a session's display. The panel answers "drawn". */
  | {
      readonly kind: "picture";
      readonly width: number;
      readonly height: number;
      readonly bands: readonly Band[];
      readonly cursor: DisplayBody["cursor"];
      /** Columns, rows and contents of a text screen; null in graphics modes. */
      readonly text: { readonly columns: number; readonly rows: number; readonly lines: string } | null;
    }
  /** "ended": the session is over, its last picture stays. */
  | {
      readonly kind: "state";
      readonly machine: string;
      readonly state: "running" | "stopped" | "ended";
    };

export type FromDisplayPanel =
  /** The panel has loaded and holds nothing. */
  | { readonly kind: "ready" }
  /** The picture has been drawn; the next one may come. */
  | { readonly kind: "drawn" }
  | { readonly kind: "key"; readonly key: KeyArguments }
  | { readonly kind: "mouse"; readonly mouse: MouseArguments }
  | {
      readonly kind: "command";
      readonly command: "debugSample" | "sendKeys" | "copyDisplayText" | "saveDisplay";
    };
