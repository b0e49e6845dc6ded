/** Processor models: what `-cpu` takes and says, QEMU's definitions as the oracle, what CPUID tells of a model, and that what is not there is #UD. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { Decoder } from "../../emulator/cpu/decode.ts";
import { MODE } from "../../emulator/cpu/layout.ts";
import { absentForms, requiredFeature } from "../../emulator/cpu/requirement.ts";
import { cpuid, tells } from "../../emulator/cpu/system/cpuid.ts";
import { FEATURE_NAMES, type FeatureName, FEATURES, IMPLEMENTED } from "../../emulator/cpu/system/feature.ts";
import { chooseCpu, type CpuModel, defaultCpu, signature } from "../../emulator/cpu/system/model.ts";
import { MODELS } from "../../emulator/cpu/system/models.ts";
import { createMachine } from "../../emulator/index.ts";
import { families } from "../../emulator/isa/index.ts";
import { Fixture } from "./fixture.ts";

const NAMES = Object.keys(MODELS);
/** Follow from the number of processors. */
const TOPOLOGY: readonly FeatureName[] = ["ht", "cmp_legacy"];

function choose(text: string, cpus = 1): { model: CpuModel; warnings: readonly string[] } {
  const choice = chooseCpu(text, cpus);
  if (choice.kind === "error") throw new Error(choice.text);
  return choice;
}
const refusal = (text: string): string => {
  const choice = chooseCpu(text);
  return choice.kind === "error" ? choice.text : "";
};
const core = (text: string, cpus = 1) => new Fixture(choose(text, cpus).model).core;

describe("what -cpu takes", () => {
  it("nothing: everything that is implemented", () => {
    const { model, warnings } = choose("max");
    expect([...model.features].toSorted()).toEqual(
      [...IMPLEMENTED].filter((name) => !TOPOLOGY.includes(name)).toSorted(),
    );
    expect(warnings).toEqual([]);
    expect(chooseCpu()).toEqual(chooseCpu("max"));
    expect(defaultCpu()).toEqual(model);
  });
  it("features by QEMU's spellings, +feature and -feature after everything else", () => {
    expect(choose("qemu64,+sse4.2").model.features.has("sse4_2")).toBe(true);
    expect(choose("qemu64,+sse4-2,abm=on,pni=off").model.features.has("lzcnt")).toBe(true);
    expect(choose("qemu64,pni=off").model.features.has("sse3")).toBe(false);
    expect(choose("qemu64,-popcnt,popcnt=on").model.features.has("popcnt")).toBe(false);
    expect(choose("qemu64,popcnt").model.features.has("popcnt")).toBe(true);
    expect(choose("qemu64,-hypervisor").model.features.has("hypervisor")).toBe(false);
  });
  it("a feature goes with the one it needs", () => {
    const { features } = choose("max,-xsave,-apic").model;
    for (const name of ["xsaveopt", "xsavec", "xgetbv1", "xsaves", "x2apic", "tsc_deadline"] as const)
      expect(features.has(name), name).toBe(false);
  });
  it("family, model, stepping, vendor, model-id and levels", () => {
    const { model } = choose(
      "Nehalem,family=6,model=94,stepping=3,vendor=AuthenticAMD,model-id=My CPU,level=7,xlevel=0x80000001",
    );
    expect(model).toMatchObject({
      family: 6,
      model: 94,
      stepping: 3,
      vendor: "AuthenticAMD",
      modelId: "My CPU",
    });
    expect([signature(model), model.level, model.extendedLevel]).toEqual([0x506e3, 7, 0x80000001]);
    expect(signature(choose("EPYC").model)).toBe(0x800f12);
  });
  it("what is not implemented is named in QEMU's words and left out", () => {
    const { model, warnings } = choose("Nehalem,+avx,+avx2");
    expect(warnings).toEqual([
      "Redzone doesn't support requested feature: CPUID.01H:ECX.avx [bit 28]",
      "Redzone doesn't support requested feature: CPUID.07H:EBX.avx2 [bit 5]",
    ]);
    expect(model.features.has("avx")).toBe(false);
    expect(choose("Nehalem").warnings).toEqual([]);
    expect(choose("qemu64").warnings).toEqual([
      "Redzone doesn't support requested feature: CPUID.80000001H:ECX.svm [bit 2]",
    ]);
    expect(refusal("SandyBridge,enforce")).toMatch(/ECX\.avx/);
  });
  it.each([
    ["i386", /unable to find CPU model "i386"; there are 486, max, qemu64/],
    ["host", /"max" has all that is implemented/],
    ["max,+nonsense", /"nonsense" is neither a feature nor a property/],
    ["max,sse=maybe", /sse is "on" or "off"/],
    ["max,stepping=16", /stepping is a number from 0 to 15/],
    ["max,vendor=Nobody", /GenuineIntel or AuthenticAMD/],
  ])("%s is refused", (text, says) => {
    expect(refusal(text)).toMatch(says);
  });
});

const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;

describe.skipIf(!hasQemu)("QEMU's definitions", () => {
  const requests = [
    { execute: "qmp_capabilities" },
    ...NAMES.filter((name) => name !== "max").map((name) => ({
      execute: "query-cpu-model-expansion",
      arguments: { type: "full", model: { name } },
    })),
    { execute: "quit" },
  ];
  interface Answer {
    readonly return?: { readonly model?: { readonly name: string; readonly props: Record<string, unknown> } };
  }
  const read = (): ReadonlyMap<string, Record<string, unknown>> => {
    const { stdout } = spawnSync(
      "qemu-system-x86_64",
      ["-S", "-display", "none", "-machine", "pc", "-accel", "tcg", "-qmp", "stdio"],
      { input: requests.map((request) => JSON.stringify(request)).join("\n"), encoding: "utf8", timeout: 60_000 },
    );
    const models = new Map<string, Record<string, unknown>>();
    for (const line of stdout.split("\n").filter((text) => text.startsWith("{"))) {
      const { model } = (JSON.parse(line) as Answer).return ?? {};
      if (model !== undefined) models.set(model.name, model.props);
    }
    return models;
  };
  const known = read();

  it.each(NAMES.filter((name) => name !== "max"))("%s", (name) => {
    const row = MODELS[name]!;
    const props = known.get(name)!;
    expect(row).toMatchObject({ family: props["family"], model: props["model"], stepping: props["stepping"], vendor: props["vendor"] });
    expect([row.level, row.extendedLevel, row.modelId]).toEqual([props["level"], props["xlevel"], props["model-id"]]);
    const spelling: { readonly [name: string]: string } = { sse3: "pni", lzcnt: "abm", prefetchw: "3dnowprefetch" };
    const theirs = FEATURE_NAMES.filter((feature) =>
      [spelling[feature] ?? feature, feature.replaceAll("_", "-")].some((key) => props[key] === true),
    );
    // QEMU switches virtual-8086 extensions off in every model unless they are asked for, as TCG has none.
    const ours = new Set([...row.features, "hypervisor"].filter((feature) => feature !== "vme"));
    expect([...ours].toSorted()).toEqual(theirs.toSorted());
  });
}); // oxfmt-ignore

describe("CPUID", () => {
  it.each(NAMES)("of %s tells its features that are implemented, and no other", (name) => {
    const one = core(name);
    const wanted = new Set<FeatureName>([...MODELS[name]!.features, "hypervisor"]);
    // SYSCALL shows in 64-bit mode only on an Intel processor.
    const long = MODELS[name]!.vendor === "GenuineIntel";
    if (long) one.setWord(0, 0);
    for (const feature of FEATURE_NAMES) {
      const [leaf] = FEATURES[feature];
      const { level, extendedLevel } = one.model;
      const reachable = leaf >= 0x80000000 ? leaf <= extendedLevel : leaf <= level;
      const expected = reachable && one.model.features.has(feature) && !(long && feature === "syscall");
      if (reachable) expect(tells(one, feature), feature).toBe(expected);
      if (one.model.features.has(feature)) {
        expect(IMPLEMENTED.has(feature), feature).toBe(true);
        expect(wanted.has(feature), feature).toBe(true);
      }
    }
  });
  const text = (...words: readonly number[]): string =>
    words.map((word) => String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24)).join("");

  it("of a model has its vendor, signature, name and last leaves", () => {
    const one = core("Nehalem");
    const [level, b, c, d] = cpuid(one, 0, 0);
    expect([level, text(b, d, c)]).toEqual([11, "GenuineIntel"]);
    expect(cpuid(one, 1, 0)[0]).toBe(0x106a3);
    expect(cpuid(one, 0x80000000, 0)[0]).toBe(0x80000008);
    const brand = [2, 3, 4].flatMap((n) => [...cpuid(one, 0x80000000 + n, 0)]);
    expect(text(...brand).replace(/\0+$/, "")).toBe("Intel Core i7 9xx (Nehalem Class Core i7)");
    // Beyond the last: as the last on Intel's, nothing on AMD's processors.
    expect(cpuid(one, 0x15, 0)).toEqual(cpuid(one, 11, 0));
    expect(cpuid(core("qemu64"), 0x15, 0)).toEqual([0, 0, 0, 0]);
    expect(one.gpr(2)).toBe(0x106a3n);
  });
  it("tells a hypervisor unless it is taken away", () => {
    expect(text(...cpuid(core("max"), 0x40000000, 0).slice(1))).toBe("RedzoneRZone");
    expect(cpuid(core("max,-hypervisor"), 0x40000000, 0)).toEqual(cpuid(core("max"), 0x16, 0));
  });
  it("tells cores and threads alike in leaves 1, 4, 0Bh and 80000008h", () => {
    const four = core("max", 4);
    expect([(cpuid(four, 1, 0)[1] >>> 16) & 0xff, tells(four, "ht")]).toEqual([4, true]);
    expect((cpuid(four, 4, 0)[0] >>> 26) + 1).toBe(4);
    expect(((cpuid(four, 4, 3)[0] >>> 14) & 0xfff) + 1).toBe(4);
    expect(cpuid(four, 0x0b, 0)).toEqual([0, 1, 0x100, 0]);
    expect(cpuid(four, 0x0b, 1)).toEqual([2, 4, 0x201, 0]);
    expect(cpuid(four, 0x0b, 2)).toEqual([0, 0, 2, 0]);
    const amd = core("EPYC", 3);
    expect([cpuid(amd, 0x80000008, 0)[2], tells(amd, "cmp_legacy")]).toEqual([2, true]);
    expect(tells(core("max"), "ht")).toBe(false);
  });
  it("tells caches of the sizes of its parameters", () => {
    const one = core("max");
    const sizes = [0, 1, 2, 3].map((n) => {
      const [a, b, c] = cpuid(one, 4, n);
      return [a & 31, (a >> 5) & 7, ((b >>> 22) + 1) * (((b >>> 12) & 1023) + 1) * ((b & 4095) + 1) * (c + 1)];
    });
    expect(sizes).toEqual([[1, 1, 32 << 10], [2, 1, 32 << 10], [3, 2, 2 << 20], [3, 3, 16 << 20]]);
    expect(cpuid(one, 4, 4)[0] & 31).toBe(0);
  });
  it("tells an XSAVE area for x87 and SSE", () => {
    expect(cpuid(core("max"), 0x0d, 0)).toEqual([3, 576, 576, 0]);
    expect(cpuid(core("max,-xsave"), 0x0d, 0)).toEqual([0, 0, 0, 0]);
  });
}); // oxfmt-ignore

describe("instructions", () => {
  const decode = (bytes: readonly number[], features: ReadonlySet<FeatureName>): string => {
    const decoder = new Decoder(absentForms(features));
    const all = new Uint8Array(32);
    all.set(bytes);
    const mode = 2 | MODE.flat | MODE.protected | MODE.long;
    const result = decoder.decode(all, 0, all.length, mode);
    return result === "handler" || result === "operation" ? decoder.form!.family.name : result;
  };
  /** One of each feature that brings instructions, with REX where needed: bytes, name, and what it is without the feature. */
  const CASES: readonly (readonly [feature: FeatureName, name: string, bytes: readonly number[], without?: string])[] = [
    ["mmx", "paddb", [0x0f, 0xfc, 0xc1]], ["sse", "addps", [0x0f, 0x58, 0xc1]], ["sse", "pavgb", [0x0f, 0xe0, 0xc1]],
    ["sse", "cvtpi2ps", [0x0f, 0x2a, 0xc1]], ["sse2", "addpd", [0x66, 0x0f, 0x58, 0xc1]], ["sse2", "paddq", [0x0f, 0xd4, 0xc1]],
    ["sse2", "movups", [0xf3, 0x0f, 0x6f, 0xc1]], ["sse2", "cvtps2pd", [0x0f, 0x5a, 0xc1]], ["sse3", "haddps", [0xf2, 0x0f, 0x7c, 0xc1]],
    ["sse3", "movddup", [0xf2, 0x0f, 0x12, 0xc1]], ["ssse3", "pshufb", [0x66, 0x0f, 0x38, 0x00, 0xc1]],
    ["ssse3", "palignr", [0x66, 0x0f, 0x3a, 0x0f, 0xc1, 1]], ["sse4_1", "pmulld", [0x66, 0x0f, 0x38, 0x40, 0xc1]],
    ["sse4_1", "roundps", [0x66, 0x0f, 0x3a, 0x08, 0xc1, 0]], ["sse4_2", "pcmpgtq", [0x66, 0x0f, 0x38, 0x37, 0xc1]],
    ["sse4_2", "pcmpistri", [0x66, 0x0f, 0x3a, 0x63, 0xc1, 0]], ["sse4_2", "crc32_8", [0xf2, 0x0f, 0x38, 0xf0, 0xc1]],
    ["aes", "aesenc", [0x66, 0x0f, 0x38, 0xdc, 0xc1]], ["pclmulqdq", "pclmulqdq", [0x66, 0x0f, 0x3a, 0x44, 0xc1, 0]],
    ["popcnt", "popcnt", [0xf3, 0x0f, 0xb8, 0xc1]], ["lzcnt", "lzcnt", [0xf3, 0x0f, 0xbd, 0xc1], "bsr"], ["movbe", "movbe", [0x0f, 0x38, 0xf0, 0x01]],
    ["adx", "adcx", [0x66, 0x0f, 0x38, 0xf6, 0xc1]], ["rdrand", "rdrand", [0x0f, 0xc7, 0xf0]], ["rdseed", "rdseed", [0x0f, 0xc7, 0xf8]],
    ["fsgsbase", "rdfsbase", [0xf3, 0x0f, 0xae, 0xc0]], ["rdtscp", "rdtscp", [0x0f, 0x01, 0xf9]], ["cmov", "cmove", [0x0f, 0x44, 0xc1]],
    ["xsave", "xsave", [0x0f, 0xae, 0x20]], ["xsaveopt", "xsaveopt", [0x0f, 0xae, 0x30]], ["xsavec", "xsavec", [0x0f, 0xc7, 0x20]],
    ["fxsr", "fxsave", [0x0f, 0xae, 0x00]], ["cx8", "cmpxchg8b", [0x0f, 0xc7, 0x08]], ["invpcid", "invpcid", [0x66, 0x0f, 0x38, 0x82, 0x01]],
    ["syscall", "syscall", [0x0f, 0x05]], ["sep", "sysenter", [0x0f, 0x34]], ["smap", "stac", [0x0f, 0x01, 0xcb]],
  ];
  for (const [feature, name, bytes, without = "invalid"] of CASES)
    it(`without ${feature} there is no ${name}`, () => {
      expect(decode(bytes, IMPLEMENTED)).toBe(name);
      const rest = new Set([...IMPLEMENTED].filter((other) => other !== feature));
      const result = decode(bytes, rest);
      expect(result === "missing" ? "invalid" : result).toBe(without);
    });
  it("every vector form needs a feature that exists, and the default lacks none", () => {
    for (const family of families)
      for (const form of family.forms)
        if (form.isVector) expect(requiredFeature(form), family.name).not.toBeNull();
    expect([...absentForms(IMPLEMENTED)].map(({ family }) => family.name)).toEqual(
      IMPLEMENTED.has("monitor") ? [] : ["monitor", "mwait"],
    );
  });
  it("a machine's configuration decides: POPCNT is #UD on a qemu64", () => {
    const machine = createMachine({ ramBytes: 1 << 20, cpu: "qemu64" });
    expect([machine.cpus[0]!.has("popcnt"), machine.cpus[0]!.has("sse2")]).toEqual([false, true]);
  });
}); // oxfmt-ignore

it("CR4 and EFER have the bits of the processor's features only", () => {
  const one = core("qemu64,-nx");
  expect(one.setMsr(0xc0000080, 0x800n)).toBe(false);
  expect(core("qemu64").setMsr(0xc0000080, 0x800n)).toBe(true);
});
