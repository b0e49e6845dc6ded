/**
 * Which processor a machine has: `-cpu MODEL[,+feature][,-feature][,property=value]` in QEMU's words, cut down to what is implemented.
 *
 * Invariant: a model never has a feature that is not implemented; each one that was asked for and left out is named in a warning.
 * Elsewhere: the models (`models.ts`), what CPUID answers (`cpuid.ts`), which instructions a feature brings (`../requirement.ts`).
 */
import { FEATURE_NAMES, type FeatureName, FEATURES, featureBits, isImplemented } from "./feature.ts";
import { MODELS, type ModelRow, type Vendor } from "./models.ts";

export interface CpuModel extends Omit<ModelRow, "features"> {
  readonly name: string;
  readonly features: ReadonlySet<FeatureName>;
  /** Processors in the one package; each has one core. */
  readonly cpus: number;
}

export type CpuChoice =
  | { readonly kind: "model"; readonly model: CpuModel; readonly warnings: readonly string[] }
  /** The text is not a processor; `text` says why. */
  | { readonly kind: "error"; readonly text: string };

export const DEFAULT_CPU = "max";

/** QEMU's other spellings; "-" and "." count as "_". */
const ALIASES: { readonly [name: string]: FeatureName } = {
  pni: "sse3", abm: "lzcnt", "3dnowprefetch": "prefetchw", i64: "lm", xd: "nx", clfsh: "clflush", ffxsr: "fxsr_opt", htt: "ht", pclmuldq: "pclmulqdq",
}; // oxfmt-ignore

/** A feature that is useless, and switched off, without another. */
const NEEDS: readonly (readonly [feature: FeatureName, needed: FeatureName])[] = [
  ["xsaveopt", "xsave"], ["xsavec", "xsave"], ["xgetbv1", "xsave"], ["xsaves", "xsave"], ["avx", "xsave"], ["x2apic", "apic"],
  ["tsc_deadline", "apic"], ["sse", "fxsr"], ["invtsc", "tsc"],
]; // oxfmt-ignore

type Numbers = { family: number; model: number; stepping: number; level: number; extendedLevel: number };
/** Properties with numbers, and the largest of each. */
const NUMBERS: { readonly [property: string]: readonly [field: keyof Numbers, max: number] } = {
  family: ["family", 255 + 15], model: ["model", 255], stepping: ["stepping", 15], level: ["level", 0x1f], xlevel: ["extendedLevel", 0x8000001f],
}; // oxfmt-ignore

/** Reads what `-cpu` was given, for a machine of `cpus` processors. */
export function chooseCpu(text: string = DEFAULT_CPU, cpus = 1): CpuChoice {
  const [given = "", ...properties] = text.split(",");
  const name = Object.keys(MODELS).find(
    (key) => key.toLowerCase() === given.replace(/-v1$/, "").toLowerCase(),
  );
  if (name === undefined) return wrongModel(given);
  const row = MODELS[name]!;
  const wanted = new Set<FeatureName>([...row.features, "hypervisor"]);
  const numbers: Numbers = { ...row };
  let { vendor, modelId } = row;
  let enforce = false;
  const later: (readonly [on: boolean, feature: FeatureName])[] = [];
  for (const property of properties) {
    if (property === "") continue;
    const sign = /^[+-]/.exec(property)?.[0];
    const [key, value = "on"] = sign === undefined ? splitOnce(property) : [property.slice(1), sign === "+" ? "on" : "off"]; // oxfmt-ignore
    const feature = featureNamed(key);
    if (feature !== null) {
      const on = switchOf(value);
      if (on === null) return error(`-cpu: ${key} is "on" or "off", not "${value}"`);
      // QEMU applies +feature and -feature after everything else.
      if (sign === undefined) set(wanted, feature, on);
      else later.push([on, feature]);
      continue;
    }
    const range = NUMBERS[key];
    if (range !== undefined) {
      const number = Number(value);
      if (!Number.isInteger(number) || number < 0 || number > range[1])
        return error(`-cpu: ${key} is a number from 0 to ${range[1]}, not "${value}"`);
      numbers[range[0]] = number;
    } else if (key === "vendor") {
      if (value !== "GenuineIntel" && value !== "AuthenticAMD")
        return error(`-cpu: vendor is GenuineIntel or AuthenticAMD, not "${value}"`);
      vendor = value;
    } else if (key === "model-id" || key === "model_id") modelId = value.slice(0, 48);
    else if (key === "enforce") enforce = value !== "off";
    else if (key !== "check" && key !== "migratable")
      return error(`-cpu: "${key}" is neither a feature nor a property of a processor`);
  }
  for (const [on, feature] of later) set(wanted, feature, on);
  const warnings = [...wanted].filter((feature) => !isImplemented(feature)).map(unsupported);
  if (enforce && warnings.length > 0) return error(`-cpu: ${warnings[0]}`);
  const features = present(wanted, vendor, cpus);
  return { kind: "model", model: { ...numbers, name, vendor, modelId, features, cpus }, warnings };
}

/** The processor that `-cpu` without anything gives. */
export function defaultCpu(cpus = 1): CpuModel {
  const { model, features, ...row } = { ...MODELS[DEFAULT_CPU]! };
  return { ...row, model, name: DEFAULT_CPU, features: present(new Set(features), row.vendor, cpus), cpus };
}

/** What is implemented and makes sense together, and what follows from the number of processors. */
function present(wanted: ReadonlySet<FeatureName>, vendor: Vendor, cpus: number): ReadonlySet<FeatureName> {
  const features = new Set([...wanted].filter(isImplemented));
  for (const [feature, needed] of NEEDS) if (!features.has(needed)) features.delete(feature);
  set(features, "ht", cpus > 1);
  set(features, "cmp_legacy", cpus > 1 && vendor === "AuthenticAMD");
  return features;
}

/** CPUID leaf 1, EAX; also EDX after reset. Families above 15 and models above 15 continue in the extended fields. */
export function signature({ family, model, stepping }: CpuModel): number {
  const base = Math.min(family, 15);
  return ((family - base) << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 15) << 4) | stepping;
}

/** What the SMBIOS processor structure repeats of CPUID leaf 1. */
export const identity = (model: CpuModel): { readonly signature: number; readonly features: number } => ({
  signature: signature(model),
  features: featureBits(model.features, 1, "edx"),
});

const error = (text: string): CpuChoice => ({ kind: "error", text });

function wrongModel(given: string): CpuChoice {
  if (given === "host")
    return error('-cpu: CPU model "host" is the computer\'s own processor, which is not used; "max" has all that is implemented'); // oxfmt-ignore
  return error(`-cpu: unable to find CPU model "${given}"; there are ${Object.keys(MODELS).join(", ")}`);
}

function splitOnce(property: string): [key: string, value: string | undefined] {
  const at = property.indexOf("=");
  return at < 0 ? [property, undefined] : [property.slice(0, at), property.slice(at + 1)];
}

function switchOf(value: string): boolean | null {
  if (["on", "yes", "true", "y"].includes(value)) return true;
  return ["off", "no", "false", "n"].includes(value) ? false : null;
}

function featureNamed(text: string): FeatureName | null {
  const name = text.toLowerCase().replaceAll(/[-.]/g, "_");
  return FEATURE_NAMES.find((feature) => feature === name) ?? ALIASES[name] ?? null;
}

function set(features: Set<FeatureName>, feature: FeatureName, on: boolean): void {
  if (on) features.add(feature);
  else features.delete(feature);
}

/** In QEMU's words: "TCG doesn't support requested feature: CPUID.01H:ECX.avx [bit 28]". */
function unsupported(feature: FeatureName): string {
  const [leaf, register, bit] = FEATURES[feature];
  const number = leaf.toString(16).toUpperCase().padStart(2, "0");
  return `Redzone doesn't support requested feature: CPUID.${number}H:${register.toUpperCase()}.${feature.replaceAll("_", "-")} [bit ${bit}]`;
}
