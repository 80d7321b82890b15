/** Makes elements. All text comes from a program or a page, so it is never read as HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  text = "",
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function button(className: string, text: string, onClick: () => void): HTMLButtonElement {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

/** Return a function that finds the parts of a shadow root by their ID. */
export function finder(root: ShadowRoot): <Part extends HTMLElement = HTMLElement>(id: string) => Part {
  return <Part extends HTMLElement>(id: string) => {
    const part = root.getElementById(id);
    if (part === null) throw new Error(`The template has no part ${id}.`);
    return part as Part;
  };
}
