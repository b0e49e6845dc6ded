/**
 * `npm run bench`: the same kernels here and under QEMU's TCG, alternating, medians and their ratio. QEMU's time is that of the whole process less that of
 * one which exits at once.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchKernel, works, type Work } from "./kernel.ts";
import { measure } from "./measure.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 3);

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Seconds of wall time that QEMU needs for an image, or null without QEMU. */
function qemuSeconds(file: string): number | null {
  const args = ["-accel", "tcg", "-kernel", file, "-m", "32", "-display", "none", "-no-reboot"];
  const before = performance.now();
  const result = spawnSync(
    "qemu-system-x86_64",
    [...args, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
    { timeout: 120_000 },
  );
  return result.error === undefined && result.status === 1 ? (performance.now() - before) / 1000 : null;
}

const folder = mkdtempSync(join(tmpdir(), "redzone-bench-"));
try {
  const empty: Work = { name: "nothing", source: "" };
  const image = (work: Work): string => {
    const file = join(folder, `${work.name.replaceAll(" ", "-")}.bin`);
    writeFileSync(file, benchKernel(work));
    return file;
  };
  const start = median(Array.from({ length: ROUNDS }, () => qemuSeconds(image(empty)) ?? Number.NaN));
  console.log(
    `Node ${process.version}, V8 ${process.versions.v8}, medians of ${ROUNDS}; QEMU starts in ${start.toFixed(2)} s\n`,
  );
  console.log(
    `${"work".padEnd(24)} ${"instructions".padStart(14)} ${"M/s".padStart(7)} ${"ours s".padStart(8)} ${"TCG s".padStart(8)} ${"ours ÷ TCG".padStart(11)}`,
  );
  for (const work of works) {
    const file = image(work);
    measure(work);
    const ours: number[] = [];
    const theirs: number[] = [];
    let instructions = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { seconds, instructions: count } = measure(work);
      ours.push(seconds);
      instructions = count;
      const qemu = qemuSeconds(file);
      theirs.push(qemu === null ? Number.NaN : Math.max(qemu - start, 0.001));
    }
    const mine = median(ours);
    const row = [
      work.name.padEnd(24),
      String(instructions).padStart(14),
      (instructions / mine / 1e6).toFixed(0).padStart(7),
      mine.toFixed(3).padStart(8),
    ];
    const other = median(theirs);
    console.log(
      [
        ...row,
        Number.isNaN(other) ? "no QEMU".padStart(8) : other.toFixed(3).padStart(8),
        (mine / other).toFixed(1).padStart(11),
      ].join(" "),
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
