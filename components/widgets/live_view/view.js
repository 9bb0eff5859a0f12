// A view on the page: it plays the frames as they come, evenly, and lets a person go through them.
const FILM_RATE = 30; // frames a second when a film is played
const CATCH_UP_RATE = 60; // the same of what is left when a run has ended, or was changed
const LEAD_IN = 3; // frames shown before the newest one when something was changed
const MOST_LATE = 1000; // ms by which messages may come late before fewer pictures are asked for
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

class View {
  constructor(root, colours, send) {
    this.root = root;
    this.colours = colours;
    this.send = send;
    this.layout = "";
    this.head = 0; // the frame that is shown; a fraction on the way to the next one
    this.painted = -1;
    this.drawn = 0; // frames that were painted one after the other since the run began
    this.following = true; // the newest frame; false once a person has chosen one
    this.playing = false; // the film, after its end
    this.interval = 250; // ms between two messages, a running mean
    this.find = (name) => root.querySelector(name);
    this.find(".live").style.setProperty("--bar", colours[0]);
    this.timeline = this.find(".timeline");
    this.timeline.oninput = () => this.seek(+this.timeline.value);
    this.find(".play").onclick = () => this.toggle();
    this.find(".pixels").onchange = (event) =>
      this.find(".live").classList.toggle("sharp", event.target.checked);
    this.find(".stretched").onchange = () => this.show(true);
    this.find(".again").onclick = () => this.send("again", this.frame(0)?.at ?? 0);
  }

  receive(header, missing) {
    const before = this.header;
    this.header = header;
    if (before?.ended && !header.ended) {
      Object.assign(this, { following: true, playing: false, speeds: [] }); // it goes on
    }
    const names = header.tracks.map((track) => track.film).join();
    if (names !== this.names) {
      Object.assign(this, { names, head: 0, painted: -1, drawn: 0, hurried: 0 });
      Object.assign(this, { following: true, playing: false, speeds: [], delays: [], arrivals: [] });
      this.find(".live").dataset.drawn = 0;
    }
    this.films = header.tracks.map((track) => filmOf(track.film));
    this.build();
    this.incomplete = Object.keys(missing).length > 0;
    if (this.incomplete) this.send("missing", missing);
    this.measure(before);
    this.curves.forEach((curve) => curve.grow(this.films, header));
    this.write();
    this.show(this.atEnd || this.painted < 0);
    this.tick();
  }

  get count() {
    return Math.max(...this.films.map((film) => film.frames.length));
  }

  // With reduced motion, of a film that moves every tenth frame; each where it stands.
  get index() {
    const at = Math.min(Math.floor(this.head), this.count - 1);
    const { following, playing, header, head } = this;
    const moves = playing || (following && (header.state === "running" || head < this.count - 1));
    return reducedMotion.matches && moves ? at - Math.max(at % 10, 0) : at;
  }

  frame(track) {
    const { frames } = this.films[track];
    return frames[Math.min(this.index, frames.length - 1)];
  }

  get atEnd() {
    return this.header.ended && this.index === this.count - 1;
  }

  // Panes and curves are made anew only where others are asked for, so nothing moves meanwhile.
  build() {
    const { panes, curves, single } = this.header;
    const layout = JSON.stringify([panes.map((pane) => pane.kind), curves, single]);
    if (layout === this.layout) return;
    this.layout = layout;
    const sharp = this.find(".pixels").checked;
    this.find(".live").className = "live";
    this.find(".live").classList.toggle("single", single);
    this.find(".live").classList.toggle("two", panes.length === 2);
    this.find(".live").classList.toggle("sharp", sharp);
    this.panes = panes.map((pane) => this.pane(pane));
    this.find(".panes").replaceChildren(...this.panes.map((pane) => pane.node));
    this.find(".stage").hidden = !panes.length;
    this.find(".bars").hidden = !single;
    this.find(".curves").replaceChildren();
    this.curves = curves.map((curve) => new Curve(this.find(".curves"), curve, this.colours));
  }

  pane({ kind }) {
    const node = document.createElement("figure");
    const box = element("div", node, { class: "picture" });
    const canvas = element("canvas", box, { role: "img", width: 1, height: 1 });
    const pane = { node, canvas };
    if (kind === "wipe") {
      pane.over = element("canvas", box, { role: "img", width: 1, height: 1, class: "over" });
      const line = element("i", box);
      const wipe = element("input", box, {
        type: "range", min: 0, max: 100, step: 0.5, value: 50, "aria-label": "Before and after",
      });
      wipe.oninput = () => {
        pane.over.style.clipPath = `inset(0 ${100 - wipe.value}% 0 0)`;
        line.style.left = `${wipe.value}%`;
      };
      wipe.oninput();
    }
    pane.caption = element("figcaption", node);
    return pane;
  }

  measure(before) {
    const { header } = this;
    if (before?.received) {
      const gap = Math.min(Math.max(header.received - before.received, 50), 2500);
      this.interval += 0.4 * (gap - this.interval);
    }
    const made = Math.max(...this.films.map((film) => film.frames.at(-1)?.at ?? 0)); // steps
    const speeds = header.state === "running" ? this.speeds : []; // a pause is no speed
    if (made) this.speeds = [...speeds, [header.received, made]].slice(-12);
    if (header.hurry) this.hurried = this.count - 1; // fast up to here, whatever comes meanwhile
    if (header.hurry && this.following) this.head = Math.max(this.head, this.hurried - LEAD_IN);
    this.rate = Math.max((1000 * (this.count - 1 - this.head)) / this.interval, 1);
    this.arrivals = [...this.arrivals, header.bytes].slice(-5);
    this.delays = [...this.delays, header.received - header.sent].slice(-200);
    const late = Math.round(this.delays.at(-1) - Math.min(...this.delays));
    this.find(".live").dataset.late = late;
    if (late > MOST_LATE && header.state === "running" && header.received - (this.told ?? -9999) > 2000) {
      this.told = header.received;
      const arrive = this.arrivals.reduce((sum, bytes) => sum + bytes, 0) / this.arrivals.length;
      this.send("slow", Math.round((700 * arrive) / this.interval)); // less, so that it catches up
    }
  }

  // Sleeps until the next frame is due, and altogether where there is none: a browser that is
  // asked for each refresh takes from the engine what they share of the machine.
  tick() {
    const moves = this.playing || (this.following && this.head < this.count - 1);
    if (!moves || !this.root.isConnected) this.clock = null;
    if (!moves || this.ticking || !this.root.isConnected) return;
    this.ticking = true;
    this.clock ??= performance.now();
    const due = this.clock + (1000 * (1 - (this.head % 1))) / this.pace - performance.now();
    const step = async () => {
      const now = performance.now();
      this.advance(now - this.clock);
      this.clock = now;
      await this.show();
      this.ticking = false;
      this.tick();
    };
    if (due < 17) requestAnimationFrame(step);
    else setTimeout(() => requestAnimationFrame(step), due - 8);
  }

  // Frames a second: as they come, or as a film.
  get pace() {
    if (this.playing) return FILM_RATE;
    const steady = this.header.state === "running" && this.head >= this.hurried;
    return steady ? this.rate : Math.max(this.rate, CATCH_UP_RATE);
  }

  // At most one frame a refresh, so that each is seen; more only where very many wait.
  advance(passed) {
    const end = this.count - 1;
    const step = (this.pace * passed) / 1000;
    if (this.playing) this.head = this.head + step >= end + 1 ? 0 : this.head + step;
    else if (this.following) {
      const most = Math.max(1, (end - this.head) / 120);
      this.head = Math.min(this.head + Math.min(step, most), end);
    }
  }

  async show(force = false) {
    const { index } = this;
    if (this.busy) this.repaint = true; // another frame, once this one is painted
    if ((index === this.painted && !force) || this.busy) return;
    this.busy = true;
    const stretch = this.header.faint && this.find(".stretched").checked;
    await Promise.all(this.panes.map((pane, k) => this.fill(pane, this.header.panes[k], stretch)));
    if (this.following || this.playing) this.prepare(index + 1);
    this.busy = false;
    if (index === this.painted + 1) this.find(".live").dataset.drawn = ++this.drawn;
    this.painted = index;
    this.write();
    if (!this.repaint) return;
    this.repaint = false;
    await this.show();
  }

  // Decodes the next frame's pictures while there is time.
  prepare(index) {
    for (const { track, still } of this.header.panes) {
      const next = this.films[track].frames[index]?.stills[still];
      if (next) next.bitmap ??= createImageBitmap(next.blob);
    }
  }

  async fill(pane, { track, still, before, caption, label, said }, stretch) {
    const film = this.films[track];
    const frame = this.frame(track);
    const exact = this.atEnd && !stretch && film.exact; // as it is, not as it is easiest to see
    const stills = exact || (frame ? frame.stills : film.start);
    if (stills?.[still]) await paint(pane.canvas, stills[still], stretch);
    const [top, share] = frame?.predictions[0] ?? ["", 0];
    const answer = frame && said ? `${top} ${percent(share)}` : "";
    pane.caption.textContent = [caption, answer].filter(Boolean).join(": ");
    const step = frame ? `, ${this.header.unit} ${frame.at}` : "";
    pane.canvas.setAttribute("aria-label", `${label || caption}${step}${answer && `: ${answer}`}`);
    if (pane.over && film.start && pane.film !== film) {
      pane.film = film; // it stands still, and is painted once
      await paint(pane.over, film.start[0], false);
      pane.over.setAttribute("aria-label", before);
    }
  }

  seek(index) {
    this.following = this.playing = false;
    this.head = Math.min(index, this.count - 1);
    this.show();
    this.write();
  }

  toggle() {
    const { ended } = this.header;
    if (this.playing || (this.following && !ended)) this.seek(this.index);
    else if (ended) {
      if (this.atEnd) this.head = 0;
      Object.assign(this, { playing: true, following: false });
    } else this.following = true;
    this.write();
    this.tick();
  }

  write() {
    const { header, films } = this;
    const frame = films.length ? this.frame(0) : undefined;
    const behind = this.incomplete || (this.following && this.index < this.count - 1);
    const at = frame ? frame.at : 0;
    const counted = frame && header.steps ? `${header.unit} ${at} of ${header.steps}, ` : "";
    const status = header.waiting || counted + (frame && behind ? "running" : header.state);
    const said = header.panes.length ? status : ""; // else it is said elsewhere
    this.find(".status").textContent = said;
    const announcement = said && header.state && `Run: ${header.state}.`;
    if (header.state !== this.announced) this.find(".announced").textContent = announcement;
    this.announced = header.state;
    this.find(".speed").textContent = header.state === "running" ? this.speed() : "";
    const verdict = this.find(".verdict"); // of the result, while its last frames are played
    if (verdict.textContent !== header.verdict.text) verdict.textContent = header.verdict.text;
    verdict.className = `verdict ${header.verdict.tone}`;
    const last = films[0]?.frames.at(-1);
    const sparse = header.ended && last?.at > this.count; // not every step is a frame
    this.timeline.max = sparse ? this.count - 1 : Math.max(header.steps, this.count - 1, 1);
    this.timeline.value = Math.max(this.index, 0);
    this.timeline.disabled = this.count < 2;
    this.timeline.setAttribute("aria-valuetext", frame ? `${header.unit} ${at}` : "not started");
    const moving = this.playing || (this.following && header.state && !header.ended);
    this.find(".play").textContent = moving ? "❚❚" : "▶";
    this.find(".play").disabled = this.count < 2;
    this.find(".play").setAttribute("aria-label", moving ? "Pause the film" : "Play the film");
    this.find(".again").hidden = !(header.again && !this.following && !this.atEnd && frame);
    this.find(".stretch").hidden = !header.faint;
    if (header.single) {
      this.find(".marked").hidden = !header.first.length;
      this.find(".marked").style.visibility = frame ? "visible" : "hidden"; // it keeps its place
      const before = frame ? header.first : [];
      bars(this.find(".bars"), frame ? frame.predictions : header.first, before);
    }
    if (this.count) this.curves.forEach((curve) => curve.point(films, Math.max(this.index, 0)));
    this.find(".live").dataset.frames = this.count;
    this.find(".live").dataset.shown = this.index;
  }

  speed() {
    const [[began, had] = [], [now, has] = []] = [this.speeds[0], this.speeds.at(-1)];
    const speed = (1000 * (has - had)) / (now - began);
    if (!(speed > 0) || now - began < 800) return ""; // too early to tell
    const left = Math.max(0, Math.ceil((this.header.steps - has) / speed));
    return `${speed.toFixed(speed < 10 ? 1 : 0)} ${this.header.unit}s a second, ${left} s left`;
  }
}

export default function ({ data: { key, colours }, parentElement, setTriggerValue }) {
  let view = views.get(key);
  if (view?.root !== parentElement) {
    view = new View(parentElement, colours, (name, value) => view.trigger(name, value));
    views.set(key, view);
  }
  view.trigger = setTriggerValue;
  if (headers.has(key) && !view.header) {
    view.receive(headers.get(key), {}); // opened again: it has been seen up to here
    view.head = Math.max(view.count - 1, 0);
  }
  return () => {
    if (views.get(key) === view && !parentElement.isConnected) views.delete(key);
  };
}
