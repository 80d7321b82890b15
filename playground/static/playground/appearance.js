"use strict";

// Font size, theme and the language of hints, remembered by the browser. Runs before the page is drawn, so that it never changes its looks.
const appearance = {
  SIZES: [80, 90, 100, 115, 130, 150, 175],
  size: 100,
  theme: "auto",
  locale: "en",

  apply() {
    document.documentElement.dataset.theme = this.theme;
    document.documentElement.style.fontSize = `${this.size}%`;
  },

  change(changes) {
    Object.assign(this, changes);
    this.apply();
    try {
      const { size, theme, locale } = this;
      localStorage.setItem("playground.appearance", JSON.stringify({ size, theme, locale }));
    } catch { /* this browser remembers nothing */ }
  },

  // Connects the controls.
  connect({ smaller, larger, size, themes, locales, runner }) {
    const show = () => {
      const at = this.SIZES.indexOf(this.size);
      smaller.disabled = at === 0;
      larger.disabled = at === this.SIZES.length - 1;
      size.textContent = `${this.size} %`;
      for (const theme of themes) theme.checked = theme.value === this.theme;
      for (const locale of locales) locale.checked = locale.value === this.locale;
      runner.setAttribute("locale", this.locale);
    };
    const step = (by) => {
      this.change({ size: this.SIZES[this.SIZES.indexOf(this.size) + by] });
      show();
    };
    smaller.addEventListener("click", () => step(-1));
    larger.addEventListener("click", () => step(1));
    for (const theme of themes) theme.addEventListener("change", () => this.change({ theme: theme.value }));
    for (const locale of locales) {
      locale.addEventListener("change", () => {
        this.change({ locale: locale.value });
        show();
      });
    }
    show();
  },
};

try {
  const { size, theme, locale } = JSON.parse(localStorage.getItem("playground.appearance")) ?? {};
  if (appearance.SIZES.includes(size)) appearance.size = size;
  if (["auto", "light", "dark"].includes(theme)) appearance.theme = theme;
  if (["en", "de", "es"].includes(locale)) appearance.locale = locale;
} catch { /* nothing is remembered */ }
appearance.apply();
