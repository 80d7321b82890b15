/** The editable list of files beside a program, and what it takes to read and save files. */

import type { SentFile } from "../types.js";
import { button, element } from "./elements.js";
import { Complaint, Field } from "./fields.js";
import type { Refused } from "./fields.js";

const LONGEST_BYTES = 1024 * 1024; // the service's bound for all files: a larger one is not even read

/** Save a file on the user's device. */
export function save({ name, text, base64 }: SentFile): void {
  const link = element("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([base64 == null ? (text ?? "") : bytesOf(base64)]));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Return how many bytes a file has. */
export function sizeOf({ text, base64 }: SentFile): number {
  if (base64 == null) return new TextEncoder().encode(text ?? "").length;
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}

export function bytes(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "byte" : "bytes"}`;
}

interface Row {
  item: HTMLElement;
  name: Field;
  /** There is none for a file that is not text. */
  text: Field | undefined;
  /** Until somebody types into it: a text area would change its line ends. */
  content: Omit<SentFile, "name">;
}

export class FileList {
  readonly part = element("div", "file-list");
  readonly #list = element("ol");
  readonly #add: HTMLButtonElement;
  readonly #pick: HTMLButtonElement;
  readonly #complaint = new Complaint(this.#list);
  readonly #onChange: () => void;
  readonly #onRemove: (before: SentFile[]) => void;
  #rows: Row[] = [];
  #shown = Symbol(); // another one once other files are shown
  #owner = "";

  /** `onRemove` gets the files as they were before one was removed. */
  constructor(onChange: () => void, onRemove: (before: SentFile[]) => void) {
    this.#onChange = onChange;
    this.#onRemove = onRemove;
    const picker = element("input");
    Object.assign(picker, { type: "file", multiple: true, hidden: true, ariaLabel: "Files to add" });
    picker.addEventListener("change", async () => {
      await this.#open(Array.from(picker.files ?? []));
      picker.value = ""; // so that the same file can be added again
    });
    this.#add = button("", "Add a file", () => {
      this.#put({ name: "", text: "" }).name.control.focus();
      this.#onChange();
    });
    this.#pick = button("", "Add a file from this device", () => picker.click());
    const buttons = element("div", "buttons");
    buttons.append(this.#add, this.#pick, picker);
    this.part.append(this.#list, this.#complaint.part, buttons);
  }

  get all(): SentFile[] {
    return this.#rows.map(({ name, content }) => ({ name: name.control.value, ...content }));
  }

  set all(files: SentFile[]) {
    this.#shown = Symbol();
    this.#rows = [];
    this.#list.replaceChildren();
    for (const file of files) this.#put(file);
  }

  /** Whose files they are, for screen readers, such as `Test 2`; without one, those of the program. */
  set owner(owner: string) {
    this.#owner = owner;
    this.#add.ariaLabel = `Add a file to ${owner.toLowerCase()}`;
    this.#pick.ariaLabel = `Add a file from this device to ${owner.toLowerCase()}`;
    this.#number();
  }

  /** Show the service's sentence against `[1].name`, or against the list as a whole. */
  refuse(path: string, sentence: string): Refused {
    const [, index, name] = /^\[(\d+)\](?:\.(\w+))?/.exec(path) ?? [];
    const row = this.#rows[Number(index)];
    const field = name === "name" || !row?.text ? row?.name : row.text;
    if (field) return { label: field.name, control: field.refuse(sentence) };
    this.#complaint.make(sentence);
    return { label: this.#owner ? `${this.#owner}: files` : "Files", control: this.#add };
  }

  accept(): void {
    this.#complaint.withdraw();
    for (const { name, text } of this.#rows) for (const field of [name, text]) field?.accept();
  }

  #put({ name: title, ...content }: SentFile): Row {
    const name = new Field({ label: "Name", as: "line", placeholder: "scores.csv" });
    const shown = content.base64 == null ? new Field({ label: "Content" }) : undefined;
    const row: Row = { item: element("li"), name, text: shown, content };
    name.value = title;
    if (shown) {
      shown.value = content.text;
      shown.control.addEventListener("input", () => (row.content = { text: shown.control.value }));
    }
    // From a link, it may be of any type: the service refuses it.
    const size = typeof content.base64 === "string" ? `: ${bytes(sizeOf({ name: title, ...content }))}` : "";
    const isNoText = element("p", "quiet", `Not text${size}`);
    row.item.append(name.part, shown?.part ?? isNoText, button("remove", "×", () => this.#remove(row)));
    this.#rows.push(row);
    this.#list.append(row.item);
    this.#number();
    return row;
  }

  #remove(row: Row): void {
    const before = this.all;
    this.#rows = this.#rows.filter((each) => each !== row);
    row.item.remove();
    this.#complaint.withdraw();
    this.#number();
    (this.#rows.at(-1)?.name.control ?? this.#add).focus();
    this.#onRemove(before);
  }

  #number(): void {
    for (const [index, { item, name, text }] of this.#rows.entries()) {
      const file = this.#owner ? `${this.#owner}, file ${index + 1}` : `File ${index + 1}`;
      name.name = `${file}: name`;
      if (text) text.name = `${file}: content`;
      item.querySelector(".remove")?.setAttribute("aria-label", `Remove ${file[0]?.toLowerCase()}${file.slice(1)}`);
    }
  }

  async #open(files: File[]): Promise<void> {
    const shown = this.#shown;
    this.#complaint.withdraw();
    for (const file of files) {
      if (file.size > LONGEST_BYTES) {
        const size = `${file.name} has ${bytes(file.size)}`;
        this.#complaint.make(`${size}; all files together may have ${bytes(LONGEST_BYTES)}.`);
        continue;
      }
      const sent = await read(file);
      if (this.#shown !== shown) return; // they belong to another program
      this.#put(sent);
    }
    this.#rows.at(-1)?.name.control.focus();
    this.#onChange();
  }
}

/** Read a file as text if it is in UTF-8, and otherwise as base64. */
async function read(file: File): Promise<SentFile> {
  const content = new Uint8Array(await file.arrayBuffer());
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    if (!text.includes("\0")) return { name: file.name, text };
  } catch {
    // It is not text.
  }
  const characters = Array.from(content, (byte) => String.fromCharCode(byte));
  return { name: file.name, base64: btoa(characters.join("")) };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
