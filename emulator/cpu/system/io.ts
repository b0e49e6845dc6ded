/**
 * IN, OUT and one iteration of INS and OUTS (SDM 2). The engine repeats the string forms.
 *
 * Invariant: a string input checks its destination before it reads the port, because reading has effects that cannot be taken back.
 */
import type { Core } from "../core.ts";
import { WATCH } from "../event.ts";
import type { Instruction, Operation } from "../instruction.ts";
import { SEG, STATE } from "../layout.ts";
import { CR4, FLAG } from "../registers.ts";
import { breakpointBytes } from "./access.ts";
import { writeRegister } from "./operand.ts";
import { checkPorts } from "./permission.ts";

type Size = 1 | 2 | 4;

/** The guest's own I/O breakpoints (DR7.RWn = 10b with CR4.DE). */
function noteBreakpoints(core: Core, port: number, size: number): void {
  const dr7 = core.word(STATE.dr + 7 * 8);
  if ((dr7 & 0xff) === 0 || (core.cr4 & CR4.DE) === 0) return;
  for (let n = 0; n < 4; n++) {
    if (((dr7 >>> (n * 2)) & 3) === 0 || ((dr7 >>> (16 + n * 4)) & 3) !== 2) continue;
    const length = breakpointBytes(dr7, n);
    const start = (core.word(STATE.dr + n * 8) & ~(length - 1)) >>> 0;
    if (port < start + length && start < port + size) core.pendingDebug |= 1 << n;
  }
}

function input(core: Core, port: number, size: Size): number {
  const value = core.ports.readPort(port, size) >>> 0;
  noteBreakpoints(core, port, size);
  if ((core.watched & WATCH.port) !== 0) core.report({ kind: "port", port, size, value, write: false });
  return value;
}

function output(core: Core, port: number, size: Size, value: number): void {
  core.ports.writePort(port, size, value);
  noteBreakpoints(core, port, size);
  if ((core.watched & WATCH.port) !== 0) core.report({ kind: "port", port, size, value, write: true });
}

const wordSize = (insn: Instruction): 2 | 4 => (insn.operandSize === 16 ? 2 : 4);

function doIn(core: Core, port: number, size: Size): void {
  checkPorts(core, port, size);
  const value = input(core, port, size);
  if (size === 4) core.setGpr32(0, value);
  else if (size === 2) core.setGpr16(0, value);
  else core.u8[0] = value;
}

function doOut(core: Core, port: number, size: Size): void {
  checkPorts(core, port, size);
  const value = core.gpr32(0);
  output(core, port, size, size === 4 ? value : size === 2 ? value & 0xffff : value & 0xff);
}

const dx = (core: Core): number => core.gpr16(2);
const immediatePort = (insn: Instruction): number => Number(insn.immediate) & 0xff;

/** Moves RSI or RDI by the size and direction of a string instruction, as wide as its addresses are. */
function advance(core: Core, register: number, insn: Instruction, size: Size): void {
  const step = core.systemFlag(FLAG.DF) ? -size : size;
  writeRegister(core, register, insn.addressSize, core.gpr(register) + BigInt(step));
}

function ins(core: Core, insn: Instruction, size: Size): void {
  const port = dx(core);
  checkPorts(core, port, size);
  const offset = BigInt.asUintN(insn.addressSize, core.gpr(7));
  core.probeMemory(SEG.es, offset, size, true);
  core.writeMemory(SEG.es, offset, size, BigInt(input(core, port, size)));
  advance(core, 7, insn, size);
}

function outs(core: Core, insn: Instruction, size: Size): void {
  const port = dx(core);
  checkPorts(core, port, size);
  const value = core.readMemory(insn.segment, BigInt.asUintN(insn.addressSize, core.gpr(6)), size);
  output(core, port, size, Number(value));
  advance(core, 6, insn, size);
}

export const ioOperations = {
  in_imm: (core, insn) => doIn(core, immediatePort(insn), wordSize(insn)),
  in_imm_b: (core, insn) => doIn(core, immediatePort(insn), 1),
  in_dx: (core, insn) => doIn(core, dx(core), wordSize(insn)),
  in_dx_b: (core) => doIn(core, dx(core), 1),
  out_imm: (core, insn) => doOut(core, immediatePort(insn), wordSize(insn)),
  out_imm_b: (core, insn) => doOut(core, immediatePort(insn), 1),
  out_dx: (core, insn) => doOut(core, dx(core), wordSize(insn)),
  out_dx_b: (core) => doOut(core, dx(core), 1),
  insb: (core, insn) => ins(core, insn, 1),
  insw: (core, insn) => ins(core, insn, wordSize(insn)),
  insd: (core, insn) => ins(core, insn, 4),
  outsb: (core, insn) => outs(core, insn, 1),
  outsw: (core, insn) => outs(core, insn, wordSize(insn)),
  outsd: (core, insn) => outs(core, insn, 4),
} satisfies Record<string, Operation>;
