/**
 * What is generated into package.json and README.md from the adapter's table of launch attributes, so that there is one list of them.
 *
 * Runs when the manifest is written (`npm run manifest`) and in the test that compares, never in the editor.
 */
import { launchAttributes } from "../debug-adapter/index.ts";

const TABLE_START = "<!-- launch options: written by `npm run manifest` -->\n";
const TABLE_END = "<!-- end of launch options -->\n";

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

/** README.md with the table of attributes between its marks. */
export function withOptionsTable(readme: string): string {
  const start = readme.indexOf(TABLE_START);
  const end = readme.indexOf(TABLE_END);
  if (start < 0 || end < start)
    throw new Error("README.md has lost the marks of its table of launch options");
  const properties = Object.entries(launchAttributes["properties"] as { readonly [name: string]: Attribute });
  const table = ["| option | type | default | meaning |", "|:--|:--|:--|:--|", ...properties.map(row)].join(
    "\n",
  );
  return `${readme.slice(0, start + TABLE_START.length)}${table}\n${readme.slice(end)}`;
}
