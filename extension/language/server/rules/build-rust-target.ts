/**
 * Rules about target specifications of Rust (`x86_64-kernel.json`): the table of a target that the compiler does not know.
 *
 * What is no specification for bare x86-64 is silently none: any JSON file may come here.
 * Manual: rustc's `rustc_target::spec`, and The rustc book, x86_64-unknown-none.
 */
import { parseJson, type Json, type Member } from "./build-json.ts";
import { Places, type BuildRule } from "./build-rule.ts";
import type { Finding, Fix } from "./rule.ts";

interface Target {
  readonly members: ReadonlyMap<string, Member>;
  readonly triple: Member;
}

const textOf = (member: Member | undefined): string | undefined =>
  member?.value.kind === "string" ? member.value.value : undefined;

/** A target for x86-64 without an operating system below it, in the System V ABI. */
function targetIn(text: string): Target | null {
  // Most JSON files are something else, and some are large.
  const json: Json | undefined = text.includes('"llvm-target"') ? parseJson(text) : undefined;
  const members = json?.kind === "object" ? json.members : undefined;
  const triple = members?.get("llvm-target");
  const os = members?.get("os");
  return members &&
    triple &&
    /^x86_64-[\w.]+-none(?:-\w+)?$/.test(textOf(triple) ?? "") &&
    textOf(members.get("arch")) === "x86_64" &&
    (os === undefined || textOf(os) !== undefined) &&
    !/windows|uefi/.test(textOf(os) ?? "")
    ? { members, triple }
    : null;
}

/** Adds a member behind the triple, in a line of its own where the triple has one. */
function adding(text: string, { triple }: Target, name: string, value: string): Fix {
  const places = new Places(text);
  const lineStart = text.lastIndexOf("\n", triple.key.start) + 1;
  const indent = text.slice(lineStart, triple.key.start);
  const gap = lineStart > 0 && /^\s*$/.test(indent) ? `\n${indent}` : " ";
  return {
    title: `Add "${name}": ${value}`,
    edits: [places.insert(triple.value.end, `,${gap}"${name}": ${value}`)],
  };
}

function* redZoneFindings(text: string): Iterable<Finding> {
  const target = targetIn(text);
  const member = target?.members.get("disable-redzone");
  if (!target || (member?.value.kind === "literal" && member.value.value === true)) {
    return;
  }
  const places = new Places(text);
  const triple = textOf(target.triple) ?? "";
  if (!member) {
    yield {
      ...places.span(target.triple.value),
      message: `The target for ${triple} has no "disable-redzone": true: an interrupt in kernel mode overwrites what functions keep below RSP.`,
      fixes: [adding(text, target, "disable-redzone", "true")],
    };
  } else if (member.value.kind === "literal" && member.value.value === false) {
    yield {
      ...places.span(member.value),
      message: `The target for ${triple} keeps the red zone: an interrupt in kernel mode overwrites what functions keep below RSP.`,
      fixes: [{ title: "Change it to true", edits: [places.replace(member.value, "true")] }],
    };
  }
}

const redZone: BuildRule = {
  code: "build-rust-red-zone",
  files: "rust-target",
  severity: "warning",
  title: "A Rust target for bare x86-64 keeps the red zone",
  explanation: `Rust follows the System V ABI: functions may keep data in the 128 bytes below RSP without moving it. An interrupt that does not switch stacks
overwrites them, before any instruction of its handler runs.

In a target of your own the red zone is on unless the specification says otherwise:

\`\`\`json
{
  "llvm-target": "x86_64-unknown-none",
  "arch": "x86_64",
  "disable-redzone": true
}
\`\`\`

The built-in target \`x86_64-unknown-none\` has it disabled.

*System V ABI, AMD64 supplement, 3.2.2 The Stack Frame; The rustc book, x86_64-unknown-none.*`,
  check: redZoneFindings,
};

/** Left without SSE, or made so by the ABI. The last word about a feature wins. */
function hasSse(features: string, target: Target): boolean {
  const words = features.split(",").map((word) => word.trim());
  const last = (name: string): string | undefined => words.findLast((word) => word.slice(1) === name);
  const abi = textOf(target.members.get("rustc-abi")) ?? "";
  return last("sse") !== "-sse" && last("soft-float") !== "+soft-float" && !abi.endsWith("softfloat");
}

function* vectorFindings(text: string, savesVectors: boolean): Iterable<Finding> {
  const target = savesVectors ? null : targetIn(text);
  const member = target?.members.get("features");
  const features = member ? textOf(member) : "";
  if (!target || features === undefined || !hasSse(features, target)) {
    return;
  }
  const places = new Places(text);
  const wanted = [...(features === "" ? [] : [features]), "-mmx,-sse,+soft-float"].join(",");
  yield {
    ...places.span((member ?? target.triple).value),
    message: `The target for ${textOf(target.triple) ?? ""} compiles with SSE, and no assembly of the workspace saves the SSE registers (FXSAVE, XSAVE): an interrupt may change them.`,
    fixes: [
      member
        ? {
            title: `Change the features to "${wanted}"`,
            edits: [places.replace(member.value, JSON.stringify(wanted))],
          }
        : adding(text, target, "features", JSON.stringify(wanted)),
    ],
  };
}

const vectors: BuildRule = {
  code: "build-rust-sse",
  files: "rust-target",
  severity: "information",
  title: "A Rust target for bare x86-64 has SSE, and nothing saves the SSE registers",
  explanation: `Without a word about it the compiler uses SSE for floating point and to move memory. A kernel whose handlers do not save XMM0–XMM15 changes them
under the code it interrupts, and before CR4.OSFXSR is set every SSE instruction is an invalid opcode (#UD).

\`\`\`json
{
  "llvm-target": "x86_64-unknown-none",
  "arch": "x86_64",
  "disable-redzone": true,
  "features": "-mmx,-sse,+soft-float"
}
\`\`\`

\`+soft-float\` is needed besides: without it there is no way to compile a floating-point number. Newer compilers also want to be told the ABI that goes with it
(\`"rustc-abi"\`); they say so.

This is said only where no assembly of the workspace has an FXSAVE or XSAVE; where Rust saves the registers with \`asm!\` or an intrinsic, it does not apply.

*Intel SDM volume 3, 14.1 Providing Operating System Support for SSE Extensions; The rustc book, x86_64-unknown-none.*`,
  check: (text, { savesVectors }) => vectorFindings(text, savesVectors),
};

export const rustTargetRules: readonly BuildRule[] = [redZone, vectors];
