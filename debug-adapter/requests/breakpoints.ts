/** Requests that set breakpoints: where a line, a function, an instruction, a range of bytes is in the machine. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { formatDataId, LONGEST_RANGE, parseDataId } from "../breakpoints/data.ts";
import { filterNamed, type Bound, type Options, type Place } from "../breakpoints/table.ts";
import { AdapterError, badReference, notBreakable } from "../errors.ts";
import { evaluateText, toInteger, type Value } from "../expressions/index.ts";
import { formatReference, parseReference, type Address } from "../memory/space.ts";
import type { LineAddress } from "../symbols/index.ts";
import type { Target } from "../target.ts";
import type { State } from "./state.ts";
import type { Handlers } from "./table.ts";

const NOT_LOADED = "No machine has been started yet.";

export function breakpoints(state: State): Handlers {
  const options = (given: Options): Options => ({
    condition: given.condition,
    hitCondition: given.hitCondition,
    logMessage: given.logMessage,
  });
  const pending = (message: string, more: Partial<DebugProtocol.Breakpoint> = {}): Bound => ({
    place: null,
    reply: { verified: false, message, reason: "pending", ...more },
  });

  const toPhysical = (linear: bigint): bigint | null =>
    state.target === null ? null : physicalOf(state.target, linear);
  const inMode = (linear: readonly bigint[], mode: string | undefined): Address[] => {
    if (mode !== "physical") return linear.map((offset) => ({ space: "linear", offset }));
    const physical = new Set(linear.map(toPhysical).filter((offset) => offset !== null));
    return [...physical].map((offset) => ({ space: "physical", offset }));
  };
  const code = (addresses: readonly Address[]): Place => ({ kind: "code", addresses });

  const bindLine = (path: string, line: number, mode: string | undefined): Bound => {
    const { target } = state;
    if (target === null) return pending(NOT_LOADED, { line });
    const places: readonly LineAddress[] = target.symbols.addressesForLine(path, line);
    const addresses = inMode(
      places.map((place) => place.address),
      mode,
    );
    const [first] = addresses;
    if (first === undefined) return pending("No image that is loaded has code for this line.", { line });
    return {
      place: code(addresses),
      reply: {
        verified: true,
        line: places[0]!.line,
        source: { path },
        instructionReference: formatReference(first),
      },
    };
  };

  const bindFunction = (name: string): Bound => {
    const { target } = state;
    if (target === null) return pending(NOT_LOADED);
    const raw = /^\*\s*(.+)$/.exec(name.trim())?.[1];
    let addresses: bigint[];
    if (raw === undefined) {
      // Symbols answer at once; what only debug information knows (inlined copies) comes when the index of a large kernel is there.
      const isPatient = target.loaded.kernel === null || target.symbols.isIndexed;
      addresses = target.symbols.functionsNamed(name.trim(), isPatient).map((fun) => fun.body);
      if (addresses.length === 0 && !isPatient)
        return pending(`No symbol is called "${name}"; the debug information is still being read.`);
    } else {
      const [core] = target.cpus;
      addresses = [
        BigInt.asUintN(64, toInteger(evaluateText(raw, state.namesNow(core!), { assignments: false }).value)),
      ];
    }
    const [first] = addresses;
    if (first === undefined) {
      const later =
        target.linux !== null && target.linux.slide === null
          ? " The kernel's own symbols are read when it has decompressed itself."
          : "";
      return pending(`No image that is loaded has a function "${name}".${later}`);
    }
    const entry = target.symbols.lineAt(first);
    const position =
      entry === null || entry.line === 0
        ? {}
        : { source: target.sources.source(entry.file), line: entry.line };
    return {
      place: code(addresses.map((offset) => ({ space: "linear", offset }))),
      reply: {
        verified: true,
        instructionReference: formatReference({ space: "linear", offset: first }),
        ...position,
      },
    };
  };

  const bindInstruction = (reference: string, offset: number, mode: string | undefined): Bound => {
    const base = parseReference(reference);
    if (base.space === "ram") throw notBreakable();
    const at: Address = { space: base.space, offset: base.offset + BigInt(offset) };
    const addresses = at.space === "linear" ? inMode([at.offset], mode) : [at];
    const [first] = addresses;
    if (first === undefined) return pending("This address is not mapped.");
    return {
      place: code(addresses),
      reply: { verified: true, instructionReference: formatReference(first) },
    };
  };

  return {
    setBreakpoints({ source, breakpoints: wanted, lines }) {
      const path =
        source.path ??
        (source.sourceReference === undefined
          ? undefined
          : state.target?.sources.recorded(source.sourceReference)) ??
        source.name ??
        "";
      const list = wanted ?? (lines ?? []).map((line): DebugProtocol.SourceBreakpoint => ({ line }));
      return {
        breakpoints: state.breakpoints.set(
          "source",
          path,
          list.map((given) => ({
            key: `${given.line} ${given.mode ?? ""}`,
            options: options(given),
            bind: () => bindLine(path, given.line, given.mode),
          })),
        ),
      };
    },
    setFunctionBreakpoints({ breakpoints: wanted }) {
      const list = wanted.map((given) => ({
        key: given.name,
        options: options(given),
        bind: () => bindFunction(given.name),
      }));
      return { breakpoints: state.breakpoints.set("function", "", list) };
    },
    setInstructionBreakpoints({ breakpoints: wanted }) {
      const list = wanted.map((given) => ({
        key: `${given.instructionReference} ${given.offset ?? 0} ${given.mode ?? ""}`,
        options: options(given),
        bind: () => bindInstruction(given.instructionReference, given.offset ?? 0, given.mode),
      }));
      return { breakpoints: state.breakpoints.set("instruction", "", list) };
    },
    setDataBreakpoints({ breakpoints: wanted }) {
      const list = wanted.map((given) => ({
        key: `${given.dataId} ${given.accessType ?? "write"}`,
        options: options(given),
        bind: (): Bound => {
          const range = parseDataId(given.dataId);
          return {
            place: { kind: "data", range, access: given.accessType ?? "write" },
            reply: { verified: true },
          };
        },
      }));
      return { breakpoints: state.breakpoints.set("data", "", list) };
    },
    setExceptionBreakpoints({ filters, filterOptions }) {
      const wanted = [...filters.map((filterId) => ({ filterId })), ...(filterOptions ?? [])];
      const list = wanted.map((given: DebugProtocol.ExceptionFilterOptions) => ({
        key: given.filterId,
        options: { condition: given.condition },
        bind: (): Bound => {
          const filter = filterNamed(given.filterId);
          if (filter === null)
            return {
              place: null,
              reply: {
                verified: false,
                message: `There is no filter "${given.filterId}".`,
                reason: "failed",
              },
            };
          return { place: { kind: "event", filter }, reply: { verified: true } };
        },
      }));
      return { breakpoints: state.breakpoints.set("exception", "", list) };
    },
    dataBreakpointInfo(args) {
      const { target } = state;
      if (target === null) return { dataId: null, description: NOT_LOADED };
      try {
        const { address, length, name, isLasting } = dataRange(state, args);
        const physical =
          args.mode === "physical" && address.space === "linear" ? toPhysical(address.offset) : null;
        const place: Address = physical === null ? address : { space: "physical", offset: physical };
        const dataId = formatDataId({ address: place, length });
        return {
          dataId,
          description: `${name === "" ? "" : `${name}: `}${length} byte${length === 1 ? "" : "s"} at ${formatReference(place)}`,
          accessTypes: ["read", "write", "readWrite"],
          canPersist: isLasting,
        };
      } catch (error) {
        if (error instanceof AdapterError) return { dataId: null, description: error.message };
        throw error;
      }
    },
    breakpointLocations({ source, line, endLine }) {
      const { target } = state;
      if (target === null || source.path === undefined) return { breakpoints: [] };
      const lines = new Set(
        target.symbols.linesOf(source.path, line, endLine ?? line).map((place) => place.line),
      );
      return { breakpoints: [...lines].map((each) => ({ line: each })) };
    },
  };
}

/** Where a linear address is in physical memory: as loaded, else as mapped now. */
export function physicalOf(target: Target, linear: bigint): bigint | null {
  for (const { segments, loadBias } of target.images) {
    for (const { virtualAddress, physicalAddress, memoryBytes } of segments) {
      const offset = linear - loadBias - virtualAddress;
      if (offset >= 0n && offset < BigInt(memoryBytes)) return BigInt(physicalAddress) + offset;
      // Already the physical one of the two places of an image.
      const loaded = linear - BigInt(physicalAddress);
      if (loaded >= 0n && loaded < BigInt(memoryBytes)) return linear;
    }
  }
  const [core] = target.cpus;
  const found = core === undefined ? "" : target.space(core).translate(linear);
  return typeof found === "number" ? BigInt(found) : null;
}

/** The bytes that dataBreakpointInfo asks about: a variable's, an expression's, or a range of addresses. Throws errors of 3xxx and 4xxx. */
function dataRange(
  state: State,
  { name, variablesReference, frameId, bytes, asAddress }: DebugProtocol.DataBreakpointInfoArguments,
): {
  readonly address: Address;
  readonly length: number;
  readonly name: string;
  readonly isLasting: boolean;
} {
  const limit = (length: number): number => {
    if (length < 1 || length > LONGEST_RANGE) throw badReference(`${name}, ${length} bytes`);
    return length;
  };
  if (variablesReference !== undefined && variablesReference > 0) {
    const node = state.variables.find(variablesReference, name, { letter: null, count: null });
    if (node?.place === undefined) throw badReference(name);
    return { address: node.place, length: limit(bytes ?? node.sizeBytes ?? 1), name, isLasting: false };
  }
  const names =
    state.isRunning || (frameId ?? 0) === 0
      ? state.namesNow(state.focus)
      : state.names(state.frame(frameId!));
  const { value } = evaluateText(name, names, { assignments: false });
  if (asAddress === true)
    return { address: asAddressOf(value), length: limit(bytes ?? 1), name: "", isLasting: true };
  if (value.place.kind === "memory") {
    return {
      address: value.place.address,
      length: limit(bytes ?? Math.max(1, value.type?.sizeBytes ?? 1)),
      name,
      isLasting: false,
    };
  }
  // A register or a number: what it points to.
  return { address: asAddressOf(value), length: limit(bytes ?? 1), name: "", isLasting: true };
}

function asAddressOf(value: Value): Address {
  return { space: value.points, offset: BigInt.asUintN(64, toInteger(value)) };
}
