/**
 * `npm test`: everything, from a fresh clone, in the order in which a mistake is cheapest to find.
 *
 *     npm test                      set up, build, check, all tests, the editor in a browser
 *     npm test -- test/memory       only the named test folders, without set-up and checks
 *     npm run test:long             what takes too long for every run: whole boots in lock-step, more kernels, a kernel's vmlinux in the debugger
 *
 * Each step counts as one test; the last line is the sum. What this machine lacks is named, with what is left out because of it.
 * Nothing waits for ever: a step that takes longer than its limit is ended, and counts as failed by the files that were running (`test/support/step.mjs`).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { endAll, execute, readRecord } from "./support/step.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, in words, to be said once more at the end: who reads a log reads its last lines. */
const failures = [];

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

function onPath(command) {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .some((folder) => existsSync(path.join(folder, command)));
}

function thirtyTwoBit() {
  const source = "#include <stdint.h>\nint main(void) { return 0; }\n";
  return (
    spawnSync("gcc", ["-m32", "-x", "c", "-", "-o", "/dev/null"], {
      input: source,
      stdio: ["pipe", "ignore", "ignore"],
      timeout: 60_000,
    }).status === 0
  );
}

const missingTools = () =>
  tools.filter(({ needs, works }) => !(works === undefined ? onPath(needs) : works()));

async function prepareSystem() {
  let missing = missingTools();
  if (missing.length > 0 && process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    const packages = [...new Set(missing.flatMap((tool) => tool.package.split(" ")))];
    console.log(`installing ${packages.join(", ")}`);
    const quiet = { stdout: "ignore", environment: { DEBIAN_FRONTEND: "noninteractive" } };
    const patient = ["-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=120", "-q"];
    const install = ["install", "-y", "--no-install-recommends", ...packages];
    for (const words of [["update"], install]) {
      const { text } = await execute("apt-get", [...patient, ...words], LIMITS.system, quiet);
      if (text !== "passed") console.log(`apt-get ${words[0]}: ${text}`);
    }
    missing = missingTools();
  }
  for (const tool of missing) {
    console.log(`missing: ${tool.needs} (Debian: ${tool.package}); left out: ${tool.without}`);
  }
}

/** One step that passes or fails as a whole. */
async function step(name, command, words, minutes) {
  console.log(`\n── ${name}`);
  return told(name, await execute(command, words, minutes, { cwd: root }));
}

/** A step that runs beside the ones that follow: what is given back waits for it, and says then what it has printed. */
function stepBeside(name, command, words, minutes) {
  const running = execute(command, words, minutes, { cwd: root, stdout: "collect" });
  return async () => {
    const result = await running;
    console.log(`\n── ${name}, meanwhile\n${result.output.trimEnd()}`);
    return told(name, result);
  };
}

/** Counts a step, and says how it went. */
function told(name, { passed, text, seconds }) {
  total[passed ? "passed" : "failed"] += 1;
  if (!passed) failures.push(`${name}: ${text}`);
  console.log(`── ${name}: ${text} in ${seconds.toFixed(1)} s`);
  return passed;
}

/** A run of vitest, whose tests are counted one by one, also if it has to be ended. */
async function vitest(name, words, minutes) {
  console.log(`\n── ${name}`);
  mkdirSync(path.join(root, ".cache"), { recursive: true });
  const record = path.join(root, ".cache", `vitest-${name.replaceAll(/\W+/gu, "-")}.json`);
  const program = path.join(root, "node_modules/.bin/vitest");
  const { passed, text, seconds } = await execute(program, ["run", ...words], minutes, { cwd: root, record });
  console.log(`── ${name}: ${text} in ${seconds.toFixed(1)} s`);
  const result = readRecord(record);
  for (const file of result.running) console.log(`   not finished: ${file}`);
  failures.push(...result.failures, ...result.running.map((file) => `${file}: not finished`));
  if (!passed && result.failures.length + result.running.length === 0) failures.push(`${name}: ${text}`);
  const unfinished = result.running.length;
  total.passed += result.passed;
  total.skipped += result.skipped;
  total.failed += Math.max(result.failed + unfinished, passed ? 0 : 1);
}

/** Minutes after which a step is ended. A quiet machine with two processors needs less than half. */
const LIMITS = { system: 8, npm: 8, check: 5, fetch: 8, tests: 20, server: 8, editor: 20 };

const EDITOR = ["--config", "test/vscode/vitest.config.ts"];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => void endAll().then(() => process.exit(1)));

/** Files that do more with REDZONE_LONG=1, and how many minutes they may take then. */
const LONG = [
  ["whole kernels", ["test/linux", "test/adapter/linux.test.ts"], 90],
  ["lock-step of the engines", ["test/translator", "test/repeat", "test/oracle"], 240],
  [
    "saved states, changes at random",
    ["test/machine/guests.test.ts", "test/language/script-document.test.ts"],
    30,
  ],
  ["Linux's sources in the language server", ["test/language/linux-source.test.ts"], 30],
  ["the editor with a kernel's vmlinux", [...EDITOR, "test/vscode/linux.e2e.ts"], 30],
];

const chosen = process.argv.slice(2);
if (chosen[0] === "--long") {
  process.env["REDZONE_LONG"] = "1";
  await prepareSystem();
  await step("build", process.execPath, ["build.mjs"], LIMITS.check);
  for (const [name, words, minutes] of LONG) await vitest(name, words, minutes);
} else if (chosen.length > 0) {
  await vitest("chosen tests", chosen, LIMITS.tests);
} else {
  await prepareSystem();
  // `npm ci` insists on a lock file with the packages of every platform; not every registry has them all.
  if (!existsSync(path.join(root, "node_modules/vitest"))) {
    await step("npm install", "npm", ["install", "--no-save", "--ignore-scripts"], LIMITS.npm);
  }
  const bin = (name) => path.join(root, "node_modules/.bin", name);
  // A minute of network and compilers, beside what needs neither.
  const server = stepBeside("editor's server", process.execPath, ["test/vscode/server.mjs"], LIMITS.server);
  const built = await step("build", process.execPath, ["build.mjs"], LIMITS.check);
  await step("types", bin("tsc"), ["-b"], LIMITS.check);
  await step("lint", bin("oxlint"), ["--type-aware", "--max-warnings", "0"], LIMITS.check);
  await step("format", bin("oxfmt"), ["--check", "."], LIMITS.check);
  if (onPath("apt-get")) {
    // Before the tests that need them: those must not wait for a network, nor two of them for one package.
    const fetched = ["linux-image-cloud-amd64", "linux-image-amd64", "busybox-static", "memtest86+"];
    await step("Debian's kernels", process.execPath, ["test/support/debian.mjs", ...fetched], LIMITS.fetch);
    await step("GNU Mach", process.execPath, ["test/guests-boot/gnumach.mjs"], LIMITS.fetch);
  }
  await vitest("tests", [], LIMITS.tests);
  await server();
  if (built) await vitest("editor", EDITOR, LIMITS.editor);
}
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((line) => `  ${line}`).join("\n")}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;
