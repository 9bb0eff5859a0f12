// Drawing: a picture on a canvas, predictions as bars, numbers as curves.
const SVG = "http://www.w3.org/2000/svg";

function element(name, parent, attributes = {}, text = "") {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent?.append(node);
  return node;
}

// `stretch` leaves a faint picture with its contrast stretched, as it was sent.
async function paint(canvas, still, stretch) {
  const bitmap = await (still.bitmap ?? createImageBitmap(still.blob));
  still.bitmap = null; // kept compressed: a film of them would fill the memory
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = canvas.getContext("2d");
  const { low, high } = stretch ? { low: 0, high: 1 } : still;
  const grey = Math.round(255 * low);
  context.globalCompositeOperation = "source-over";
  context.globalAlpha = 1;
  context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = low ? "lighter" : "source-over";
  context.globalAlpha = high - low;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

// `before` has predictions that a line marks in each bar: what was there at first.
function bars(list, predictions, before) {
  while (list.children.length < 5) {
    const row = element("li", list);
    element("span", row, { class: "name" });
    element("span", row, { class: "share" });
    const bar = element("b", row);
    element("i", bar);
    element("u", bar, { hidden: "" });
  }
  const first = new Map([...before].reverse()); // of two classes of one name, the more probable
  [...list.children].forEach((row, k) => {
    const [label, share] = predictions[k] ?? ["", 0];
    row.children[0].textContent = label;
    row.children[1].textContent = label ? percent(share) : "";
    row.querySelector("i").style.transform = `scaleX(${share})`;
    const mark = row.querySelector("u"), was = first.get(label);
    mark.hidden = was === undefined;
    mark.style.left = `${100 * (was ?? 0)}%`;
    row.title = was === undefined ? label : `${label}: ${percent(was)} at first`;
  });
}

function short(value, share) {
  if (value === null || value === undefined) return "";
  if (share) return percent(value);
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 10000)) return value.toExponential(1);
  return String(+value.toPrecision(3));
}

// Values without the few that stand far out, a first step's say: they would flatten all others.
function usual(values) {
  const cut = Math.floor(values.length / 50);
  return [...values].sort((a, b) => a - b).slice(cut, values.length - cut);
}

// One figure of lines over the steps: the whole of them, and a mark at the frame that is shown.
class Curve {
  constructor(parent, curve, colours) {
    this.curve = curve;
    const figure = element("div", parent, { class: "curve" });
    const head = element("div", figure, { class: "legend" });
    element("span", head, { class: "title" }, curve.title);
    this.values = curve.lines.map((line, k) => {
      const entry = element("span", head);
      element("i", entry, { style: `background:${colours[k]}` });
      if (curve.lines.length > 1) entry.append(`${line.name} `);
      return element("span", entry, { class: "value" });
    });
    const box = element("div", figure, { class: "box" });
    this.top = element("span", box, { class: "top" });
    this.bottom = element("span", box, { class: "bottom" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 1000 100");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("aria-hidden", "true");
    box.append(this.svg);
    this.paths = curve.lines.map((_, k) => this.path(colours[k], 2.5));
    this.mark = this.path("currentColor", 1);
    this.mark.setAttribute("opacity", "0.5");
    const axis = element("div", figure, { class: "axis" });
    element("span", axis, {}, "0");
    this.unit = element("span", axis);
    this.end = element("span", axis);
  }

  path(colour, width) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", colour);
    path.setAttribute("stroke-width", width);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    this.svg.append(path);
    return path;
  }

  x(at) {
    return ((1000 * at) / this.most).toFixed(1);
  }

  grow(shown, header) {
    const { share, lines } = this.curve;
    const points = lines.map((line) =>
      shown[line.track].frames
        .filter((frame) => Number.isFinite(frame.values[line.value] ?? NaN))
        .map((frame) => [frame.at, frame.values[line.value]]),
    );
    const all = points.flat();
    this.most = Math.max(header.steps, 1, ...all.slice(-1).map(([at]) => at));
    const values = share ? [0, 1] : usual(all.map(([, value]) => value));
    let low = Infinity, high = -Infinity;
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (!(high > low)) [low, high] = [(low || 0) - 0.5, (low || 0) + 0.5];
    this.top.textContent = all.length || share ? short(high, share).replace(".0 %", " %") : "";
    this.bottom.textContent = all.length || share ? short(low, share).replace(".0 %", " %") : "";
    this.unit.textContent = header.unit;
    this.end.textContent = this.most;
    points.forEach((line, k) => {
      const down = (y) => Math.max(0, Math.min(100, 97 - (94 * (y - low)) / (high - low)));
      const at = line.map(([x, y]) => `${this.x(x)} ${down(y).toFixed(1)}`);
      this.paths[k].setAttribute("d", at.length ? `M${at.join("L")}` : "");
    });
  }

  point(shown, index) {
    this.curve.lines.forEach((line, k) => {
      const frame = shown[line.track].frames[Math.min(index, shown[line.track].frames.length - 1)];
      this.values[k].textContent = frame ? short(frame.values[line.value], this.curve.share) : "";
      if (k === 0) this.mark.setAttribute("d", frame ? `M${this.x(frame.at)} 0V100` : "");
    });
  }
}
