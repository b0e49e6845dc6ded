/** What a panel of the kit and its host in the extension post to each other. */
import type { CustomRequests, StatusBody } from "../../protocol.ts";
import type { Place, View } from "../../protocol/place.ts";

/** Whose machine a panel shows, and what it does. */
export type MachineState =
  /** Nothing has run since the panel's host was made. */
  | { readonly state: "none" }
  | {
      readonly state: "running" | "stopped" | "ended";
      /** Tells sessions apart. */
      readonly session: string;
      /** Of the launch configuration. */
      readonly name: string;
      /** Grows whenever a stopped machine may look different: at each stop, and after a write by the debugger. */
      readonly version: number;
      readonly status: StatusBody | null;
      /** What is chosen in the Call Stack; a thread's number is its CPU's plus one. */
      readonly threadId: number | null;
      readonly frameId: number | null;
    };

export type ToPanel =
  | { readonly kind: "machine"; readonly machine: MachineState }
  | { readonly kind: "answer"; readonly id: number; readonly body: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly message: string }
  | { readonly kind: "reveal"; readonly place: Place };

export type FromPanel =
  /** The panel has loaded and listens. */
  | { readonly kind: "ready" }
  | {
      readonly kind: "request";
      readonly id: number;
      readonly name: keyof CustomRequests;
      readonly arguments: unknown;
    }
  | { readonly kind: "open"; readonly view: View; readonly place: Place }
  | { readonly kind: "source"; readonly path: string; readonly line: number }
  | { readonly kind: "copy"; readonly text: string; readonly what: string }
  | { readonly kind: "command"; readonly command: "debugSample" };
