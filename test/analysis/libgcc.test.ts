/**
 * Debian's libgcc.a, which is in most kernels that GCC builds and is built with a red zone: what the analysis finds there is what the text of a disassembler shows.
 *
 * objdump is asked for operands below RSP, a function at a time, and knows nothing of the ways through it.
 */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { FileAnalysisBody } from "../../media/protocol.ts";
import { analyseFile, analysisText } from "../../debug-adapter/analysis/index.ts";
import { nodeFiles } from "../../debug-adapter/node-files.ts";
import { build, has } from "./programs.ts";

function analysed(path: string, archives: readonly string[] = []): FileAnalysisBody {
  const steps = analyseFile(path, nodeFiles, { archives });
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Functions with an instruction that accesses memory within 128 bytes below RSP, by member and name; of GNU's listing. */
function belowRsp(archive: string): Set<string> {
  const listing = execFileSync("objdump", ["-d", "--no-show-raw-insn", archive], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const found = new Set<string>();
  let member = "";
  let name = "";
  for (const line of listing.split("\n")) {
    member = /^(\S+\.o):\s/.exec(line)?.[1] ?? member;
    name = /^[0-9a-f]+ <(.+)>:/.exec(line)?.[1] ?? name;
    const offset = /-0x([0-9a-f]+)\(%rsp[,)]/.exec(line);
    if (offset !== null && !/\blea\b/.test(line) && Number.parseInt(offset[1]!, 16) <= 128)
      found.add(`${member} ${name}`);
  }
  return found;
}

describe.skipIf(!has("gcc") || !has("objdump"))("libgcc.a", () => {
  const archive = has("gcc")
    ? execFileSync("gcc", ["-print-libgcc-file-name"], { encoding: "utf8" }).trim()
    : "";
  const body = has("gcc") ? analysed(archive) : null;

  it("has at least 32 functions that use the red zone, __udivmodti4 and __umodti3 among them", () => {
    const users = body!.functions.filter(({ redZoneBytes }) => redZoneBytes > 0);
    expect(body!.kind).toBe("archive");
    expect(body!.functionCount).toBeGreaterThan(400);
    expect(users.length).toBeGreaterThanOrEqual(32);
    expect(users.map(({ name, member }) => `${name} ${member}`)).toEqual(
      expect.arrayContaining(["__udivmodti4 _udivmoddi4.o", "__umodti3 _umoddi3.o"]),
    );
    expect(analysisText(body!, false)).toMatch(/24\s+40\s+__udivmodti4\s+0x0\s+_udivmoddi4\.o/u);
  });

  it("uses it exactly where a disassembler shows operands below RSP", () => {
    const ours = body!.functions
      .filter(({ redZoneBytes }) => redZoneBytes > 0)
      .map(({ linkageName, member }) => `${member} ${linkageName}`);
    expect(ours.toSorted()).toEqual([...belowRsp(archive)].toSorted());
  });

  it("is followed to the end nearly everywhere", () => {
    expect(body!.incompleteCount).toBeLessThanOrEqual(2);
    expect(body!.problems).toEqual([]);
  });

  it("brings its functions into a kernel: named by the linker's map, or else by their code", () => {
    const command = (words: string): string =>
      `gcc -fno-pie -no-pie -static -nostdlib -Wl,-Ttext=0x200000 -Wl,-e,0 -Wl,--build-id=none -Wl,-u,__umodti3 ${words} -x c /dev/null -x none $(gcc -print-libgcc-file-name) -o $O`;
    const plain = analysed(build("member-plain", command(""), []));
    expect(plain.kind).toBe("kernel");
    const found = (each: FileAnalysisBody) => each.functions.find(({ name }) => name === "__umodti3");
    expect(found(plain)).toMatchObject({ redZoneBytes: 16, member: null });
    expect(found(analysed(plain.file, [archive]))?.member).toBe("libgcc.a(_umoddi3.o)");
    expect(found(analysed(build("member-mapped", command("-Wl,-Map=$O.map"), [])))?.member).toBe(
      "libgcc.a(_umoddi3.o)",
    );
  });
});
