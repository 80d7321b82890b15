"use strict";

// Keeps the learner's programs in the browser, as they are typed. Whatever is opened gets a key of its own once it is
// changed, so that nothing overwrites anything. The tab remembers which program it shows.
class Drafts {
  static #PREFIX = "playground.program.";
  static #OPEN = "playground.open";
  static #MOST = 30;
  #id = null;
  #claimed = new Set();

  // `onTaken` is called when another tab has written to the program that this tab shows, too.
  constructor(onTaken) {
    window.addEventListener("storage", ({ key, newValue }) => {
      if (this.#id === null || key !== Drafts.#PREFIX + this.#id || newValue === null) return;
      this.#id = null;
      onTaken();
    });
  }

  // Returns whether the browser keeps the program: it may have no room, or be told to keep nothing.
  save(program) {
    const isNew = this.#id === null;
    this.#id ??= `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
    if (isNew) this.#claim(this.#id);
    const kept = JSON.stringify({ ...program, changed: Date.now() });
    try {
      if (isNew) for (const { id } of this.all.slice(Drafts.#MOST - 1)) this.#delete(id);
      const deleted = [];
      while (!this.#write(kept)) {
        const oldest = this.all.findLast(({ id }) => id !== this.#id);
        if (!oldest) {
          for (const [key, text] of deleted) localStorage.setItem(key, text); // they made too little room
          return false;
        }
        const key = Drafts.#PREFIX + oldest.id;
        deleted.push([key, localStorage.getItem(key)]);
        this.#delete(oldest.id);
      }
      sessionStorage.setItem(Drafts.#OPEN, this.#id);
      return true;
    } catch {
      return false;
    }
  }

  // The next change begins another program.
  leave() {
    this.#id = null;
    try {
      sessionStorage.removeItem(Drafts.#OPEN);
    } catch { /* it keeps nothing */ }
  }

  // Makes a kept program the one that changes are saved to.
  resume({ id }) {
    this.#id = id;
    if (sessionStorage.getItem(Drafts.#OPEN) === id) this.#claim(id); // this tab has shown it before
    else this.#claim(id, () => { this.#id = null; });
    sessionStorage.setItem(Drafts.#OPEN, id);
  }

  deleteAll() {
    for (const { id } of this.all) this.#delete(id);
    this.leave();
  }

  // The program that this tab last showed, or else the latest one.
  get last() {
    const all = this.all;
    try {
      const open = sessionStorage.getItem(Drafts.#OPEN);
      return all.find(({ id }) => id === open) ?? all[0];
    } catch {
      return undefined;
    }
  }

  // The one that is open, if it has been changed.
  get current() {
    return this.all.find(({ id }) => id === this.#id);
  }

  // From the latest change to the first, without those that are damaged.
  get all() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(Drafts.#PREFIX));
      return keys.map(read).filter(Boolean).sort((one, other) => other.changed - one.changed);
    } catch {
      return [];
    }

    function read(key) {
      try {
        const kept = JSON.parse(localStorage.getItem(key));
        const { code, stdin = "", tests = [], files = [], collect = [], name = "", changed = 0 } = kept;
        for (const list of [tests, files]) checkObjects("", list, Infinity);
        if (typeof code !== "string" || !Array.isArray(collect)) return null;
        return { code, stdin, tests, files, collect, name, changed, id: key.slice(Drafts.#PREFIX.length) };
      } catch {
        return null;
      }
    }
  }

  #write(kept) {
    try {
      localStorage.setItem(Drafts.#PREFIX + this.#id, kept);
      return true;
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      return false;
    }
  }

  // Holds the key until the tab is closed. If another tab does, too, and this one still shows the program, calls
  // `onShared`: the event that tells that tab of a change here would come too late if it is reloaded at that moment.
  async #claim(id, onShared = () => {}) {
    if (!navigator.locks || this.#claimed.has(id)) return; // over plain HTTP there are no locks
    this.#claimed.add(id);
    const name = Drafts.#PREFIX + id;
    const { held } = await navigator.locks.query();
    if (this.#id === id && held.some((lock) => lock.name === name)) onShared();
    navigator.locks.request(name, { mode: "shared" }, () => new Promise(() => {}));
  }

  #delete(id) {
    localStorage.removeItem(Drafts.#PREFIX + id);
  }
}
