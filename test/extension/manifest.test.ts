/** The manifest says what the extension does: each command registered, each file there, each setting read. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { withLaunchAttributes, withTables } from "../../extension/manifest.ts";
import { defaultSettings } from "../../extension/language/server/world.ts";

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly engines: { readonly vscode: string };
  readonly dependencies?: object;
  readonly contributes: {
    readonly commands: readonly {
      readonly command: string;
      readonly title: string;
      readonly icon?: string;
    }[];
    readonly menus: {
      readonly [menu: string]: readonly {
        readonly command?: string;
        readonly submenu?: string;
        readonly when: string;
      }[];
    };
    readonly submenus: readonly { readonly id: string }[];
    readonly configuration: { readonly properties: object };
    readonly languages: readonly { readonly id: string; readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string }[];
    readonly breakpoints: readonly { readonly language: string }[];
    readonly debuggers: readonly {
      readonly languages: readonly string[];
      readonly configurationAttributes: { readonly launch: { readonly properties: object } };
      readonly configurationSnippets: readonly { readonly body: object }[];
    }[];
    readonly viewsWelcome: readonly { readonly contents: string }[];
    readonly walkthroughs: readonly {
      readonly icon: string;
      readonly steps: readonly {
        readonly description: string;
        readonly media: { readonly markdown: string };
      }[];
    }[];
  };
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const { contributes } = manifest;
const sources = readdirSync("extension", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(path.join("extension", name), "utf8"))
  .join("\n");
const declared = new Set(contributes.commands.map(({ command }) => command));

describe("commands", () => {
  it("are registered, every one", () => {
    for (const command of declared) expect(sources).toContain(`"${command}"`);
  });
  it("are declared wherever a menu, a link or a step names them", () => {
    const items = Object.values(contributes.menus).flat();
    const submenus = contributes.submenus.map(({ id }) => id);
    for (const { submenu } of items) if (submenu !== undefined) expect(submenus).toContain(submenu);
    const named = items.flatMap(({ command }) => command ?? []);
    const texts = [
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description)),
    ];
    const linked = texts.flatMap((text) =>
      Array.from(text.matchAll(/command:(redzone\.\w+)/gu), ([, command]) => command ?? ""),
    );
    expect(linked.length).toBeGreaterThan(3);
    for (const command of [...named, ...linked]) expect(declared).toContain(command);
  });
  it("have icons, but for one that only a launch.json calls and one of an address's menu", () => {
    const bare = contributes.commands.filter(({ icon }) => icon === undefined).map(({ command }) => command);
    expect(bare).toEqual(["redzone.pickKernel", "redzone.copyAddress"]);
  });
});

describe("files", () => {
  it("that are named are in the tree", () => {
    const names = [
      manifest.icon,
      ...contributes.languages.map(({ configuration }) => configuration),
      ...contributes.grammars.map((grammar) => grammar.path),
      ...contributes.walkthroughs.flatMap(({ icon, steps }) => [
        icon,
        ...steps.map(({ media }) => media.markdown),
      ]),
    ];
    for (const name of names) expect(existsSync(name), name).toBe(true);
  });
  it("of JSON and grammar patterns can be read", () => {
    for (const grammar of contributes.grammars) {
      const text = readFileSync(grammar.path, "utf8");
      for (const [, pattern] of text.matchAll(/"(?:match|begin|end)": ("(?:[^"\\]|\\.)*")/gu)) {
        const expression = (JSON.parse(pattern ?? '""') as string).replace(/^\(\?i\)/u, "");
        expect(() => new RegExp(expression), expression).not.toThrow();
      }
    }
  });
});

describe("what is generated", () => {
  // The comparison is of values: the formatter lays package.json out its own way.
  it("is in step with the adapter's launch attributes and the server's rules (npm run manifest)", () => {
    const text = readFileSync("package.json", "utf8");
    expect(JSON.parse(text)).toEqual(JSON.parse(withLaunchAttributes(text)));
    const readme = readFileSync("README.md", "utf8");
    expect(readme).toBe(withTables(readme));
  });
  it("covers every key of the snippets", () => {
    const known = new Set(
      Object.keys(contributes.debuggers[0]?.configurationAttributes.launch.properties ?? {}),
    );
    for (const { body } of contributes.debuggers[0]?.configurationSnippets ?? []) {
      for (const key of Object.keys(body)) {
        expect(known.has(key) || ["type", "request", "name", "preLaunchTask"].includes(key), key).toBe(true);
      }
    }
  });
});

describe("the manifest", () => {
  it("allows breakpoints in every language it debugs", () => {
    const languages = new Set(contributes.breakpoints.map(({ language }) => language));
    for (const language of contributes.debuggers[0]?.languages ?? []) expect(languages).toContain(language);
    for (const language of ["c", "cpp", "rust", "zig", "asm", "nasm", "gas"])
      expect(languages).toContain(language);
  });
  it("declares the settings that are read, and no other", () => {
    const read = Array.from(
      sources.matchAll(/getConfiguration\("(redzone[\w.]*)"[^;]*?get(?:<[^(]*>)?\("([\w.]+)"/gu),
      ([, section, name]) => `${section}.${name}`,
    );
    // The server asks for a whole section.
    const readByServer = Object.keys(defaultSettings).map((name) => `redzone.language.${name}`);
    expect(Object.keys(contributes.configuration.properties).toSorted()).toEqual(
      [...new Set([...read, ...readByServer])].toSorted(),
    );
  });
  it("bundles what it runs: no dependency is installed with it", () => {
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.engines.vscode).toBe("^1.100.0");
  });
});
