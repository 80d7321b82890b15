"use strict";

const KNOWN = ["code", "input_data", "test_cases", "files", "collect", "locale"];
const TOO_LARGE = new Error("A number is too large.");

// The request that Run sends, as JSON: to copy it into a site, to change it, or to paste one.
class RequestDialog {
  #part;
  #text;
  #complaint;

  // `request` returns the request, and `use` gets the one that was written.
  constructor(part, { address, request, use, toast }) {
    const at = (name) => part.querySelector(`[name="${name}"]`);
    this.#part = part;
    this.#text = at("text");
    this.#complaint = part.querySelector(".complaint");
    const copy = async (text) => {
      try {
        await navigator.clipboard.writeText(text);
      } catch { // over http, or refused
        this.#say("This browser does not let the page copy: copy the text above yourself.");
        return;
      }
      part.close();
      toast.show("Request copied.");
    };
    this.show = () => {
      this.#say("");
      this.#text.value = JSON.stringify(request(), null, 2);
      part.showModal();
      this.#text.setSelectionRange(0, 0);
      this.#text.scrollTop = 0;
    };
    this.#text.addEventListener("input", () => this.#say(""));
    at("copy").addEventListener("click", () => copy(this.#text.value));
    at("curl").addEventListener("click", () => copy(asCurl(address, this.#text.value)));
    at("use").addEventListener("click", () => {
      try {
        use(this.#read(request()));
        part.close();
      } catch (error) {
        this.#say(error.message);
      }
    });
  }

  #read(shown) {
    let written;
    try {
      written = JSON.parse(this.#text.value, finite);
    } catch (error) {
      if (error === TOO_LARGE) throw error;
      throw new Error(`This is not JSON: ${error.message}`);
    }
    if (Array.isArray(written)) written = { ...shown, test_cases: written };
    if (typeof written !== "object" || written === null) throw new Error("Write a request, or a list of test cases.");
    const others = Object.keys(written).filter((name) => !KNOWN.includes(name));
    if (others.length) throw new Error(`The playground cannot send ${others.join(", ")}.`);
    const { code = shown.code, input_data: stdin, test_cases: tests, files, collect, locale } = written;
    return { ...programOf({ code, stdin, tests, files, collect }), locale };
  }

  #say(sentence) {
    this.#complaint.textContent = sentence;
    this.#text.ariaInvalid = sentence ? "true" : null;
  }
}

// A number such as 1e999 is infinite in JavaScript, which JSON cannot say.
function finite(_, value) {
  if (value === Infinity || value === -Infinity) throw TOO_LARGE;
  return value;
}

// JSON has no line breaks in its strings, so that no line of it can be the last one.
function asCurl(address, json) {
  const headers = `-H "X-API-Key: $API_KEY" -H "Content-Type: application/json"`;
  return `curl ${address}/execute ${headers} --data-binary @- <<'END'\n${json}\nEND\n`;
}
