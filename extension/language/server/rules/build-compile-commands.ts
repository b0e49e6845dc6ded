/**
 * Rules about C and C++ in a compilation database: code that runs in a kernel, compiled as if it ran in a process.
 *
 * A database has thousands of commands that are wrong in one way. They are one finding, at the first of them.
 */
import { commandsIn, programName, type CompileCommand, type Word } from "./build-command.ts";
import type { Extent } from "./build-json.ts";
import { optionsOf, type Options } from "./build-option.ts";
import { Places, type BuildRule } from "./build-rule.ts";
import type { Finding } from "./rule.ts";

interface Wrong {
  readonly command: CompileCommand;
  /** What says that it is code of a kernel. */
  readonly anchor: Extent;
}

/** What all rules of this file begin with. */
const isOfKernel = (entry: string): boolean =>
  entry.includes("-mcmodel=kernel") || entry.includes("-ffreestanding");

/** Of a large database there is time to read it once: two rules ask for the same text one after the other. */
let read: { readonly text: string; readonly commands: readonly CompileCommand[] } = {
  text: "",
  commands: [],
};

function commandsOf(text: string): readonly CompileCommand[] {
  if (read.text !== text) {
    read = { text, commands: isOfKernel(text) ? commandsIn(text, isOfKernel) : [] };
  }
  return read.commands;
}

function* findings(
  text: string,
  anchorOf: (options: Options) => Word | null,
  missing: string,
  how: string,
): Iterable<Finding> {
  const wrong: Wrong[] = [];
  for (const command of commandsOf(text)) {
    const options = optionsOf(command);
    const anchor = options && !options.isOpaque && options.isX8664 ? anchorOf(options) : null;
    if (anchor) {
      wrong.push({ command, anchor: command.extentOf(anchor) });
    }
  }
  const first = wrong[0];
  if (!first) {
    return;
  }
  const places = new Places(text);
  const others = wrong.length - 1;
  const more = others === 0 ? "" : ` So ${others === 1 ? "is 1 other file" : `are ${others} other files`}.`;
  const edits = wrong.map(({ command, anchor }) => places.insert(anchor.end, command.insertion(missing)));
  yield {
    ...places.span(first.anchor),
    message: `${programName(first.command.file)} is compiled ${how}${more}`,
    fixes: [
      {
        title:
          others === 0
            ? `Add ${missing} to the command`
            : `Add ${missing} to the ${wrong.length} commands that lack it`,
        edits,
      },
    ],
  };
}

const redZone: BuildRule = {
  code: "build-red-zone",
  files: "compile-commands",
  severity: "warning",
  title: "Freestanding C or C++ for x86-64 is compiled with a red zone",
  explanation: `The System V ABI lets a function keep data in the 128 bytes below the stack pointer, the *red zone*, without moving RSP. In user mode that is
safe. In a kernel it is not: an interrupt or exception that does not switch stacks pushes SS, RSP, RFLAGS, CS and RIP right there, before the first
instruction of any handler runs, and the function goes on with overwritten variables.

Compile everything that runs in kernel mode with \`-mno-red-zone\`:

\`\`\`make
CFLAGS += -ffreestanding -mno-red-zone
\`\`\`

\`compile_commands.json\` is written by the build (CMake, Bear, Meson …): change the switches there and write it anew; the quick fix changes the database only.
Libraries that are linked into the kernel need the switch as well, libgcc among them.

This is said of commands that certainly compile for x86-64 (\`-m64\`, \`--target=x86_64-…\`, a compiler named \`x86_64-…\`, \`-march=x86-64\`) with
\`-ffreestanding\`, or with \`-mcmodel=kernel\`. Commands whose options stand in files (\`@file\`, \`-specs=\`, \`--config\`) are not looked into, and code
for Windows and UEFI has no red zone.

*System V ABI, AMD64 supplement, 3.2.2 The Stack Frame; Intel SDM volume 3, 6.14 Exception and Interrupt Handling in 64-bit Mode; GCC manual, x86 Options.*`,
  check: (text) =>
    findings(
      text,
      ({ hasRedZone, kernelModel, freestanding }) => (hasRedZone ? (kernelModel ?? freestanding) : null),
      "-mno-red-zone",
      "for x86-64 without -mno-red-zone: an interrupt in kernel mode overwrites what its functions keep below RSP.",
    ),
};

const vectors: BuildRule = {
  code: "build-sse",
  files: "compile-commands",
  severity: "information",
  title: "C or C++ of a kernel is compiled with SSE, and nothing saves the SSE registers",
  explanation: `On x86-64 compilers use SSE unless they are told not to: for floating point, and to copy and clear structures. A kernel that interrupts such
code must save XMM0–XMM15 before it uses them itself, and before CR4.OSFXSR is set every SSE instruction is an invalid opcode (#UD).

Where the kernel needs no floating point, leave SSE out:

\`\`\`make
CFLAGS += -mcmodel=kernel -mno-red-zone -mno-mmx -mno-sse -mno-sse2
\`\`\`

or \`-mgeneral-regs-only\`, which also keeps out x87. Otherwise save the registers with FXSAVE or XSAVE on every way into the kernel.

This is said of commands with \`-mcmodel=kernel\`, and only where no assembly of the workspace has an FXSAVE or XSAVE. Where C does it with a builtin or inline
assembly, it does not apply.

*Intel SDM volume 3, 14.1 Providing Operating System Support for SSE Extensions; GCC manual, x86 Options.*`,
  check: (text, { savesVectors }) =>
    savesVectors
      ? []
      : findings(
          text,
          ({ hasSse, kernelModel }) => (hasSse ? kernelModel : null),
          "-mno-sse",
          "for a kernel with SSE, and no assembly of the workspace saves the SSE registers (FXSAVE, XSAVE): an interrupt may change them.",
        ),
};

export const compileCommandRules: readonly BuildRule[] = [redZone, vectors];
