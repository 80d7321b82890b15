"use strict";

// Font size and theme, remembered by the browser. Runs before the page is drawn, so that it never changes its looks.
const appearance = {
  SIZES: [80, 90, 100, 115, 130, 150, 175],
  size: 100,
  theme: "auto",

  apply() {
    document.documentElement.dataset.theme = this.theme;
    document.documentElement.style.fontSize = `${this.size}%`;
  },

  change(changes) {
    Object.assign(this, changes);
    this.apply();
    try {
      localStorage.setItem("playground.appearance", JSON.stringify({ size: this.size, theme: this.theme }));
    } catch { /* this browser remembers nothing */ }
  },

  // Connects the controls.
  connect({ smaller, larger, size, themes }) {
    const show = () => {
      const at = this.SIZES.indexOf(this.size);
      smaller.disabled = at === 0;
      larger.disabled = at === this.SIZES.length - 1;
      size.textContent = `${this.size} %`;
      for (const theme of themes) theme.checked = theme.value === this.theme;
    };
    const step = (by) => {
      this.change({ size: this.SIZES[this.SIZES.indexOf(this.size) + by] });
      show();
    };
    smaller.addEventListener("click", () => step(-1));
    larger.addEventListener("click", () => step(1));
    for (const theme of themes) theme.addEventListener("change", () => this.change({ theme: theme.value }));
    show();
  },
};

try {
  const { size, theme } = JSON.parse(localStorage.getItem("playground.appearance")) ?? {};
  if (appearance.SIZES.includes(size)) appearance.size = size;
  if (["auto", "light", "dark"].includes(theme)) appearance.theme = theme;
} catch { /* nothing is remembered */ }
appearance.apply();
