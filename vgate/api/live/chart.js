// Lines over the last minutes. The picture is SVG; all words beside it are text of the page.
const WIDTH = 300;
const HEIGHT = 100;

const make = (name, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

const drawn = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

// The next of 1, 2, 5, 10, 20, ...
const roundUp = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value * 0.999) * power;
};

class Chart {
  constructor(box, history) {
    this.box = box;
    this.history = history;
    this.as = box.dataset.as;
    this.least = Number(box.dataset.most) || (this.as === "count" || this.as === "rate" ? 4 : 0.001);
    this.fixed = Boolean(box.dataset.most);
    this.svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.most = make("span", "most");
    this.since = make("span", "since");
    this.key = make("p", "key");
    this.lines = this.parse(box.dataset.lines);
    this.rule = drawn("path", { class: "rule" });
    this.svg.append(drawn("path", { class: "grid", d: `M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}` }), this.rule);
    this.lines.forEach((line) => this.svg.append(line.path));
    const picture = make("div", "picture");
    picture.append(this.svg, this.most, this.since);
    box.append(picture, this.key);
    picture.addEventListener("pointermove", (event) => this.point(event.offsetX / picture.clientWidth));
    picture.addEventListener("pointerleave", () => this.point(null));
  }

  // "path:words path:words"; words may hold blanks.
  parse(text) {
    return text.split(/ (?=[\w.]+:)/).map((part, index) => {
      const [path, words] = part.split(":");
      const entry = make("span", `line s${index + 1}`);
      const value = make("b");
      entry.append(make("i"), `${words} `, value);
      this.key.append(entry);
      return { of: path, words, value, path: drawn("path", { class: `s${index + 1}` }) };
    });
  }

  draw() {
    this.span = this.history.span;
    const parts = this.lines.map((line) => this.history.parts(line.of));
    const highest = Math.max(this.least, ...parts.flat(2).map(([, value]) => value));
    this.top = this.fixed ? this.least : roundUp(highest);
    this.lines.forEach((line, index) => line.path.setAttribute("d", parts[index].map((part) => this.trace(part)).join("")));
    this.tell();
  }

  trace(part) {
    const begin = this.history.now - this.span;
    const points = part.map(([second, value]) => {
      const x = Math.max(0, ((second - begin) / this.span) * WIDTH);
      return `${x.toFixed(1)} ${(3 + (HEIGHT - 6) * (1 - Math.min(1, value / this.top))).toFixed(1)}`;
    });
    return `M${points.join("L")}${points.length === 1 ? "h.5" : ""}`;
  }

  // Where the pointer is, as a share of the width; null: nowhere, and the newest values are told.
  point(share) {
    this.share = share;
    this.tell();
  }

  tell() {
    const now = Math.floor(this.history.now);
    const pointed = this.share !== null && this.share !== undefined;
    const ago = pointed ? Math.round(this.span * (1 - this.share)) : 0;
    this.rule.setAttribute("d", pointed ? `M${this.share * WIDTH} 0V${HEIGHT}` : "");
    this.box.classList.toggle("pointed", pointed);
    const told = this.lines.map((line) => {
      // Of the second that is still going on not all is known.
      const second = now - ago - (line.of === "each_second" && ago === 0 ? 1 : 0);
      line.value.textContent = said(this.history.at(line.of, second), this.as);
      return `${line.words} ${line.value.textContent}`;
    });
    this.most.textContent = said(this.top, this.as);
    this.since.textContent = `${duration(pointed ? ago : this.span)} ago`;
    this.svg.setAttribute("aria-label", `Last ${duration(this.span)}; now ${told.join(", ")}; scale to ${said(this.top, this.as)}`);
  }
}
