"use strict";

// A program in the fragment of an address, which browsers send to nobody: compressed JSON in base64 for addresses.
const SHARE_PREFIX = "#p1.";
const LONGEST_SHARED = 1024 * 1024; // a link from a stranger may unpack to more than any memory holds

async function toFragment(shared) {
  const packed = new Blob([JSON.stringify(shared)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return SHARE_PREFIX + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Returns null if there is nothing in the fragment, and throws if it is none of ours.
async function fromFragment(fragment) {
  if (!fragment.startsWith(SHARE_PREFIX)) return null;
  const text = atob(fragment.slice(SHARE_PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  for (let size = 0; ;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LONGEST_SHARED) throw new Error("too long");
    parts.push(value);
  }
  const { code, stdin = "", tests = [] } = JSON.parse(await new Blob(parts).text());
  const cases = tests.map(({ input, expected }) => ({ input: String(input), expected: String(expected) }));
  return { code: String(code), stdin: String(stdin), tests: cases.slice(0, 50) };
}
