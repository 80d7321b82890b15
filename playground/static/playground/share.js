"use strict";

// Stores a program in the fragment of a URL, which browsers never send: compressed JSON in URL-safe base64.
const SHARE_PREFIX = "#p1.";
const LONGEST_SHARED = 1024 * 1024; // a stranger's link could decompress to more than fits into memory
const LONGEST_LINK = 64 * 1024; // mail and chats cut off longer ones, and so does a browser in the end
const TOO_LONG = "This is too much for a link: make the files smaller, or copy the request (View, Request as JSON).";

// Throws a sentence if the program does not fit into a link.
async function toFragment(shared) {
  const plain = new Blob([JSON.stringify(programOf(shared))]);
  if (plain.size > LONGEST_SHARED) throw new Error(TOO_LONG);
  const packed = plain.stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  if (text.length > LONGEST_LINK) throw new Error(TOO_LONG);
  return SHARE_PREFIX + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Returns null if the fragment holds no program, and throws if it is damaged.
async function fromFragment(fragment) {
  if (!fragment.startsWith("#p")) return null;
  if (!fragment.startsWith(SHARE_PREFIX)) throw new Error("cut off");
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
  return programOf(JSON.parse(await new Blob(parts).text()));
}
