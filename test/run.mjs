/**
 * `npm test`: everything, from a fresh clone, in the order in which a mistake is cheapest to find.
 *
 *     npm test                      set up, build, check, all tests, the editor in a browser
 *     npm test -- test/memory       only the named test folders, without set-up and checks
 *
 * Each step counts as one test; the last line is the sum. What this machine lacks is named, with what is left out because of it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const total = { passed: 0, failed: 0, skipped: 0 };

/** What tests use as an oracle or a tool: how to see that it is there, Debian's package, and what is left out without it. */
const tools = [
  { needs: "qemu-system-x86_64", package: "qemu-system-x86", without: "comparisons with QEMU" },
  { needs: "nasm", package: "nasm", without: "guest programs in NASM" },
  { needs: "gdb", package: "gdb", without: "comparisons with GDB" },
  { needs: "gcc", package: "gcc", without: "the native oracle and the kernels in C" },
  { needs: "g++", package: "g++", without: "symbols of C++ and VS Code's native modules" },
  { needs: "gcc -m32", works: thirtyTwoBit, package: "gcc-multilib", without: "32-bit programs" },
  { needs: "clang", package: "clang", without: "symbols as Clang writes them" },
  { needs: "objcopy", package: "binutils", without: "kernels converted for QEMU" },
  { needs: "make", package: "make", without: "the sample kernel's rebuild" },
  { needs: "python3", package: "python3", without: "VS Code's native modules" },
  { needs: "qemu-img", package: "qemu-utils", without: "comparisons of disk images" },
  { needs: "mkfs.ext4", package: "e2fsprogs", without: "Linux with a disk" },
  { needs: "iasl", package: "acpica-tools", without: "the check of ACPI tables" },
  { needs: "dmidecode", package: "dmidecode", without: "the check of SMBIOS tables" },
  { needs: "unzip", package: "unzip", without: "a look into the VSIX" },
  { needs: "grub-mkrescue", package: "grub-common", without: "GRUB's rescue CD" },
  {
    needs: "GRUB for a PC's BIOS",
    works: () => existsSync("/usr/lib/grub/i386-pc/cdboot.img"),
    package: "grub-pc-bin",
    without: "GRUB's rescue CD",
  },
  { needs: "xorriso", package: "xorriso", without: "GRUB's rescue CD" },
  { needs: "mformat", package: "mtools", without: "GRUB's rescue CD" },
  { needs: "chromium", package: "chromium", without: "the editor in a browser" },
];

function run(command, words, options = {}) {
  return spawnSync(command, words, { cwd: root, stdio: "inherit", ...options });
}

function onPath(command) {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .some((folder) => existsSync(path.join(folder, command)));
}

function thirtyTwoBit() {
  const source = "#include <stdint.h>\nint main(void) { return 0; }\n";
  return (
    run("gcc", ["-m32", "-x", "c", "-", "-o", "/dev/null"], {
      input: source,
      stdio: ["pipe", "ignore", "ignore"],
    }).status === 0
  );
}

const missingTools = () =>
  tools.filter(({ needs, works }) => !(works === undefined ? onPath(needs) : works()));

function prepareSystem() {
  let missing = missingTools();
  if (missing.length > 0 && process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    const packages = [...new Set(missing.flatMap((tool) => tool.package.split(" ")))];
    console.log(`installing ${packages.join(", ")}`);
    const quiet = {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    };
    run("apt-get", ["update", "-q"], quiet);
    run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], quiet);
    missing = missingTools();
  }
  for (const tool of missing) {
    console.log(`missing: ${tool.needs} (Debian: ${tool.package}); left out: ${tool.without}`);
  }
}

/** One step that passes or fails as a whole. */
function step(name, command, words) {
  console.log(`\n── ${name}`);
  const started = Date.now();
  const passed = run(command, words).status === 0;
  total[passed ? "passed" : "failed"] += 1;
  console.log(
    `── ${name}: ${passed ? "passed" : "FAILED"} in ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
  return passed;
}

/** A run of vitest, whose tests are counted one by one. */
function vitest(name, words) {
  console.log(`\n── ${name}`);
  mkdirSync(path.join(root, ".cache"), { recursive: true });
  const report = path.join(root, ".cache", `vitest-${name.replaceAll(/\W+/gu, "-")}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = run(path.join(root, "node_modules/.bin/vitest"), ["run", ...reporters, ...words]);
  const result = readReport(report);
  if (result === null || (status !== 0 && result.failed === 0)) total.failed += 1;
  if (result === null) return;
  for (const kind of ["passed", "failed", "skipped"]) total[kind] += result[kind];
}

function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return null;
  }
}

const chosen = process.argv.slice(2);
if (chosen.length > 0) {
  vitest("chosen tests", chosen);
} else {
  prepareSystem();
  // `npm ci` insists on a lock file with the packages of every platform; not every registry has them all.
  if (!existsSync(path.join(root, "node_modules/vitest"))) {
    step("npm install", "npm", ["install", "--no-save", "--ignore-scripts"]);
  }
  const bin = (name) => path.join(root, "node_modules/.bin", name);
  const built = step("build", process.execPath, ["build.mjs"]);
  step("types", bin("tsc"), ["-b"]);
  step("lint", bin("oxlint"), ["--type-aware", "--max-warnings", "0"]);
  step("format", bin("oxfmt"), ["--check", "."]);
  vitest("tests", []);
  if (built) vitest("editor", ["--config", "test/vscode/vitest.config.ts"]);
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;
