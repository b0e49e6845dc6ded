/**
 * What compilers make of C and Rust, in all their ways: a red zone is found where it was allowed and used, nowhere where it was not, and frames are as deep as GCC itself
 * says (-fstack-usage).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { analyseAll, build, COMPILERS, has } from "./programs.ts";

const LEVELS = ["-O0", "-O1", "-O2", "-Os"];
/** Also with what changes frames: pages probed one by one, frame pointers, position independence, large code. */
const VARIANTS = ["", "-fno-omit-frame-pointer", "-fPIC", "-fcf-protection=none -fno-jump-tables"];

describe.skipIf(COMPILERS.length === 0)("C", () => {
  it.each(COMPILERS.flatMap((compiler) => LEVELS.map((level) => [compiler, level] as const)))(
    "has no red zone with -mno-red-zone: %s %s",
    (compiler, level) => {
      for (const variant of VARIANTS) {
        for (const source of ["leaf.c", "frame.c"]) {
          const command = `${compiler} ${level} ${variant} -mno-red-zone -w -c $P/${source} -o $O`;
          for (const [name, stack] of analyseAll(build(`none-${source}`, command, [source]))) {
            expect(stack.redZoneBytes, `${name} of ${command}`).toBe(0);
            expect(stack.overwrites, `${name} of ${command}`).toEqual([]);
            expect(stack.gaps, `${name} of ${command}`).toEqual([]);
          }
        }
      }
    },
  );

  it.each(COMPILERS.flatMap((compiler) => LEVELS.map((level) => [compiler, level] as const)))(
    "uses it in leaf functions otherwise, and in no others: %s %s",
    (compiler, level) => {
      const leaves = analyseAll(build("leaf", `${compiler} ${level} -w -c $P/leaf.c -o $O`, ["leaf.c"]));
      for (const name of [
        "one_word",
        "array",
        "bytes_backwards",
        "more_than_fits",
        "on_one_way",
        "table",
        "vectors",
      ]) {
        expect(leaves.get(name)?.redZoneBytes, name).toBeGreaterThan(0);
      }
      expect(leaves.get("barrier")?.overwrites).toEqual([]);
      const frames = analyseAll(build("frame", `${compiler} ${level} -w -c $P/frame.c -o $O`, ["frame.c"]));
      for (const [name, { redZoneBytes }] of frames) expect(redZoneBytes, name).toBe(0);
    },
  );

  it.each(COMPILERS)("sees PUSHF in inline assembly over what the compiler keeps: %s", (compiler) => {
    const leaves = analyseAll(build("leaf", `${compiler} -O2 -w -c $P/leaf.c -o $O`, ["leaf.c"]));
    const { overwrites } = leaves.get("flags_over_red_zone")!;
    expect(overwrites).toMatchObject([{ kind: "push", from: -8, to: 0 }]);
  });

  it("probes of large frames are no use of the red zone, and end where the frame ends", () => {
    if (!COMPILERS.includes("gcc")) return;
    const frames = analyseAll(
      build("probes", "gcc -O2 -fstack-clash-protection -w -c $P/frame.c -o $O", ["frame.c"]),
    );
    for (const [name, { redZoneBytes }] of frames) expect(redZoneBytes, name).toBe(0);
    expect(frames.get("large")).toMatchObject({ frameBytes: 5024, isDynamic: false });
  });
});

describe.skipIf(!has("gcc"))("frames are as GCC says", () => {
  it.each(LEVELS.flatMap((level) => ["leaf.c", "frame.c"].map((source) => [level, source] as const)))(
    "%s %s",
    (level, source) => {
      const command = `gcc ${level} -g -w -fstack-usage -dumpdir $O- -c $P/${source} -o $O && cat $O-*.su > $O.su; mv $O.su $O`;
      const told = readFileSync(build(`usage-${source}`, command, [source]), "utf8");
      const functions = analyseAll(
        build(`used-${source}`, `gcc ${level} -g -w -c $P/${source} -o $O`, [source]),
      );
      let compared = 0;
      for (const line of told.trim().split("\n")) {
        const [place, bytes, kind] = line.split("\t");
        const name = place!.split(":").at(-1)!;
        const stack = functions.get(name);
        if (stack === undefined) continue;
        compared++;
        // What inline assembly pushes the compiler does not know.
        if (name === "flags_over_red_zone") continue;
        if (kind === "static" && !name.startsWith("aligned")) {
          expect(stack, name).toMatchObject({ frameBytes: Number(bytes), isDynamic: false });
        } else if (name.startsWith("aligned")) {
          // GCC counts on RSP being a multiple of 16 as the ABI says, which kernels do not keep to, and not the return address that it pushes again.
          expect(stack.frameBytes, name).toBeGreaterThanOrEqual(Number(bytes));
          expect(stack.frameBytes, name).toBeLessThanOrEqual(Number(bytes) + 16);
        } else if (kind === "dynamic") expect(stack.isDynamic, name).toBe(true);
      }
      expect(compared).toBeGreaterThan(10);
    },
  );
});

describe.skipIf(!has("gcc"))("32-bit code", () => {
  it.each(LEVELS)("has frames and no red zone: %s", (level) => {
    for (const source of ["leaf.c", "frame.c"]) {
      const flags = source === "leaf.c" ? "-DNARROW" : "";
      const command = `gcc -m32 ${level} ${flags} -w -c $P/${source} -o $O`;
      for (const [name, stack] of analyseAll(build(`narrow-${source}`, command, [source]))) {
        expect(stack.redZoneBytes, name).toBe(0);
        expect(stack.frameBytes, name).toBeGreaterThan(0);
      }
    }
  });
});

describe.skipIf(!has("rustc"))("Rust", () => {
  const compile = (words: string): string =>
    build("leaf-rs", `rustc -O -g --crate-type lib -C panic=abort ${words} --emit obj -o $O $P/leaf.rs`, [
      "leaf.rs",
    ]);

  it("uses it on targets that have one", () => {
    const functions = analyseAll(compile(""));
    expect(functions.get("keeps")).toMatchObject({ redZoneBytes: 48, isLeaf: true });
    expect(functions.get("checks")?.redZoneBytes).toBe(0);
  });
});
