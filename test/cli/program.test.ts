/** The program as it is installed: bundled, in a process of its own. */
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const SAMPLE = join(ROOT, "media/sample-kernel/sample.elf");
const EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
let directory = "";
let program = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "redzone-cli-"));
  program = join(directory, "redzone.cjs");
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["debug-adapter/redzone.ts"],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    outfile: program,
    logLevel: "error",
  });
  copyFileSync(join(ROOT, "node_modules/iced-x86/iced_x86_bg.wasm"), join(directory, "iced_x86_bg.wasm"));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function start(args: readonly string[], input: string | null = "") {
  const child = spawn(process.execPath, [program, ...args], { cwd: directory });
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  if (input !== null) child.stdin.end(input);
  const status = await new Promise<number | null>((done) => child.on("close", done));
  return { status, out, errors };
}

it("boots, prints, counts, and exits with the guest's status", async () => {
  const boot = ["-kernel", SAMPLE, "-append", "exit=5", "--stats", "stats.json"];
  const commands = ["--at-stop", "x/1i kernel_main", "--at-stop", "p/x &kernel_main"];
  const { status, out, errors } = await start([...boot, ...EXIT, ...commands]);
  expect(errors).toBe("");
  expect(status).toBe(11);
  expect(out).toContain("exit 5");
  expect(out).toMatch(/0x0*(20[0-9a-f]{4}): .*\n0x\1\n$/);
  expect(JSON.parse(readFileSync(join(directory, "stats.json"), "utf8"))).toMatchObject({
    status: 11,
    end: "debug-exit",
  });
});

it("ends by itself with standard input left open, too", async () => {
  const { status } = await start(["-kernel", SAMPLE, "-append", "exit=0", ...EXIT], null);
  expect(status).toBe(1);
});

it("names what is wrong", async () => {
  expect(await start(["-kernel", SAMPLE, "-netdev", "x"])).toEqual({
    status: 2,
    out: "",
    errors: "redzone: option -netdev is not supported\n",
  });
  const triple = await start(["-kernel", SAMPLE, "-append", "bug=triple-fault", "-no-reboot"]);
  expect(triple.status).toBe(6);
  // Functions are named from the kernel's symbols.
  expect(triple.errors).toMatch(/At 0x8:0x[0-9a-f]+ ?\(?.*[a-z_]+/);
});

it("dap: answers initialize over standard output", async () => {
  const request = JSON.stringify({
    seq: 1,
    type: "request",
    command: "initialize",
    arguments: { adapterID: "redzone" },
  });
  const { out } = await start(["dap"], `Content-Length: ${request.length}\r\n\r\n${request}`);
  expect(out).toContain('"command":"initialize"');
  expect(out).toContain('"success":true');
});

it.runIf(process.platform === "linux")("lets V8's threads give way to the guest's", async () => {
  const child = spawn(process.execPath, [program, "dap"], { cwd: directory });
  const ended = new Promise((done) => child.on("close", done));
  const answered = new Promise((done) => child.stdout.once("data", done));
  const request = JSON.stringify({ seq: 1, type: "request", command: "initialize", arguments: {} });
  child.stdin.write(`Content-Length: ${request.length}\r\n\r\n${request}`);
  await answered;
  // Field 19 of a thread's line, the 17th behind its name in parentheses (proc(5)).
  const nice = (thread: string): number =>
    Number(readFileSync(`/proc/${child.pid}/task/${thread}/stat`, "utf8").split(") ").at(-1)!.split(" ")[16]);
  const tasks = readdirSync(`/proc/${child.pid}/task`);
  const others = tasks.filter((thread) => thread !== String(child.pid)).map(nice);
  const own = nice(String(child.pid));
  expect(others.filter((value) => value > own).length).toBeGreaterThanOrEqual(4);
  child.stdin.end();
  await ended;
});
