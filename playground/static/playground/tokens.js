"use strict";

// Gives the runner its tokens. One lasts some minutes and is kept only in memory.
class Tokens {
  #address;
  #csrf;
  #token = "";
  #ends = 0;

  constructor({ token, csrf }) {
    this.#address = token;
    this.#csrf = csrf;
  }

  async current() {
    if (Date.now() > this.#ends) {
      let response = await this.#request();
      // Perhaps somebody has logged in again in another tab: then only this page's CSRF token is old.
      if (response.status === 403) {
        this.#csrf = await currentCsrf();
        response = await this.#request();
      }
      const { token, lifetime_seconds: seconds } = await (await checked(response)).json();
      this.#token = token;
      this.#ends = Date.now() + (seconds - 30) * 1000;
    }
    return this.#token;
  }

  #request() {
    return connected(fetch(this.#address, { method: "POST", headers: { "X-CSRFToken": this.#csrf } }));
  }
}

// A browser's own words, such as "Failed to fetch", help nobody.
function connected(response) {
  return response.catch(() => {
    throw new Error("The connection was lost. Check your internet connection.");
  });
}

// Loads this page again for its CSRF token. Without a session it redirects to the login.
async function currentCsrf() {
  const page = await checked(await connected(fetch(location.pathname)));
  if (!page.redirected) return new DOMParser().parseFromString(await page.text(), "text/html").body.dataset.csrf;
  const offer = { text: "Log in", address: page.url, rest: ": your program is kept." };
  throw Object.assign(new Error("You were logged out."), { offer });
}

async function checked(response) {
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail ?? `The service cannot be reached right now (error ${response.status}). Your program is kept.`);
}
