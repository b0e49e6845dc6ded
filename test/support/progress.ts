/**
 * How far a run of tests is: once a minute, which files are running; at the end, the slowest. With REDZONE_RECORD=FILE the same as JSON, kept up to date, so
 * that whoever has to end a run that does not end by itself can say what it waited for.
 *
 * Elsewhere: what failed, and a line for each finished file (vitest's own reporter); who ends a run (`test/run.mjs`).
 */
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

const MINUTE = 60_000;
const SLOWEST = 12;

/** The file that REDZONE_RECORD names. `test/run.mjs` reads it. */
interface Record {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed: file, test, and the first line of each error. */
  failures: string[];
  /** Files that have been begun and not ended. */
  running: string[];
  /** True when the last file is over; the process has nothing left to do. */
  ended: boolean;
}

export class Progress implements Reporter {
  readonly #file = process.env["REDZONE_RECORD"];
  readonly #record: Record = {
    passed: 0,
    failed: 0,
    skipped: 0,
    failures: [],
    running: [],
    ended: false,
  };
  readonly #began = new Map<string, number>();
  readonly #took: { readonly name: string; readonly seconds: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#tell(), MINUTE);
    this.#timer.unref();
    this.#write();
  }

  onTestModuleQueued({ relativeModuleId: name }: TestModule): void {
    this.#began.set(name, Date.now());
    this.#write();
  }

  onTestModuleEnd(module: TestModule): void {
    const name = module.relativeModuleId;
    this.#took.push({ name, seconds: this.#seconds(name) });
    this.#began.delete(name);
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state !== "pending") this.#record[state]++;
      if (state === "failed") this.#fail(`${name}: ${test.fullName}`, errors);
    }
    // A file that could not be loaded has no tests, and a hook that failed leaves its tests out.
    if (module.errors().length > 0) this.#failBeside(name, module.errors());
    for (const suite of module.children.allSuites())
      if (suite.errors().length > 0) this.#failBeside(`${name}: ${suite.fullName}`, suite.errors());
    this.#write();
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly { readonly message: string }[]): void {
    clearInterval(this.#timer);
    for (const error of unhandled) this.#failBeside("outside of the tests", [error]);
    this.#record.ended = true;
    this.#write();
    if (this.#took.length <= SLOWEST) return;
    const slowest = this.#took.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
    const lines = slowest.map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`);
    console.log(`\nslowest files:\n${lines.join("\n")}`);
  }

  /** Something that is no test and counts as one. */
  #failBeside(name: string, errors: readonly { readonly message: string }[]): void {
    this.#record.failed++;
    this.#fail(name, errors);
  }

  #fail(name: string, errors: readonly { readonly message: string }[]): void {
    const [first] = errors;
    this.#record.failures.push(`${name}: ${first?.message.split("\n", 1)[0] ?? "no error was given"}`);
  }

  #seconds(name: string): number {
    return (Date.now() - (this.#began.get(name) ?? Date.now())) / 1000;
  }

  #tell(): void {
    const names = [...this.#began.keys()].map((name) => `${name} (${this.#seconds(name).toFixed(0)} s)`);
    console.log(`running: ${names.join(", ") || "nothing"}; ${this.#took.length} files are over`);
  }

  #write(): void {
    if (this.#file === undefined) return;
    this.#record.running = [...this.#began.keys()];
    writeFileSync(this.#file, JSON.stringify(this.#record));
  }
}
