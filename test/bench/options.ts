/**
 * What `npm run bench -- …` may say.
 *
 *     --quick           the default: a slice of everything, about five minutes
 *     --full            full lengths, more rounds, all contestants
 *     --only LIST       of boot, parts, parts32, storms, start
 *     --works LIST      of the kernel's works (parts, parts32 and storms)
 *     --against LIST    of qemu, v86, bochs; none of them: ours alone
 *     --rounds N        runs of each contestant
 *     --scale N         length of each work, in thousandths
 *     --redzone WORDS   more words for our command line, also as a contestant of its own: --redzone "--translator off"
 *     --cpu             processor time instead of wall time: for machines that others use too
 *     --no-build        measures the build that is there
 */

export const SECTIONS = ["boot", "parts", "parts32", "storms", "start"] as const;
export type SectionName = (typeof SECTIONS)[number];

export const RIVALS = ["qemu", "v86", "bochs"] as const;
export type Rival = (typeof RIVALS)[number];

export interface Options {
  readonly isFull: boolean;
  readonly sections: readonly SectionName[];
  /** Empty: all. */
  readonly works: readonly string[];
  readonly rivals: readonly Rival[];
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
  let isFull = false;
  let sections: readonly SectionName[] = SECTIONS;
  let works: readonly string[] = [];
  let rivals: readonly Rival[] = RIVALS;
  let rounds: number | null = null;
  let scale: number | null = null;
  let builds = true;
  let isCpuTime = false;
  const variants: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--full") isFull = true;
    else if (word === "--quick") isFull = false;
    else if (word === "--cpu") isCpuTime = true;
    else if (word === "--no-build") builds = false;
    else {
      const value = words[++i];
      if (value === undefined) return `${word}: unknown, or without its value`;
      const list = value.split(",").filter((item) => item !== "");
      if (word === "--only") {
        const wrong = list.find((item) => !isOneOf(SECTIONS, item));
        if (wrong !== undefined) return `--only ${wrong}: not one of ${SECTIONS.join(", ")}`;
        sections = SECTIONS.filter((name) => list.includes(name));
      } else if (word === "--against") {
        const wrong = list.find((item) => !isOneOf(RIVALS, item));
        if (wrong !== undefined) return `--against ${wrong}: not one of ${RIVALS.join(", ")}`;
        rivals = RIVALS.filter((name) => list.includes(name));
      } else if (word === "--works") works = list;
      else if (word === "--redzone") variants.push(value);
      else if (word === "--rounds" || word === "--scale") {
        const number = Number(value);
        if (!Number.isInteger(number) || number < 1) return `${word} ${value}: not a whole number above 0`;
        if (word === "--rounds") rounds = number;
        else scale = number;
      } else return `${word} is unknown`;
    }
  }
  return {
    isFull,
    sections,
    works,
    rivals,
    rounds,
    scale: scale ?? (isFull ? 1000 : 500),
    variants,
    isCpuTime,
    builds,
  };
}

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T =>
  (names as readonly string[]).includes(name);
