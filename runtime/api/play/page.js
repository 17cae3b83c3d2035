"use strict";
// The page of `netc play`: asks the server for moves, and draws what comes back. Nothing trains while nothing is asked.

const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c564b", "#f0e442", "#7f7f7f", "#000000"];
const PARTS = { train: "#0072b2", validation: "#e69f00", test: "#d55e00" };
const INK = "#1d2733", FAINT = "#8a99a5", LINES = "#e3e9ee";
const FONT = '13px system-ui, "DejaVu Sans", sans-serif';
const at = (id) => document.getElementById(id);
let setup = null, frame = null, running = false, paths = [], asking = Promise.resolve();

// -- asking: one question after the other ---------------------------------------------------------

function ask(what, given) {
  asking = asking.then(async () => {
    let answer;
    try {
      const options = given && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
      const response = await fetch(what, options || {});
      const text = await response.text();
      answer = text.startsWith("{") ? JSON.parse(text) : { refused: text };
    } catch {
      running = false;
      answer = { refused: "netc play does not answer: it has ended, or the machine is gone" };
    }
    if (what === "reset" && !answer.refused) paths = [];
    take(answer);
  });
  return asking;
}

function take(answer) {
  if (answer.setup) { setup = answer.setup; about(); }
  if (answer.frame) frame = answer.frame;
  const said = answer.refused || (answer.frame && answer.frame.said) || "";
  if (said || !running) {
    at("refused").textContent = said;
    at("refused").hidden = !said;
    at("refused").className = answer.refused ? "" : "note";
  }
  if (!frame) return;
  if (frame.ended || frame.step === setup.total) running = false;
  if (frame.picture.theta) frame.picture.theta.forEach((place, run) => {
    if (frame.step === 0) paths[run] = [];
    (paths[run] = paths[run] || []).push(place);
  });
  sliders();
  show();
}

async function run() {
  running = !running && !frame.ended;
  at("run").textContent = running ? "Pause" : "Run";
  while (running) {
    await ask("go", { steps: Number(at("speed").value) });
    await new Promise(requestAnimationFrame);
  }
  at("run").textContent = "Run";
}

// -- words and sliders ----------------------------------------------------------------------------

function short(x) {
  if (x === null || x === undefined) return "not finite";
  const plain = Math.abs(x) >= 1e-4 && Math.abs(x) < 1e6 || x === 0;
  return plain ? String(Number(x.toPrecision(4))) : x.toExponential(3).replace(/\.?0*e\+?/, "e");
}

function about() {
  at("file").textContent = setup.file.split(/[\\/]/).pop();
  const samples = Object.entries(setup.samples).map(([part, count]) => `${count} ${part}`).join(", ");
  const runs = setup.runs > 1 && `${setup.shown === 1 ? "the first" : setup.shown} of ${setup.runs} runs`;
  const words = [setup.network, `${setup.parameters} parameter${setup.parameters === 1 ? "" : "s"}`, samples && `samples: ${samples}`, setup.loss,
                 setup.batch !== "full" && `batches of ${setup.batch}`, runs];
  at("about").textContent = words.filter(Boolean).join("  ·  ");
  at("rule").textContent = setup.rule;
  if (setup.equations.html) at("equations").innerHTML = setup.equations.html;
  else at("equations").replaceChildren(Object.assign(document.createElement("pre"), { textContent: setup.equations.text }));
  if (document.activeElement !== at("seed")) at("seed").value = setup.seed;
  if (!at("speed").length) speeds();
}

function speeds() {
  const choices = [...new Set([1, 10, 100, 1000, setup.per_epoch])].sort((a, b) => a - b);
  for (const n of choices) {
    const text = n === setup.per_epoch && n > 1 ? `${n} (an epoch)` : String(n);
    at("speed").append(new Option(text, n));
  }
  at("speed").value = choices.find((n) => n * 150 >= setup.total) || choices[choices.length - 1];
}

const where = (m, x) => m.logarithmic ? Math.log(x / m.low) / Math.log(m.high / m.low) : (x - m.low) / (m.high - m.low);
/** Of a place from 0 to 1 on a scale, to three digits, which must not lead beyond its ends. */
function number(m, t) {
  const exact = m.logarithmic ? m.low * (m.high / m.low) ** t : m.low + (m.high - m.low) * t;
  return Math.min(Math.max(Number(exact.toPrecision(3)), m.low), m.high);
}

function sliders() {
  const names = frame.numbers.map((m) => m.name).join();
  if (at("sliders").dataset.names !== names) {
    at("sliders").dataset.names = names;
    at("sliders").replaceChildren(...frame.numbers.map(slider));
  }
  frame.numbers.forEach((m, i) => {
    const box = at("sliders").children[i], [range, exact] = box.querySelectorAll("input");
    // The scale stays where it began, so that a number can be moved back.
    if (document.activeElement !== exact) exact.value = m.value;
    if (!range.matches(":active")) range.value = 1000 * where(range.scale, m.value);
    box.classList.toggle("moved", m.value !== setup.written[m.name]);
  });
  const now = Object.entries(frame.now).map(([name, value]) => `${name} is ${short(value)}`).join(", ");
  at("now").textContent = now && `By its schedule, ${now} now.`;
}

function slider(m) {
  const box = document.createElement("label"), name = document.createElement("span");
  const range = document.createElement("input"), exact = document.createElement("input");
  box.className = "slider";
  name.textContent = m.label;
  Object.assign(range, { type: "range", min: 0, max: 1000, scale: m, name: m.name });
  Object.assign(exact, { type: "number", step: "any", title: `${m.label}, exactly` });
  range.oninput = () => { exact.value = number(range.scale, range.value / 1000); };
  range.onchange = () => ask("set", { [m.name]: number(range.scale, range.value / 1000) });
  exact.onchange = () => { if (exact.value !== "") ask("set", { [m.name]: Number(exact.value) }); };
  box.append(name, range, exact);
  return box;
}

// -- drawing --------------------------------------------------------------------------------------

function sheet(canvas) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = FONT;
  return { pen, width, height };
}

function show() {
  const f = frame.figures, parts = [];
  for (const part of ["train", "validation", "test"]) if (f[`loss_${part}`] !== null || part === "train") {
    const metric = f[`metric_${part}`];
    const name = setup.metric === "accuracy" ? `, accuracy ${metric === null ? "" : short(100 * metric)} %` : `, R² ${metric === null ? "" : short(metric)}`;
    parts.push([Object.keys(setup.samples).length ? `${part}: loss ` : "value ", short(f[`loss_${part}`]) + (metric === null ? "" : name)]);
  }
  parts.unshift([setup.per_epoch > 1 ? `epoch ${short(frame.epoch)}, iteration ` : "iteration ", String(frame.step)]);
  parts.push(["norm of the gradient ", short(f.gradient_norm)]);
  const end = frame.ended ? `ended: ${frame.ended}` : frame.step === setup.total ? "the file ends here; Run goes on" : "";
  if (end) parts.push(["", end]);
  at("figures").replaceChildren(...parts.flatMap(([what, value], i) => [i ? "   ·   " : "", what, Object.assign(document.createElement("b"), { textContent: value })]));
  at("picture-box").hidden = !setup.picture.kind;
  at("network-box").hidden = !frame.layers.length;
  at("pictures").hidden = !setup.picture.kind && !frame.layers.length;
  curves();
  if (setup.picture.kind) ({ plane, line, graph, surface, truth })[setup.picture.kind]();
  if (frame.layers.length) network();
}

/** Axes in a box, with the scales of both; ticks at round numbers. */
function axes(pen, box, x, y, labels, logarithmic = false) {
  const across = (v) => box.left + (v - x[0]) / (x[1] - x[0] || 1) * box.width;
  const scaled = (v) => logarithmic ? Math.log10(v) : v;
  const up = (v) => box.top + box.height - (scaled(v) - y[0]) / (y[1] - y[0] || 1) * box.height;
  pen.strokeStyle = LINES; pen.fillStyle = FAINT; pen.lineWidth = 1;
  for (const v of ticks(x[0], x[1], 6)) {
    stroke(pen, [[across(v), box.top], [across(v), box.top + box.height]]);
    text(pen, short(v), across(v), box.top + box.height + 14, "center");
  }
  for (const v of logarithmic ? powers(y[0], y[1]) : ticks(y[0], y[1], 4)) {
    stroke(pen, [[box.left, up(v)], [box.left + box.width, up(v)]]);
    text(pen, short(v), box.left - 5, up(v) + 4, "right");
  }
  pen.fillStyle = INK;
  text(pen, labels[0], box.left + box.width, box.top + box.height + 28, "right");
  text(pen, labels[1], box.left, box.top - 6, "left");
  return { across, up };
}

/** Powers of ten between two logarithms, some of them where they are many, 1 2 5 where they are few. */
function powers(low, high) {
  const found = [], apart = Math.ceil((high - low) / 6), shares = high - low < 2 ? [1, 2, 5] : [1];
  for (let e = Math.floor(low); e <= high; e++) if (e % apart === 0)
    for (const share of shares) if (Math.log10(share) + e >= low && Math.log10(share) + e <= high) found.push(share * 10 ** e);
  return found;
}

function ticks(low, high, count) {
  const least = (high - low) / count || 1, ten = 10 ** Math.floor(Math.log10(least));
  const apart = ten * [1, 2, 5, 10].find((times) => times * ten >= least * 0.999);
  const found = [];
  for (let v = Math.ceil(low / apart) * apart; v <= high + 1e-9 * apart; v += apart) found.push(Number(v.toPrecision(6)));
  return found;
}

function stroke(pen, points) {
  pen.beginPath();
  points.forEach(([a, b], i) => i ? pen.lineTo(a, b) : pen.moveTo(a, b));
  pen.stroke();
}

function text(pen, words, x, y, align) { pen.textAlign = align; pen.fillText(words, x, y); }

function dot(pen, x, y, size, fill, edge) {
  pen.beginPath();
  pen.arc(x, y, size, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  if (edge) { pen.strokeStyle = edge; pen.lineWidth = 1; pen.stroke(); }
}

function curves() {
  const { pen, width, height } = sheet(at("curves"));
  const losses = { train: 1, validation: 2, test: 3 }, metrics = { train: 4, validation: 5, test: 6 };
  const shown = (columns) => Object.entries(columns).map(([part, i]) => [part, frame.curve.filter((r) => r[i] !== null).map((r) => [r[0], r[i]])]).filter(([, c]) => c.length);
  const scored = shown(metrics), half = scored.length ? width * 0.62 : width;
  panel(pen, { left: 52, top: 24, width: half - 70, height: height - 62 }, shown(losses), setup.picture.kind === "surface" || !Object.keys(setup.samples).length ? "value of the objective" : "loss", true);
  if (scored.length) panel(pen, { left: half + 42, top: 24, width: width - half - 60, height: height - 62 }, scored, setup.metric === "r2" ? "R²" : "accuracy", false);
}

function panel(pen, box, lines, label, marked) {
  const last = frame.curve[frame.curve.length - 1][0], right = Math.max(last, 1) / setup.per_epoch;
  const values = lines.flatMap(([, curve]) => curve.map(([, v]) => v));
  const logarithmic = marked && values.every((v) => v > 0) && Math.max(...values) / Math.min(...values) > 5;
  const scaled = values.map((v) => logarithmic ? Math.log10(v) : v);
  let low = Math.min(...scaled), high = Math.max(...scaled);
  if (label === "R²") low = Math.max(low, Math.min(0, scaled[scaled.length - 1]));
  if (!(high > low)) { low -= 0.5; high += 0.5; }
  const room = 0.04 * (high - low), y = [low - room, high + room];
  const { across, up } = axes(pen, box, [0, right], y, [setup.per_epoch > 1 ? "epoch" : "iteration", label], logarithmic);
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  pen.lineWidth = 2;
  for (const [part, curve] of lines) {
    pen.strokeStyle = PARTS[part];
    stroke(pen, curve.map(([step, v]) => [across(step / setup.per_epoch), up(v)]));
  }
  pen.restore();
  let place = box.left + box.width;
  for (const [part] of [...lines].reverse()) if (lines.length > 1) {
    pen.fillStyle = PARTS[part];
    text(pen, part, place, box.top - 6, "right");
    place -= pen.measureText(part).width + 12;
  }
  pen.setLineDash([4, 4]);
  pen.lineWidth = 1;
  frame.marks.forEach(([step, words], i) => {
    const h = across(step / setup.per_epoch);
    pen.strokeStyle = pen.fillStyle = "#b45309";
    stroke(pen, [[h, box.top], [h, box.top + box.height]]);
    if (marked) text(pen, words, h + (h > box.left + box.width - 90 ? -4 : 4), box.top + 14 + 15 * (i % 4), h > box.left + box.width - 90 ? "right" : "left");
  });
  pen.setLineDash([]);
}

const bytes = (code) => Uint8Array.from(atob(code), (c) => c.charCodeAt(0));
const rgb = (hue) => [1, 3, 5].map((i) => parseInt(hue.slice(i, i + 2), 16));
const mixed = (hue, share) => rgb(hue).map((v) => 255 + (v - 255) * share);
/** Blue below the middle, white in it, orange above. */
const between = (t) => t < 0.5 ? mixed("#0072b2", 1.6 * (0.5 - t)) : mixed("#e69f00", 1.6 * (t - 0.5));

/** A grid of colours, row by row from below, in the window of a picture. */
function field(pen, box, fine, colour) {
  const small = document.createElement("canvas");
  small.width = small.height = fine;
  const image = new ImageData(fine, fine);
  for (let i = 0; i < fine * fine; i++) {
    const place = 4 * ((fine - 1 - Math.floor(i / fine)) * fine + i % fine);
    image.data.set([...colour(i), 255], place);
  }
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = setup.picture.kind !== "surface";
  pen.drawImage(small, box.left, box.top, box.width, box.height);
}

function square(window, labels) {
  const { pen, width, height } = sheet(at("picture"));
  const box = { left: 44, top: 20, width: width - 54, height: height - 56 };
  return { pen, box, frame: () => axes(pen, box, window[0], window[1], labels) };
}

function plane() {
  const still = setup.picture, now = frame.picture, names = setup.picture.names;
  const { pen, box, frame: framed } = square(still.window, names);
  const { across, up } = framed();
  if (now.cells) {
    const cells = bytes(now.cells), classes = now.classes && bytes(now.classes);
    field(pen, box, now.fine, (i) => classes ? mixed(HUES[classes[i] % HUES.length], 0.12 + 0.5 * cells[i] / 255) : between(cells[i] / 255));
  }
  const hue = (y) => classesThere() ? HUES[y % HUES.length] : `rgb(${between((y - now.low) / (now.high - now.low || 1)).join()})`;
  for (const [part, { x, y }] of Object.entries(still.parts)) x.forEach(([a, b], i) =>
    dot(pen, across(a), up(b), part === "train" ? 3 : 3.6, hue(y[i]), part === "train" ? "#fff" : INK));
  const parts = Object.keys(still.parts).length > 1 ? "; ringed in black: not trained on" : "";
  says(classesThere() ? `classes: ${setup.classes.join(", ")}${parts}` : `${names[2]}: blue low, orange high${parts}`);
}

const classesThere = () => setup.classes.length > 0;
const says = (words) => { at("picture-says").textContent = words; };

function line() {
  const still = setup.picture, now = frame.picture;
  const ys = [...Object.values(still.parts).flatMap((p) => p.y), ...(now.u || []).filter((v) => v !== null)];
  const low = Math.min(...ys), high = Math.max(...ys), room = 0.06 * (high - low || 1);
  const { pen, frame: framed } = square([still.window[0], [low - room, high + room]], [still.names[0], still.names[1]]);
  const { across, up } = framed();
  for (const [part, { x, y }] of Object.entries(still.parts)) x.forEach(([a], i) => dot(pen, across(a), up(y[i]), 3, PARTS[part]));
  if (now.u) {
    pen.strokeStyle = INK;
    pen.lineWidth = 2.5;
    stroke(pen, now.x.map((v, i) => [across(v), up(now.u[i])]));
  }
  says("the network (black) and the samples");
}

function graph() {
  const still = setup.picture, now = frame.picture, values = still.y.filter((v) => v !== null);
  const low = Math.min(...values), high = Math.max(...values), room = 0.06 * (high - low || 1);
  const { pen, box, frame: framed } = square([[still.x[0], still.x[still.x.length - 1]], [low - room, high + room]], still.names);
  const { across, up } = framed();
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  pen.strokeStyle = HUES[0];
  pen.lineWidth = 2.5;
  stroke(pen, still.x.map((x, i) => [across(x), up(still.y[i] === null ? high + room : still.y[i])]));
  for (const path of paths.slice(0, 6)) {
    pen.strokeStyle = FAINT;
    pen.lineWidth = 1;
    stroke(pen, path.map(([a, v]) => [across(a), up(v)]));
    for (const [a, v] of path) dot(pen, across(a), up(v), 2, FAINT);
  }
  for (const [a, v] of now.theta || []) if (a !== null && v !== null) dot(pen, across(a), up(v), 5, "#d55e00", "#fff");
  pen.restore();
  says("the objective, and where the run has been");
}

function surface() {
  const still = setup.picture, now = frame.picture;
  const { pen, box, frame: framed } = square(still.window, still.names);
  const { across, up } = framed();
  const cells = bytes(still.cells);
  field(pen, box, still.fine, (i) => mixed("#0072b2", 0.72 * (1 - Math.floor(cells[i] / 18) / 14.2)));
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  pen.lineWidth = 2;
  paths.slice(0, 6).forEach((path, run) => { pen.strokeStyle = HUES[(run + 4) % 6]; stroke(pen, path.map(([a, b]) => [across(a), up(b)])); });
  for (const [a, b] of now.theta || []) if (a !== null && b !== null) dot(pen, across(a), up(b), 4.5, "#d55e00", "#fff");
  pen.fillStyle = INK;
  for (const [a, b] of still.points) text(pen, "×", across(a), up(b) + 4, "center");
  pen.restore();
  says("the objective: the darker the lower, bands of equal area");
}

function truth() {
  const still = setup.picture, now = frame.picture;
  const ys = Object.values(still.parts).flatMap((p) => p.y), low = Math.min(...ys), high = Math.max(...ys);
  const room = 0.06 * (high - low || 1), window = [low - room, high + room];
  const { pen, box, frame: framed } = square([window, window], [`true ${still.names[still.names.length - 1]}`, "as the network says"]);
  const { across, up } = framed();
  pen.strokeStyle = FAINT;
  stroke(pen, [[across(window[0]), up(window[0])], [across(window[1]), up(window[1])]]);
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  pen.globalAlpha = 0.7;
  for (const [part, { y }] of Object.entries(still.parts)) (now.u ? now.u[part] : []).forEach((u, i) => { if (u !== null) dot(pen, across(y[i]), up(u), 3, PARTS[part]); });
  pen.restore();
  says(Object.keys(still.parts).join(" (blue), ").replace(/test$/, "test (red)"));
}

function network() {
  const { pen, width, height } = sheet(at("network"));
  const units = [frame.layers[0].units[0], ...frame.layers.map((l) => l.units[1])];
  const shown = units.map((n) => Math.min(n, 16)), columns = units.length;
  const across = (c) => 26 + c * (width - 52) / Math.max(1, columns - 1);
  const up = (c, i) => 20 + (height - 54) * (i + 0.5) / shown[c];
  frame.layers.forEach(({ weights }, c) => weights.forEach((row, o) => row.forEach((w, i) => {
    pen.strokeStyle = w > 0 ? HUES[0] : HUES[1];
    pen.globalAlpha = Math.min(0.85, 0.12 + 0.35 * Math.abs(w));
    pen.lineWidth = Math.min(4, 0.4 + 1.3 * Math.abs(w));
    stroke(pen, [[across(c), up(c, i)], [across(c + 1), up(c + 1, o)]]);
  })));
  pen.globalAlpha = 1;
  const size = Math.min(7, 0.34 * (height - 54) / Math.max(...shown));
  units.forEach((count, c) => {
    for (let i = 0; i < shown[c]; i++) dot(pen, across(c), up(c, i), size, "#fff", INK);
    pen.fillStyle = INK;
    text(pen, count > shown[c] ? `${shown[c]} of ${count}` : String(count), across(c), height - 10, "center");
  });
}

// -- the page -------------------------------------------------------------------------------------

at("run").onclick = run;
at("step").onclick = () => { running = false; ask("go", { steps: 1 }); };
at("reset").onclick = () => {
  running = false;
  ask("reset", at("seed").value === "" ? {} : { seed: Number(at("seed").value) });
};
at("written").onclick = () => ask("set", setup.written);
window.onresize = () => frame && show();
ask("setup");
