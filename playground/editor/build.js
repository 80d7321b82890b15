// Builds ../static/playground/codemirror.js and the licences of what is in it: `npm ci && npm run build`.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const target = "../static/playground/codemirror";
const { metafile } = await build({
  entryPoints: ["editor.js"],
  outfile: `${target}.js`,
  bundle: true,
  format: "iife",
  globalName: "CodeEditor",
  minify: true,
  target: "es2022",
  banner: { js: "/* Built from playground/editor. Licences: codemirror.LICENSE.txt */" },
  metafile: true,
});

const packages = Object.keys(metafile.inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
const licences = [...new Set(packages)].filter(Boolean).sort().map((name) => {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  return `${name} ${version}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
});
writeFileSync(`${target}.LICENSE.txt`, licences.join(`\n${"-".repeat(80)}\n\n`));
