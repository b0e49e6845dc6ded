/**
 * Numbers in tables: segment descriptors, entries of page tables, fields of Multiboot headers.
 *
 * Invariant: the table says so: a header's magic, a label that is called GDT or page table, a null descriptor before others.
 */
import { wholeRegister } from "../../effect.ts";
import { descriptorOf, looksLikeDescriptor, type Descriptor } from "../../knowledge/descriptor.ts";
import { headerField, headerTags } from "../../knowledge/multiboot.ts";
import { levelNamed, pageEntryOf, type Level } from "../../knowledge/page-entry.ts";
import { dataFrom, type Datum } from "../../rules/data.ts";
import { fieldOf, headersOf, sumOf } from "../../rules/multiboot.ts";
import { scopeOf } from "../../rules/scope.ts";
import { widthOf as directiveWidth } from "../../rules/size.ts";
import type { InstructionStatement, Line, Operand } from "../../syntax.ts";
import { firstUse, operandsOf, writerBefore } from "./flow.ts";
import type { Site } from "./site.ts";
import { amount, hex, list, paragraphs, setFields } from "./text.ts";

/** A number of a directive for data. */
export function datumText(site: Site, operand: Operand): string | undefined {
  return multibootText(site, operand) ?? descriptorText(site, operand) ?? entryText(site, operand);
}

function multibootText(site: Site, operand: Operand): string | undefined {
  for (const header of headersOf(site.file, site.world)) {
    const number = header.items.findIndex(
      (item) => item.line === site.number && item.start === operand.start,
    );
    if (number < 0) {
      continue;
    }
    const name = header.version === 1 ? "Multiboot" : "Multiboot2";
    const field = headerField(header.version, number);
    if (!field) {
      return header.version === 2 ? tagText(site, header.items, number) : undefined;
    }
    const value = fieldOf(header, number);
    const checksum = field.name === "checksum" ? checksumText(sumOf(header, header.version + 2)) : undefined;
    return paragraphs(
      `**${name} ${field.name}** ${field.text}`,
      value === undefined ? undefined : setFields(field.bits, value),
      checksum,
    );
  }
  return undefined;
}

function checksumText(sum: bigint | undefined): string | undefined {
  if (sum === undefined) {
    return undefined;
  }
  return sum === 0n ? "✓ The sum is 0." : `⚠ The sum is ${hex(sum)}, not 0.`;
}

/** Type, flags and size of a tag stand in 16, 16 and 32 bits. */
function tagText(site: Site, items: readonly Datum[], number: number): string | undefined {
  const [item, flags, size] = items.slice(number, number + 3);
  const isTag = item?.width === 2 && flags?.width === 2 && size?.width === 4;
  const type = isTag ? scopeOf(site.file, site.world).number(item.text, item.line) : undefined;
  const text = type === undefined ? undefined : headerTags[Number(type)];
  return text === undefined ? undefined : `**Multiboot2 tag ${type}** ${text}`;
}

/** Labels of tables; pointers for LGDT and ends are called much the same. */
const isTableName = (name: string): boolean =>
  /gdt|descriptors/i.test(name) && !/ptr|pointer|gdtr|descriptor$|desc$|reg$|end|limit|size/i.test(name);

interface Table {
  readonly line: number;
  readonly isNamed: boolean;
}

/** Where the data begins that a line is part of. */
function tableOf({ file, number }: Site): Table | undefined {
  let named: number | undefined;
  let first = number;
  for (let at = number; at >= Math.max(0, number - 200); at -= 1) {
    const line = file.lines[at];
    // SYM_DATA_START(gdt): a macro that makes the label.
    const isMade = line?.statements.some(
      (one) => one.kind === "call" && one.operands.some(({ text }) => isTableName(text)),
    );
    if (isMade === true) {
      return { line: at + 1, isNamed: true };
    }
    if (!line || !isData(line)) {
      break;
    }
    const labels = line.definitions.filter(({ kind }) => kind === "label" || kind === "local");
    if (labels.some(({ name }) => isTableName(name))) {
      named = at;
    } else if (labels.some(({ name }) => /gdt|idt|desc/i.test(name))) {
      // A pointer for LGDT stands between.
      break;
    }
    if (line.statements.length > 0 || labels.length > 0) {
      first = at;
    }
  }
  return { line: named ?? first, isNamed: named !== undefined };
}

function isData(line: Line): boolean {
  return line.statements.every(
    (statement) =>
      statement.kind === "assignment" ||
      (statement.kind === "directive" && !/^\.?(?:section|text|data|bss)$/.test(statement.name.text)),
  );
}

function descriptorText(site: Site, operand: Operand): string | undefined {
  const table = tableOf(site);
  if (!table) {
    return undefined;
  }
  const { items } = dataFrom(site.file, table.line, 512, "aligned");
  const scope = scopeOf(site.file, site.world);
  let offset = 0;
  let entry: { value: bigint | undefined; offset: number; isHere: boolean } = {
    value: 0n,
    offset: 0,
    isHere: false,
  };
  let hasNull = false;
  let hasOther = false;
  let previous: Descriptor | undefined;
  let found: string | undefined;
  for (const item of items) {
    if (offset % 8 === 0) {
      entry = { value: 0n, offset, isHere: false };
    }
    const number = scope.number(item.text, item.line);
    const part = number === undefined ? undefined : BigInt.asUintN(item.width * 8, number);
    entry.value =
      entry.value === undefined || part === undefined
        ? undefined
        : entry.value | (part << BigInt((offset % 8) * 8));
    entry.isHere ||= item.line === site.number && item.start === operand.start;
    if ((offset % 8) + item.width > 8) {
      return undefined;
    }
    offset += item.width;
    if (offset % 8 === 0) {
      const isLike = entry.value !== undefined && looksLikeDescriptor(entry.value);
      hasOther ||= isLike;
      if (entry.isHere && entry.value !== undefined && (table.isNamed || (hasNull && isLike))) {
        found =
          isLong(previous) && entry.value >> 32n === 0n
            ? `**Descriptor, selector ${hex(BigInt(entry.offset - 8), 2)}**: in long mode the upper half of its base`
            : describeDescriptor(entry.value, entry.offset);
      }
      previous = entry.value === undefined ? undefined : descriptorOf(entry.value);
      hasNull ||= entry.value === 0n && entry.offset === 0;
    }
  }
  return hasOther || entry.value !== 0n ? found : undefined;
}

/** In long mode such a descriptor has 16 bytes. */
function isLong(descriptor: Descriptor | undefined): boolean {
  return descriptor?.kind === "system" && /^(?:TSS|LDT)/.test(descriptor.summary);
}

function describeDescriptor(value: bigint, offset: number): string {
  const found = descriptorOf(value);
  const place = `selector ${hex(BigInt(offset), 2)}`;
  if (found.kind === "null") {
    return `**Descriptor, ${place}**: ${offset === 0 ? "the null descriptor" : "not used"}`;
  }
  const size = found.limit + 1n;
  const isFlat = found.base === 0n && found.limit === 0xffff_ffffn;
  const range = found.summary.startsWith("64-bit code")
    ? "base and limit do not count in 64-bit code"
    : isFlat
      ? "base 0, 4 GiB: flat"
      : `base ${hex(found.base)}, limit ${hex(found.limit)} (${amount(size)})`;
  return paragraphs(
    `**Descriptor, ${place}**: ${found.summary}`,
    `${range}; access byte \`${hex((value >> 40n) & 0xffn, 2)}\`, flags \`${hex((value >> 52n) & 0xfn)}\``,
    found.error === undefined ? undefined : `⚠ ${found.error}.`,
    isLong(found) ? "In long mode it has 16 bytes: the next 8 are the upper half of the base." : undefined,
  );
}

/** `.quad pdpt + 3` in a table that is called like a page table. */
function entryText(site: Site, operand: Operand): string | undefined {
  const { file, world, number } = site;
  const statement = site.line.statements.find(
    (one) => one.kind === "directive" && one.start <= operand.start && operand.end <= one.end,
  );
  const width = statement?.kind === "directive" ? directiveWidth(statement.name.text) : undefined;
  const level = tableLevel(site);
  const value = scopeOf(file, world).evaluate(operand.text, number);
  if ((width !== 4 && width !== 8) || level === undefined || !value || value.labels.size > 1) {
    return undefined;
  }
  const [label] = value.labels;
  const isOne = label === undefined || (label[1] === 1n && !label[0].startsWith("."));
  return isOne ? describeEntry(value.number, width, level ?? undefined, label?.[0]) : undefined;
}

/** By the label the data stands under. */
function tableLevel({ file, number }: Site): Level | null | undefined {
  for (let at = number; at >= Math.max(0, number - 1024); at -= 1) {
    const line = file.lines[at];
    if (!line || !isData(line)) {
      return undefined;
    }
    const label = line.definitions.find(({ kind }) => kind === "label" || kind === "local");
    if (label) {
      return levelNamed(label.name);
    }
  }
  return undefined;
}

function describeEntry(
  value: bigint,
  width: 4 | 8 | undefined,
  level: Level | undefined,
  label: string | undefined,
): string {
  const entry = pageEntryOf(value, width ?? 8, level);
  const target = width === undefined && entry.target === "2 MiB page" ? "large page" : entry.target;
  const address =
    label === undefined ? (width === undefined ? "" : ` at ${hex(entry.address)}`) : ` at \`${label}\``;
  const first = entry.isPresent
    ? `**Page-table entry**: ${target}${address}, ${entry.flags.map((name) => `\`${name}\``).join(" ")}`
    : "**Page-table entry**: not present";
  const meaning = entry.fields
    .filter(({ name }) => entry.flags.includes(name) && name !== "P")
    .map(({ name, text }) => `\`${name}\` ${text}`);
  return paragraphs(first, entry.isPresent ? list(meaning) : undefined);
}

/** A number that an instruction makes part of a page table's entry. */
export function entryNumberText(
  site: Site,
  statement: InstructionStatement,
  value: bigint,
): string | undefined {
  const [target] = operandsOf({ site, statement });
  const mnemonic = statement.mnemonic.text.toLowerCase();
  if (target?.kind === "memory" && /^(?:mov|or)[lq]?$/.test(mnemonic)) {
    const level = levelIn(site, target.displacement);
    return level === undefined ? undefined : describeEntry(value, undefined, level ?? undefined, undefined);
  }
  if (target?.kind !== "register" || !/^(?:mov|or|add)[lq]?$/.test(mnemonic)) {
    return undefined;
  }
  const whole = wholeRegister(target.name);
  const writer = mnemonic.startsWith("mov") ? undefined : writerBefore(site, statement, target.name);
  const [, source] = writer ? operandsOf(writer) : [];
  const text =
    source?.kind === "immediate" ? source.text : source?.kind === "memory" ? source.displacement : "";
  const pointed = levelIn(site, text);
  if (pointed !== undefined) {
    const level = pointed !== null && pointed < 5 ? levels[pointed] : undefined;
    return describeEntry(value & 0xfffn, undefined, level, text);
  }
  const use = firstUse(site, statement, target.name, (step) => {
    const [to, from] = operandsOf(step);
    return (
      /^mov[lq]?$/i.test(step.statement.mnemonic.text) &&
      to?.kind === "memory" &&
      from?.kind === "register" &&
      wholeRegister(from.name) === whole
    );
  });
  const [to] = use ? operandsOf(use) : [];
  const level = to?.kind === "memory" ? levelIn(site, to.displacement) : undefined;
  return level === undefined ? undefined : describeEntry(value, undefined, level ?? undefined, undefined);
}

/** The table whose entries lead to a table of this level. */
const levels: Readonly<Record<number, Level>> = { 1: 2, 2: 3, 3: 4, 4: 5 };

/** Names in capitals are constants ("PT_EAX" of Linux is no page table), unless they are labels here. */
function levelIn({ file, world }: Site, text: string): Level | null | undefined {
  const name = /[A-Za-z_.][\w.]*/.exec(text.replaceAll(/0x[\da-f]+/gi, ""))?.[0];
  const { labels, constants } = scopeOf(file, world);
  const isPlace = name !== undefined && (labels.has(name) || (/[a-z]/.test(name) && !constants.has(name)));
  return isPlace ? levelNamed(name) : undefined;
}
