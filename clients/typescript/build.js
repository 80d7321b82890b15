// Puts the element and what it needs into one file, after tsc: dist/pyRunner.js, and beside it the licences of what is
// in it. With a directory as argument, also copies both there.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const target = "dist/pyRunner";
const { metafile } = await build({
  entryPoints: ["src/pyRunner.ts"],
  outfile: `${target}.js`,
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  loader: { ".css": "text", ".html": "text" },
  banner: { js: "/* Built from clients/typescript. Licences: pyRunner.LICENSE.txt */" },
  metafile: true,
});
rmSync("dist/runner", { recursive: true, force: true }); // all of it is in the one file now

const packages = Object.keys(metafile.inputs).map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
const licences = [...new Set(packages)].filter(Boolean).sort().map((name) => {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  return `${name} ${version}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`;
});
writeFileSync(`${target}.LICENSE.txt`, licences.join(`\n${"-".repeat(80)}\n\n`));

const [, , directory] = process.argv;
if (directory) for (const end of [".js", ".LICENSE.txt"]) copyFileSync(target + end, `${directory}/pyRunner${end}`);
