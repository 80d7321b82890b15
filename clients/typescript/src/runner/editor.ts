/** The editor: code in and out, and one error marked on its line. */

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap,
  lineNumbers, WidgetType,
} from "@codemirror/view";
import type { DecorationSet } from "@codemirror/view";
import type { Text } from "@codemirror/state";
import { tags } from "@lezer/highlight";
import type { ErrorDetail } from "../types.js";
import { titleOf } from "./results.js";

// The element's style sheet defines the colours, light and dark.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: "var(--code-function)" },
  { tag: [tags.meta, tags.self], color: "var(--code-meta)" },
]);

class ErrorNote extends WidgetType {
  constructor(readonly detail: ErrorDetail) {
    super();
  }

  override toDOM(): HTMLElement {
    const note = document.createElement("div");
    note.className = "error-note";
    const what = document.createElement("strong");
    what.textContent = titleOf(this.detail);
    note.append(what, ` ${this.detail.hint ?? this.detail.message}`);
    return note;
  }
}

const mark = StateEffect.define<ErrorDetail | null>();
const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(mark)) return effect.value ? marksOf(transaction.state.doc, effect.value) : Decoration.none;
    }
    return transaction.docChanged ? Decoration.none : shown;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Columns count code points, the editor UTF-16 units.
function offset(text: string, column: number): number {
  return [...text].slice(0, column - 1).join("").length;
}

function marksOf(doc: Text, detail: ErrorDetail): DecorationSet {
  if (!detail.line || detail.line > doc.lines) return Decoration.none;
  const line = doc.line(detail.line);
  const found = [Decoration.line({ class: "error-line" }).range(line.from)];
  if (detail.column && detail.end_column && detail.end_column > detail.column) {
    const from = line.from + offset(line.text, detail.column);
    const to = Math.min(line.from + offset(line.text, detail.end_column), line.to);
    if (from < to) found.push(Decoration.mark({ class: "error-part" }).range(from, to));
  }
  found.push(Decoration.widget({ widget: new ErrorNote(detail), block: true, side: 1 }).range(line.to));
  return Decoration.set(found);
}

const stepTo = StateEffect.define<number | null>();
const stepLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    const { doc } = transaction.state;
    for (const effect of transaction.effects) {
      if (!effect.is(stepTo)) continue;
      const line = effect.value;
      if (!line || line > doc.lines) return Decoration.none;
      return Decoration.set(Decoration.line({ class: "step-line" }).range(doc.line(line).from));
    }
    return transaction.docChanged ? Decoration.none : shown;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// When text replaces a selection, browsers add a style attribute, which the page's policy refuses.
const typeOverSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (event.inputType !== "insertText" || !text || empty || view.composing) return false;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    const isTaken = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert));
    if (!isTaken) view.dispatch(insert());
    return true;
  },
});

export interface EditorOptions {
  parent: HTMLElement;
  /** Where the editor puts its style sheets: in a shadow root it needs no style elements. */
  root: ShadowRoot;
  label: string;
  describedBy: string;
  onRun: () => void;
  onChange: () => void;
}

export interface Editor {
  code: () => string;
  setCode: (code: string) => void;
  /** Mark where the error is; null removes the mark. */
  markError: (detail: ErrorDetail | null) => void;
  goTo: (line: number) => void;
  /** Show that the program is on this line; null shows nothing. */
  showStep: (line: number | null) => void;
  /** Release what the editor holds outside its element, such as listeners of the window, until `resume()`. */
  suspend: () => void;
  resume: () => void;
}

export function createEditor({ parent, root, label, describedBy, onRun, onChange }: EditorOptions): Editor {
  const run = (): boolean => {
    onRun();
    return true;
  };
  const extensions = [
    Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
    lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), highlightSpecialChars(),
    history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
    python(), indentUnit.of("    "), EditorState.tabSize.of(4),
    syntaxHighlighting(colours), marks, stepLine, typeOverSelection,
    EditorView.updateListener.of(({ docChanged }) => docChanged && onChange()),
    // The keyboard reaches the editor anyway, but not all accessibility checkers know.
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-describedby": describedBy }),
  ];
  let view = new EditorView({ parent, root, state: EditorState.create({ extensions }) });
  let isSuspended = false;
  return {
    code: () => view.state.doc.toString(),
    // An ordinary change, so that Ctrl+Z restores the previous code.
    setCode(code) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: code }, selection: { anchor: 0 } });
    },
    markError: (detail) => view.dispatch({ effects: mark.of(detail) }),
    showStep(line) {
      const { doc } = view.state;
      const at = line && line <= doc.lines ? [EditorView.scrollIntoView(doc.line(line).from, { y: "nearest" })] : [];
      view.dispatch({ effects: [stepTo.of(line), ...at] });
    },
    goTo(number) {
      const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
      view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
      view.focus();
    },
    suspend() {
      isSuspended = true;
      view.destroy();
    },
    resume() {
      if (!isSuspended) return;
      isSuspended = false;
      view = new EditorView({ parent, root, state: view.state });
    },
  };
}
