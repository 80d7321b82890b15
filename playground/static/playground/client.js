"use strict";

const BUSY_SECONDS = 4; // if the answer does not say how long to wait

// Calls the service as any other page does: with a token that lasts some minutes and is kept only in memory.
class Refused extends Error {}

// Nothing has run, and the same request may succeed after some seconds.
class Busy extends Refused {
  constructor(sentence, seconds) {
    super(sentence);
    this.seconds = seconds;
  }
}

// The session has ended: `login` is the address of the login page, which leads back here.
class LoggedOut extends Refused {
  constructor(login) {
    super("You were logged out.");
    this.login = login;
  }
}

class ExecutionClient {
  #addresses;
  #token = "";
  #ends = 0;

  constructor(addresses) {
    this.#addresses = addresses;
  }

  // Starts a program and returns its events, each as [name, data]. docs/live.md lists them.
  async execute(body, signal) {
    return readEvents(await this.#post(this.#addresses.execute, body, { Accept: "text/event-stream" }, signal));
  }

  async answer(execution, body) {
    await this.#post(`/executions/${execution}/input`, body, {});
  }

  async #post(address, body, headers, signal) {
    headers = { "Content-Type": "application/json", "X-API-Key": await this.#current(), ...headers };
    return checked(await fetch(address, { method: "POST", headers, signal, body: JSON.stringify(body), credentials: "omit" }));
  }

  async #current() {
    if (Date.now() > this.#ends) {
      let response = await this.#requestToken();
      // Perhaps somebody has logged in again in another tab: then only this page's CSRF token is old.
      if (response.status === 403) {
        this.#addresses.csrf = await currentCsrf();
        response = await this.#requestToken();
      }
      const { token, lifetime_seconds: seconds } = await (await checked(response)).json();
      this.#token = token;
      this.#ends = Date.now() + (seconds - 30) * 1000;
    }
    return this.#token;
  }

  #requestToken() {
    return fetch(this.#addresses.token, { method: "POST", headers: { "X-CSRFToken": this.#addresses.csrf } });
  }
}

// Loads this page again for its CSRF token. Without a session it redirects to the login.
async function currentCsrf() {
  const page = await checked(await fetch(location.pathname));
  if (page.redirected) throw new LoggedOut(page.url);
  return new DOMParser().parseFromString(await page.text(), "text/html").body.dataset.csrf;
}

async function checked(response) {
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  const sentence = detail ?? `The service cannot be reached right now (error ${response.status}).`;
  const seconds = Number(response.headers.get("Retry-After")) || BUSY_SECONDS;
  throw [429, 502, 503].includes(response.status) ? new Busy(sentence, seconds) : new Refused(sentence);
}

async function* readEvents(response) {
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text += value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: (.*)\ndata: (.*)$/) ?? [];
      if (name) yield [name, JSON.parse(data)];
    }
  }
}
