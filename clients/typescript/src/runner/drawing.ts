/** What turtles draw while their program runs, on a canvas that the picture replaces at the end. */

import type { Stroke } from "../types.js";
import { element } from "./elements.js";

export class Drawing {
  readonly canvas = element("canvas");
  readonly #context = this.canvas.getContext("2d");

  constructor() {
    this.canvas.role = "img";
    this.canvas.ariaLabel = "What the program has drawn so far";
  }

  draw(strokes: Stroke[]): void {
    for (const stroke of strokes) if (this.#context) this.#draw(this.#context, stroke);
  }

  #draw(context: CanvasRenderingContext2D, { kind, color, width, points, text, align }: Stroke): void {
    const [x = 0, y = 0] = points;
    if (kind === "clear") [this.canvas.width, this.canvas.height] = [x, y];
    context.fillStyle = context.strokeStyle = color;
    context.lineWidth = Math.max(1, width);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    switch (kind) {
      case "clear":
        return context.fillRect(0, 0, x, y);
      case "line":
        trace(context, points);
        return context.stroke();
      case "area":
        trace(context, points);
        return context.fill("evenodd");
      case "dot":
        context.arc(x, y, width / 2, 0, 2 * Math.PI);
        return context.fill();
      case "text":
        context.font = `${width}px sans-serif`;
        context.textAlign = align;
        context.textBaseline = "bottom";
        context.fillText(text, x, y);
    }
  }
}

function trace(context: CanvasRenderingContext2D, points: number[]): void {
  for (let at = 0; at < points.length; at += 2) context.lineTo(points[at] ?? 0, points[at + 1] ?? 0);
}
