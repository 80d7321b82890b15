"use strict";

// Makes an element. Its text is never read as HTML.
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
