/** What a person is told of the analysis. Knows no editor. */
import type { FileAnalysisBody, FileFunctionBody, UnitBody } from "../../media/protocol.ts";

/** "red zone 40 B · stack 216 B". */
export function lensTitle({ redZoneBytes, frameBytes, isDynamic }: FileFunctionBody): string {
  const stack = `stack ${frameBytes}${isDynamic ? "+" : ""} B`;
  return redZoneBytes > 0 ? `red zone ${redZoneBytes} B · ${stack}` : stack;
}

export function functionProblem(row: FileFunctionBody): string {
  const { name, redZoneBytes, member, isLeaf } = row;
  const who = member === null ? name : `${name}, which ${member} brought,`;
  const what = isLeaf
    ? `keeps ${redZoneBytes} bytes below the stack pointer, in the red zone`
    : `uses ${redZoneBytes} bytes below the stack pointer, the red zone`;
  const remedy = remedyOf(row);
  return `${who} ${what}. An interrupt that stays on this stack overwrites them before the handler's first instruction. ${remedy}`;
}

function remedyOf({ member, file }: FileFunctionBody): string {
  const stacks = "or give the gates an IST stack.";
  if (member !== null) return `Link a build of that library made with -mno-red-zone, ${stacks}`;
  if (file !== null && /\.(?:s|asm|nasm)$/i.test(file))
    return `Move RSP down before storing there, ${stacks}`;
  if (file?.endsWith(".rs") === true)
    return `Build for a target without a red zone (x86_64-unknown-none, or "disable-redzone": true in your own), ${stacks}`;
  return `Compile it with -mno-red-zone, ${stacks}`;
}

export const overwriteProblem = ({ name, overwrites }: FileFunctionBody): string =>
  `${name} overwrites bytes of its own red zone with a ${overwrites[0]?.kind ?? "push"} and reads them again: inline assembly that pushes in code compiled with a red zone, most likely. Compile it with -mno-red-zone.`;

/** Units that their compiler was allowed to use the red zone in. */
export const unitsWithRedZone = ({ units }: FileAnalysisBody): readonly UnitBody[] =>
  units.filter(({ redZone }) => redZone === "yes");

const LISTED_MAX = 6;

export function unitsProblem(kernel: string, body: FileAnalysisBody): string {
  const names = unitsWithRedZone(body).map(({ name }) => name.slice(name.lastIndexOf("/") + 1));
  const listed = names.slice(0, LISTED_MAX).join(", ");
  const rest = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : "";
  const were = names.length === 1 ? "was" : "were";
  return `${names.length} of ${body.units.length} compilation units of ${kernel} ${were} built without -mno-red-zone: ${listed}${rest}. Their functions may keep data where an interrupt on the same stack overwrites it.`;
}

/** An access as a line of a list: "stores 8 bytes at RSP - 40". */
export function accessText({
  from,
  sizeBytes,
  reads,
  writes,
  isExact,
}: FileFunctionBody["accesses"][number]): string {
  const verb = reads && writes ? "changes" : writes ? "stores" : "reads";
  const bytes = sizeBytes === 1 ? "1 byte" : sizeBytes > 0 ? `${sizeBytes} bytes` : "bytes";
  return `${verb} ${bytes} at RSP − ${-from}${isExact ? "" : " and up, indexed"}`;
}
