/** Requests that look at a machine that stands still: threads, stack, scopes, variables, expressions. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { badMonitorCommand, notAssignable, notException } from "../errors.ts";
import { evaluateText, formatValue, type Format, type Names, type Value } from "../expressions/index.ts";
import { complete } from "../expressions/complete.ts";
import { bootParameters } from "../linux/index.ts";
import { formatReference } from "../memory/space.ts";
import { monitorCommands } from "../monitor/index.ts";
import type { Frame } from "../stack/frame.ts";
import { threadName } from "../status.ts";
import { typeName } from "../symbols/index.ts";
import { EVERYTHING, scopesOf, valueNode, type NamedScope, type Node } from "../variables/index.ts";
import { State } from "./state.ts";
import { exceptionInfo } from "./stop.ts";
import type { Handlers } from "./table.ts";

const HEX: Format = { letter: "x", count: null };
const PLAIN: Format = { letter: null, count: null };
const formatOf = (given: DebugProtocol.ValueFormat | undefined): Format =>
  given?.hex === true ? HEX : PLAIN;

export function inspection(state: State): Handlers {
  /** A node as DAP's variable, with references to where it was declared and where it points. */
  const variable = (node: Node): DebugProtocol.Variable => {
    const { declaration, code } = node;
    const position =
      code === undefined
        ? null
        : (state.launched().symbols.functionAt(code)?.declaration ?? state.launched().symbols.lineAt(code));
    return {
      ...state.variables.variable(node),
      ...(declaration === undefined ? {} : { declarationLocationReference: state.location(declaration) }),
      ...(position === null || position.line === 0
        ? {}
        : { valueLocationReference: state.location(position) }),
    };
  };

  const evaluated = (
    value: Value,
    names: Names,
    format: Format,
    path: string,
  ): DebugProtocol.EvaluateResponse["body"] => {
    const { name: _, evaluateName: __, ...rest } = variable(valueNode("", value, names, format, path));
    const { value: result, ...body } = rest;
    return { ...body, result };
  };

  /** After a change by hand, which may have been to anything. */
  const changed = (place: Node["place"], sizeBytes: number | undefined): void => {
    state.memoryChanged(place, sizeBytes ?? 1);
    state.invalidate(["all"]);
  };

  return {
    threads() {
      const cpus = state.target?.cpus ?? [];
      return {
        threads: cpus.map((core) => ({
          id: State.threadId(core),
          name: state.isRunning ? `CPU ${core.index}` : threadName(core),
        })),
      };
    },
    stackTrace({ threadId, startFrame, levels, format }) {
      const core = state.core(threadId);
      state.stopped();
      const count = levels === undefined || levels === 0 ? Number.POSITIVE_INFINITY : levels;
      const { list, total } = state.frames(core, startFrame ?? 0, count);
      return {
        stackFrames: list.map(([id, frame]) => stackFrame(state, id, frame, format)),
        totalFrames: total,
      };
    },
    scopes({ frameId }) {
      // Nothing to show, rather than an error in red that the editor's next question clears away.
      if (state.isPast(frameId)) return { scopes: [] };
      const frame = state.frame(frameId);
      const {
        symbols,
        sources,
        booted: { plan },
      } = state.stopped();
      const range = frame.symbols?.function.declaration ?? null;
      const scopes: NamedScope[] = [...scopesOf(frame, symbols, state.names(frame))];
      const parameters = bootParameters(plan, frame.space, symbols);
      if (parameters !== null)
        scopes.push({ name: "Boot parameters", hint: "globals", container: parameters, isExpensive: true });
      return {
        scopes: scopes.map(({ name, hint, container, isExpensive }) => ({
          name,
          presentationHint: hint,
          variablesReference: state.variables.add(container),
          expensive: isExpensive,
          ...(hint === "locals" && range !== null
            ? { source: sources.source(range.file), line: range.line }
            : {}),
        })),
      };
    },
    variables({ variablesReference, filter, start, count, format }) {
      state.stopped();
      const container = state.variables.get(variablesReference);
      const page = {
        filter: filter ?? ("all" as const),
        start: Math.max(0, start ?? 0),
        count: count === undefined || count === 0 ? Number.POSITIVE_INFINITY : count,
      };
      return { variables: container.list(page, formatOf(format)).map(variable) };
    },
    setVariable({ variablesReference, name, value, format }) {
      state.stopped();
      const node = state.variables.assign(variablesReference, name, value, formatOf(format));
      const { name: _, evaluateName: __, ...body } = variable(node);
      changed(node.place, node.sizeBytes);
      return body;
    },
    setExpression({ expression, value, frameId, format }) {
      state.stopped();
      const names = state.names(state.frameOr(frameId));
      const { value: target, format: own } = evaluateText(expression, names, { assignments: false });
      const shown = own.letter === null && own.count === null ? formatOf(format) : own;
      const node = valueNode(expression, target, names, shown, expression);
      if (node.assign === undefined)
        throw notAssignable(
          target.place.kind === "none" ? target.place.why : `"${expression}" cannot be changed.`,
        );
      node.assign(value);
      // Read again: what is there now, not what was written.
      const again = evaluateText(expression, names, { assignments: false }).value;
      const { result, ...body } = evaluated(again, names, shown, expression);
      changed(node.place, node.sizeBytes);
      return { ...body, value: result };
    },
    evaluate({ expression, frameId, context, format }) {
      const text = expression.trim();
      if (context === "repl") {
        const line = text.replace(/^(?:monitor|mon)\s+/, "");
        const isForced = line !== text;
        const { monitor } = state;
        if (frameId !== undefined && frameId !== 0 && !state.isPast(frameId))
          state.showing(state.frame(frameId).core);
        if (monitor !== null && (isForced || monitor.knows(line)))
          return { result: monitorAnswer(state, line), variablesReference: 0 };
      }
      state.stopped();
      const names = state.names(state.frameOr(frameId));
      const isRepl = context === "repl";
      const { value, format: own } = evaluateText(text, names, { assignments: isRepl });
      const shown: Format = { letter: own.letter ?? formatOf(format).letter, count: own.count };
      if (context === "clipboard")
        return { result: wholeText(value, names, shown), type: typeName(value.type), variablesReference: 0 };
      if (isRepl && /[^=!<>]=[^=]/.test(text))
        changed(value.place.kind === "memory" ? value.place.address : undefined, value.type?.sizeBytes);
      return evaluated(
        value,
        names,
        shown,
        text.replace(/,\s*\[?\d*\]?[a-zA-Z]?\s*$/, (suffix) =>
          own.letter === null && own.count === null ? suffix : "",
        ),
      );
    },
    completions({ text, column, frameId }) {
      const target = state.launched();
      if (state.isRunning) return { targets: [] };
      const columnsAt1 = state.client.columnsStartAt1 !== false;
      const names = state.names(state.frameOr(frameId));
      const at = Math.max(0, column - (columnsAt1 ? 1 : 0));
      return {
        targets: complete(
          text,
          at,
          names,
          target.symbols,
          state.variablesInScope(frameId),
          monitorCommands(),
        ),
      };
    },
    exceptionInfo({ threadId }) {
      const core = state.core(threadId);
      if (state.stop !== null && "cpu" in state.stop && state.stop.cpu !== core.index) throw notException();
      return exceptionInfo(state.stop, state.stopped().explainer(core), core);
    },
  };
}

function stackFrame(
  state: State,
  id: number,
  frame: Frame,
  format: DebugProtocol.StackFrameFormat | undefined,
): DebugProtocol.StackFrame {
  const target = state.launched();
  const { symbols, physical, pc } = frame;
  const fun = symbols?.function;
  const image = target.symbols.imageAt(physical.address);
  const module =
    image === null
      ? undefined
      : target.loaded.modules.find((candidate) => candidate.image?.file === image.file);
  const position = symbols?.position ?? null;
  const hasLine = position !== null && position.line > 0;
  const label = fun === undefined ? (target.describe(pc) ?? target.placeOf(pc)) : fun.name;
  const parameters =
    format?.parameters === true && fun?.type
      ? `(${fun.type.parameters.map((parameter) => [...(format.parameterTypes === true ? [typeName(parameter.type)] : []), ...(format.parameterNames === false ? [] : [parameter.name])].join(" ")).join(", ")})`
      : "";
  const notes = [
    ...(symbols?.isInlined === true ? ["inlined"] : []),
    ...(physical.isInterrupted && symbols?.isInlined !== true ? ["interrupted"] : []),
    // Not "subtle": VS Code folds such frames away, and without call frame information that is all of them but one.
    ...(physical.method === "scan" && symbols?.isInlined !== true ? ["guessed"] : []),
  ];
  const suffix = notes.length === 0 ? "" : ` [${notes.join(", ")}]`;
  const name = `${format?.module === true && module !== undefined ? `${module.name}!` : ""}${label ?? `0x${pc.toString(16)}`}${parameters}${suffix}`;
  return {
    id,
    name: format?.line === true && hasLine ? `${name} Line ${position.line}` : name,
    line: hasLine ? position.line : 0,
    column: hasLine ? Math.max(position.column, 1) : 0,
    ...(hasLine ? { source: target.sources.source(position.file) } : {}),
    instructionPointerReference: formatReference({ space: "linear", offset: pc }),
    ...(module === undefined ? {} : { moduleId: module.id }),
    ...(label === null ? { presentationHint: "subtle" as const } : {}),
    canRestart: false,
  };
}

/** A monitor command's answer; what it cannot do is an error of the request. */
function monitorAnswer(state: State, line: string): string {
  if (state.monitor === null) throw badMonitorCommand("no machine is running");
  const before = state.isRunning;
  const text = state.monitor.run(line);
  if (!before && /^system_reset|^nmi|^system_powerdown/.test(line)) state.sendStatus(false);
  return text.replace(/\n$/, "");
}

/** Everything that a value consists of, for the clipboard. */
function wholeText(value: Value, names: Names, format: Format, depth = 0): string {
  const node = valueNode("", value, names, format, null);
  if (node.children === undefined || depth > 4 || /^0x|^p:/.test(node.value))
    return formatValue(value, names, format);
  const indent = "  ".repeat(depth + 1);
  const lines = node.children
    .list({ ...EVERYTHING, count: 1000 }, format)
    .map((child) => `${indent}${child.name} = ${child.value}`);
  return `{\n${lines.join(",\n")}\n${"  ".repeat(depth)}}`;
}
