/**
 * What a number is for where it stands: a port, an MSR, an interrupt's vector, bits of a control register, a selector.
 *
 * Invariant: the code says so: the instruction itself, or one that certainly gets the number.
 * Elsewhere: numbers in tables (`data.ts`).
 */
import type { InstructionStatement } from "../../syntax.ts";
import { wholeRegister } from "../../effect.ts";
import { functionOf, exceptionOf, serviceOf } from "../../knowledge/interrupt.ts";
import { isMsrName, msrOf, type Msr } from "../../knowledge/msr.ts";
import type { Given } from "../../knowledge/operand.ts";
import { isPortName, portOf } from "../../knowledge/port.ts";
import { registerFacts } from "../../knowledge/register.ts";
import type { Field } from "../../knowledge/field.ts";
import { firstUse, operandsOf, valueBefore } from "./flow.ts";
import { behind, widthOf, type Site } from "./site.ts";
import { fieldTable, hex, list, paragraphs, setFields } from "./text.ts";

export function msrText(msr: Msr): string {
  return paragraphs(`**MSR ${hex(BigInt(msr.number))} ${msr.name}** ${msr.text}`, fieldTable(msr.fields));
}

export function portText(number: bigint): string | undefined {
  const port = portOf(number);
  return port && paragraphs(`**Port ${hex(number)}, ${port.device}** ${port.text}`, list(port.notes));
}

/** What a constant is that is called like an MSR or a port, and has the number of one. */
export function constantText(name: string, value: bigint): string | undefined {
  const msr = isMsrName(name) && value > 0xfn ? msrOf(value) : undefined;
  if (msr) {
    return msrText(msr);
  }
  return isPortName(name) ? portText(value) : undefined;
}

const isMnemonic = ({ mnemonic }: InstructionStatement, pattern: RegExp): boolean =>
  pattern.test(mnemonic.text);

/** An immediate of an instruction. */
export function immediateText(
  site: Site,
  statement: InstructionStatement,
  value: bigint,
): string | undefined {
  if (isMnemonic(statement, /^int$/i)) {
    return vectorText(site, statement, value);
  }
  if (isMnemonic(statement, /^(?:in|out)[bwl]?$/i)) {
    return portText(value);
  }
  const [target] = operandsOf({ site, statement });
  if (target?.kind === "far") {
    return isProtected(site, statement) ? selectorText(value) : undefined;
  }
  return target?.kind === "register" ? loadedText(site, statement, target.name, value) : undefined;
}

/** A number that goes to a register: what the register is used for next. */
function loadedText(
  site: Site,
  statement: InstructionStatement,
  name: string,
  value: bigint,
): string | undefined {
  const whole = wholeRegister(name);
  const isMove = isMnemonic(statement, /^mov(?:abs)?[bwlq]?$/i);
  if (isMove && whole === "rdx" && firstUse(site, statement, name, usesPort)) {
    return portText(BigInt.asUintN(16, value));
  }
  if (
    isMove &&
    whole === "rcx" &&
    firstUse(site, statement, name, ({ statement: one }) => isMnemonic(one, /^(?:rd|wr)msr$/i))
  ) {
    const msr = msrOf(value);
    return msr && msrText(msr);
  }
  const target = controlText(site, statement, name, value);
  if (target !== undefined) {
    return target;
  }
  const isSelector =
    isMove &&
    firstUse(site, statement, name, (step) => {
      const [to, from] = operandsOf(step);
      const isSegment = to?.kind === "register" && to.class === "seg";
      return (
        isMnemonic(step.statement, /^(?:mov[wlq]?|ltr|lldt)$/i) &&
        (isSegment || !from) &&
        isRegister(from ?? to, whole)
      );
    });
  return isSelector && isProtected(site, statement) ? selectorText(value) : undefined;
}

/** In real mode the number is a segment and no selector: 16-bit code has just set CR0.PE, or nobody knows. */
function isProtected(site: Site, statement: InstructionStatement): boolean {
  const bits = widthOf(site);
  if (bits !== 16) {
    return bits !== null;
  }
  for (const step of behind(site, statement)) {
    const [to] = operandsOf(step);
    if (/^lmsw/i.test(step.statement.mnemonic.text) || (to?.kind === "register" && to.name === "cr0")) {
      return true;
    }
  }
  return false;
}

function usesPort({ statement: { mnemonic, operands } }: { statement: InstructionStatement }): boolean {
  return (
    /^(?:ins|outs)/i.test(mnemonic.text) ||
    (/^(?:in|out)[bwl]?$/i.test(mnemonic.text) &&
      operands.some(({ registers }) => registers.some(({ text }) => text === "dx")))
  );
}

function isRegister(operand: Given | undefined, whole: string): boolean {
  return operand?.kind === "register" && wholeRegister(operand.name) === whole;
}

/** Bits that OR, AND, BTS or MOV make in a register that is then written to a control register or EFER. */
function controlText(
  site: Site,
  statement: InstructionStatement,
  name: string,
  value: bigint,
): string | undefined {
  const [, operation = ""] =
    /^(mov|or|and|xor|bts|btr)(?:abs)?[bwlq]?$/i.exec(statement.mnemonic.text.toLowerCase()) ?? [];
  if (operation === "") {
    return undefined;
  }
  const whole = wholeRegister(name);
  let target: { readonly name: string; readonly fields: readonly Field[] } | undefined;
  // Other bits may be changed on the way: what is asked is only where the register goes.
  let from = { site, span: statement };
  for (let count = 0; count < 8 && !target; count += 1) {
    const step = firstUse(from.site, from.span, whole, (one) => {
      const isChange = /^(?:or|and|xor|bts|btr)[wlq]?$/i.test(one.statement.mnemonic.text);
      return (
        destinationOf(one.site, one.statement, whole) !== undefined ||
        (isChange && isRegister(operandsOf(one)[0], whole))
      );
    });
    if (!step) {
      return undefined;
    }
    target = destinationOf(step.site, step.statement, whole);
    from = { site: step.site, span: step.statement };
  }
  if (!target) {
    return undefined;
  }
  const isBit = operation.startsWith("bt");
  const bits = BigInt.asUintN(64, operation === "and" ? ~value : isBit ? 1n << (value & 63n) : value);
  const mask = name.startsWith("r") ? bits : BigInt.asUintN(32, bits);
  const verb =
    { mov: "has", or: "sets", bts: "sets", and: "clears", btr: "clears", xor: "flips" }[operation] ?? "";
  const fields = setFields(target.fields, mask);
  return fields === undefined ? undefined : paragraphs(`**${target.name}**: the number ${verb}`, fields);
}

function destinationOf(
  site: Site,
  statement: InstructionStatement,
  whole: string,
): { readonly name: string; readonly fields: readonly Field[] } | undefined {
  if (isMnemonic(statement, /^wrmsr$/i) && whole === "rax") {
    const number = valueBefore(site, statement, "ecx");
    const msr = number === undefined ? undefined : msrOf(number);
    return msr && { name: msr.name, fields: msr.fields };
  }
  if (!isMnemonic(statement, /^mov[lq]?$/i)) {
    return undefined;
  }
  const [to, from] = operandsOf({ site, statement });
  const isControl = to?.kind === "register" && (to.class === "cr" || to.class === "dr");
  if (!isControl || !isRegister(from, whole)) {
    return undefined;
  }
  return { name: to.name.toUpperCase(), fields: registerFacts(to.name)?.fields ?? [] };
}

function selectorText(value: bigint): string | undefined {
  if (value < 0n || value > 0xffffn) {
    return undefined;
  }
  const table = (value & 4n) === 0n ? "GDT" : "LDT";
  return value < 4n
    ? `**Selector ${hex(value)}**: the null selector`
    : `**Selector ${hex(value, 2)}**: descriptor ${value >> 3n} of the ${table} (offset ${hex(value & 0xfff8n, 2)}), RPL ${value & 3n}`;
}

/** `int N`: in 16-bit code the BIOS, by AH; else an exception or a system call. */
function vectorText(site: Site, statement: InstructionStatement, value: bigint): string | undefined {
  const vector = Number(value);
  const bits = widthOf(site);
  const service = serviceOf(vector);
  const name = `**Interrupt ${hex(value, 2)}**`;
  if (service !== undefined && (bits === 16 || bits === null)) {
    const ah = valueBefore(site, statement, "ah");
    const al = valueBefore(site, statement, "al");
    const found =
      ah === undefined
        ? undefined
        : functionOf(vector, Number(ah), al === undefined ? undefined : Number(al));
    const call = ah === undefined ? "" : `AH = ${hex(ah, 2)}: `;
    return paragraphs(`${name} ${service}.`, found === undefined ? undefined : `${call}${found}`);
  }
  if (bits === 16) {
    return vector === 0x21 ? `${name} DOS; AH says what.` : undefined;
  }
  const exception = exceptionOf(vector);
  if (exception) {
    return `${name} is the vector of **${exception.name}**: ${exception.text}`;
  }
  return vector === 0x80
    ? `${name} Linux's system call of 32-bit programs: number EAX, arguments EBX, ECX, EDX, ESI, EDI, EBP.`
    : undefined;
}
