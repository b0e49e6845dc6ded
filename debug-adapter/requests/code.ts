/** Requests about code: disassembly, sources, images. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { SEG } from "../../emulator/index.ts";
import { listing, type Row } from "../disassembly/index.ts";
import { badReference, noSource } from "../errors.ts";
import { LARGEST, parseReference, type Address } from "../memory/space.ts";
import type { Target } from "../target.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const MOST_INSTRUCTIONS = 20_000;

export function code(state: State): Handlers {
  return {
    disassemble({ memoryReference, offset, instructionOffset, instructionCount, resolveSymbols }) {
      const target = state.launched();
      const base = parseReference(memoryReference);
      const at: Address = { space: base.space, offset: clamp(base.offset + BigInt(offset ?? 0), base.space) };
      const count = Math.max(0, Math.min(Math.trunc(instructionCount), MOST_INSTRUCTIONS));
      const core = state.focus;
      const bits = at.space === "linear" ? target.bitsAt(core, at.offset) : target.bitsAt(core, 0n);
      const segmentBase = bits === 64 ? 0n : core.segmentBase(SEG.cs);
      const rows = listing(target.space(core), at, Math.trunc(instructionOffset ?? 0), count, {
        bits,
        syntax: target.syntax,
        base: segmentBase,
        map: target,
      });
      return { instructions: disassembled(target, rows, at.space, resolveSymbols !== false) };
    },
    modules({ startModule, moduleCount }) {
      const all = state.target?.loaded.modules ?? [];
      const start = startModule ?? 0;
      const list = all.slice(
        start,
        moduleCount === undefined || moduleCount === 0 ? undefined : start + moduleCount,
      );
      return {
        modules: list.map(({ id, name, path, image, problem, role }) => ({
          id,
          name,
          ...(path === null ? {} : { path }),
          symbolStatus:
            image === null
              ? (problem ?? "no symbols")
              : image.hasDebugInformation
                ? "debug information loaded"
                : "symbols without debug information",
          ...(path === null || image === null ? {} : { symbolFilePath: path }),
          ...(image === null
            ? {}
            : {
                addressRange: image.extents
                  .map(({ low, high }) => `0x${low.toString(16)}-0x${high.toString(16)}`)
                  .join(", "),
              }),
          isUserCode: role === "kernel",
          role,
          loadOffset: image === null ? "" : `0x${image.loadOffset.toString(16)}`,
          buildId: image?.buildId ?? "",
        })),
        totalModules: all.length,
      };
    },
    loadedSources() {
      const target = state.launched();
      return { sources: target.symbols.sources().map((path) => target.sources.source(path)) };
    },
    source({ sourceReference, source }) {
      const target = state.launched();
      const reference = source?.sourceReference ?? sourceReference;
      const recorded = target.sources.recorded(reference) ?? source?.path;
      if (recorded === undefined) throw noSource(String(reference));
      // Found after all, for instance because it has been generated since.
      const path = target.sources.find(recorded);
      if (path !== null) return { content: new TextDecoder().decode(state.host.files.read(path)) };
      return { content: missingSource(target, recorded), mimeType: "text/plain" };
    },
    locations({ locationReference }) {
      const { file, line, column } = state.locationOf(locationReference);
      return { source: state.launched().sources.source(file), line, ...(column > 0 ? { column } : {}) };
    },
  };
}

function clamp(offset: bigint, space: Address["space"]): bigint {
  if (offset > LARGEST[space]) throw badReference(`0x${offset.toString(16)}`);
  return offset < 0n ? 0n : offset;
}

/** What a client shows in place of a file that is not here. */
function missingSource(target: Target, recorded: string): string {
  return [
    `The source file`,
    ``,
    `    ${recorded}`,
    ``,
    `is not on this machine, so its text cannot be shown. Stepping, breakpoints and variables work nevertheless.`,
    ``,
    `If the file is somewhere else, add a source map to the launch configuration:`,
    ``,
    `    "sourceMap": { "${recorded.slice(0, Math.max(recorded.lastIndexOf("/"), 1))}": "\${workspaceFolder}" }`,
    ``,
    `It was looked for below ${target.configuration.cwd === "" ? "the kernel's directory" : target.configuration.cwd}.`,
    ``,
  ].join("\n");
}

function disassembled(
  target: Target,
  rows: readonly Row[],
  space: Address["space"],
  resolveSymbols: boolean,
): DebugProtocol.DisassembledInstruction[] {
  let lastFile = "";
  let lastLine = 0;
  return rows.map(({ address, instruction }) => {
    const at = `0x${address.toString(16)}`;
    if (instruction === null) return { address: at, instruction: "??", presentationHint: "invalid" as const };
    const bytes = Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const row: DebugProtocol.DisassembledInstruction = {
      address: at,
      instructionBytes: bytes,
      instruction: instruction.text,
    };
    if (!instruction.isValid) row.presentationHint = "invalid";
    if (space === "physical" || !resolveSymbols) return row;
    const referred = instruction.target ?? instruction.operand;
    const name = referred === null ? null : target.describe(referred);
    if (name !== null)
      row.instruction +=
        instruction.target === null ? ` # 0x${referred!.toString(16)} <${name}>` : ` <${name}>`;
    const start = target.startOf(address);
    if (start === address) {
      const symbol = target.describe(address);
      if (symbol !== null) row.symbol = symbol;
    }
    const entry = target.symbols.lineAt(address);
    // VS Code leaves a gap for each line of a file that it cannot show.
    if (entry === null || entry.line === 0 || target.sources.find(entry.file) === null) return row;
    if (entry.file !== lastFile) row.location = target.sources.source(entry.file);
    if (entry.file !== lastFile || entry.line !== lastLine) {
      row.line = entry.line;
      if (entry.column > 0) row.column = entry.column;
    }
    lastFile = entry.file;
    lastLine = entry.line;
    return row;
  });
}
