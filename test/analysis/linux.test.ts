/**
 * Debian's kernel, built with -mno-red-zone: 44,000 functions, of which compiled ones may not be accused. A long test: its vmlinux is in a package of 283 MB.
 * (Its entry code for NMIs does read below RSP what it has put there itself.)
 */
import { describe, expect, it } from "vitest";
import { fetchLinux } from "../support/debian.mjs";
import { fetchVmlinux } from "../support/vmlinux.ts";
import { open } from "./programs.ts";

const isLong = process.env["REDZONE_LONG"] === "1";
/** The file is fetched once, which is most of it. */
const PATIENCE_MILLISECONDS = 1_800_000;

describe.skipIf(!isLong)("Debian's vmlinux", () => {
  it(
    "uses the red zone in handwritten entry code only",
    async () => {
      const program = open(fetchVmlinux(await fetchLinux("linux-image-cloud-amd64")));
      const start = process.cpuUsage();
      const users: string[] = [];
      let incomplete = 0;
      let deepest = { name: "", frameBytes: 0 };
      for (const bounds of program.functions) {
        const stack = program.analyse(bounds);
        const file = stack.redZoneBytes > 0 ? (program.image.lineAt(bounds.entry)?.file ?? "") : "";
        if (stack.redZoneBytes > 0) users.push(`${bounds.name} ${file.split("/").at(-1) ?? ""}`);
        if (stack.gaps.length > 0) incomplete++;
        if (stack.frameBytes > deepest.frameBytes) deepest = stack;
      }
      const { user } = process.cpuUsage(start);
      console.log(
        `${program.functions.length} functions in ${(user / 1e6).toFixed(1)} s of processor time, ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB; ` +
          `deepest ${deepest.name} with ${deepest.frameBytes} bytes`,
      );
      expect(program.functions.length).toBeGreaterThan(40_000);
      expect(users.filter((user) => !user.endsWith(".S"))).toEqual([]);
      expect(users).toContain("asm_exc_nmi entry_64.S");
      expect(incomplete).toBeLessThan(20);
    },
    PATIENCE_MILLISECONDS,
  );
});
