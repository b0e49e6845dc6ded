/**
 * What `npm run bench -- …` may say.
 *
 *     --quick           the default: a slice of everything, about five minutes
 *     --full            full lengths, more rounds, all contestants
 *     --only LIST       of boot, parts, parts32, storms, debugged, start
 *     --works LIST      of the kernel's works (all sections but boot and start)
 *     --against LIST    of qemu, v86, bochs; none of them: ours alone
 *     --nodes LIST      of current, new: the Node that runs this, and npm's newer one
 *     --rounds N        runs of each contestant
 *     --scale N         length of each work, in thousandths; with a debugger four times that
 *     --redzone WORDS   a contestant more: ours with these words, such as "-accel redzone,translator=off"
 *     --cpu             processor time instead of wall time: for machines that others use too
 *     --no-build        measures the build that is there
 */

export const SECTIONS = ["boot", "parts", "parts32", "storms", "debugged", "start"] as const;
export type SectionName = (typeof SECTIONS)[number];

export const RIVALS = ["qemu", "v86", "bochs"] as const;
export type Rival = (typeof RIVALS)[number];

/** Of `--quick`, in thousandths. */
const QUICK_SCALE = 500;

export const NODES = ["current", "new"] as const;
export type NodeName = (typeof NODES)[number];

export interface Options {
  readonly isFull: boolean;
  readonly sections: readonly SectionName[];
  /** Empty: all. */
  readonly works: readonly string[];
  readonly rivals: readonly Rival[];
  readonly nodes: readonly NodeName[];
  /** Null: as many as a section thinks right. */
  readonly rounds: number | null;
  /** Of 1000. */
  readonly scale: number;
  readonly variants: readonly string[];
  readonly isCpuTime: boolean;
  readonly builds: boolean;
}

/** A text is what is wrong with the words. */
export function parseOptions(words: readonly string[]): Options | string {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const variants: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (["--full", "--quick", "--cpu", "--no-build"].includes(word)) flags.add(word);
    else if (
      ["--only", "--works", "--against", "--nodes", "--rounds", "--scale", "--redzone"].includes(word)
    ) {
      const value = words[++i];
      if (value === undefined) return `${word} needs a value`;
      if (word === "--redzone") variants.push(value);
      else values.set(word, value);
    } else return `${word} is unknown`;
  }
  const wrong: string[] = [];
  const listOf = <T extends string>(word: string, names: readonly T[]): readonly T[] => {
    const value = values.get(word);
    if (value === undefined) return names;
    const list = itemsOf(value);
    for (const item of list)
      if (!isOneOf(names, item)) wrong.push(`${word} ${item}: not one of ${names.join(", ")}`);
    return names.filter((name) => list.includes(name));
  };
  const numberOf = (word: string): number | null => {
    const value = values.get(word);
    if (value === undefined) return null;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1) wrong.push(`${word} ${value}: not a whole number above 0`);
    return number;
  };
  const isFull = flags.has("--full");
  const options: Options = {
    isFull,
    sections: listOf("--only", SECTIONS),
    works: itemsOf(values.get("--works") ?? ""),
    rivals: listOf("--against", RIVALS),
    nodes: listOf("--nodes", NODES),
    rounds: numberOf("--rounds"),
    scale: numberOf("--scale") ?? (isFull ? 1000 : QUICK_SCALE),
    variants,
    isCpuTime: flags.has("--cpu"),
    builds: !flags.has("--no-build"),
  };
  return wrong[0] ?? options;
}

const itemsOf = (list: string): readonly string[] => list.split(",").filter((item) => item !== "");

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T =>
  (names as readonly string[]).includes(name);
