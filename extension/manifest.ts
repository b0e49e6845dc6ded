/**
 * What is generated into package.json and README.md: the adapter's launch attributes, and the rules of the language server, so that there is one list of each.
 *
 * Runs when the manifest is written (`npm run manifest`) and in the test that compares, never in the editor.
 */
import { launchAttributes } from "../debug-adapter/index.ts";
import { rulesTable } from "./language/server/explanation.ts";

const marks = (name: string) => ({
  name,
  start: `<!-- ${name}: written by \`npm run manifest\` -->\n`,
  end: `<!-- end of ${name} -->\n`,
});
const OPTIONS = marks("launch options");
const RULES = marks("rules");

interface Attribute {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly markdownDescription: string;
}

interface Manifest {
  readonly contributes: { readonly debuggers: readonly { configurationAttributes: { launch: unknown } }[] };
}

/** package.json with the attributes' schema in it. */
export function withLaunchAttributes(packageJson: string): string {
  const manifest = JSON.parse(packageJson) as Manifest;
  for (const debug of manifest.contributes.debuggers) debug.configurationAttributes.launch = launchAttributes;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function row([name, attribute]: readonly [string, Attribute]): string {
  const kinds = attribute.enum?.map((value) => `\`"${value}"\``) ?? [attribute.type ?? "any"].flat();
  const initial = attribute.default === undefined ? "" : `\`${JSON.stringify(attribute.default)}\``;
  const cells = [`\`${name}\``, kinds.join(", "), initial, attribute.markdownDescription];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** README.md with its tables between their marks: launch attributes, rules. */
export function withTables(readme: string): string {
  const properties = Object.entries(launchAttributes["properties"] as { readonly [name: string]: Attribute });
  const options = ["| option | type | default | meaning |", "|:--|:--|:--|:--|", ...properties.map(row)];
  return withTable(withTable(readme, OPTIONS, options.join("\n")), RULES, rulesTable());
}

function withTable(readme: string, { name, start, end }: ReturnType<typeof marks>, table: string): string {
  const from = readme.indexOf(start);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has lost the marks of its table of ${name}`);
  return `${readme.slice(0, from + start.length)}${table}\n${readme.slice(to)}`;
}
