// Draws the chart of a page from the table beneath it: stacked bars, the period before dotted.
// What is drawn is what is written there; dragging zooms the range, hovering shows the row.
const root = new URL(".", import.meta.url).href;
let plot = null, drawn = null, signature = "";

export async function draw() {
  const figure = document.querySelector("[data-chart]");
  if (!figure) return;
  const data = read(figure);
  if (!data.rows.length) return clear(figure);
  await Promise.all([load("script", "uplot.js"), load("link", "chart.css")]);
  const place = figure.querySelector(".chart-plot");
  const shape = data.names.join() + data.rows.length + data.rows[0].from + theme() + place.clientWidth;
  if (plot && drawn === place && shape === signature && place.firstChild) {
    data.rows.forEach((row, n) => { plot.rows[n] = row; });
    plot.setData(columns(data));
    return;
  }
  clear(figure);
  drawn = place;
  signature = shape;
  plot = make(figure, place, data);
}

function clear(figure) {
  plot?.destroy();
  plot = null;
  figure.querySelector(".chart-plot").replaceChildren();
}

function read(figure) {
  const heads = [...figure.querySelectorAll("thead [data-fill]")];
  const rows = [...figure.querySelectorAll("tbody tr")].map((tr) => {
    const cells = [...tr.querySelectorAll("[data-v]")];
    const { from, to, short } = tr.dataset;
    return {
      from, to, short, label: tr.querySelector("th").textContent.trim(), open: "open" in tr.dataset,
      values: cells.map((td) => Number(td.dataset.v)), written: cells.map((td) => td.textContent.trim()),
    };
  });
  const before = figure.querySelector("thead [data-before]")?.textContent;
  return { names: heads.map((th) => th.textContent), fills: heads.map((th) => th.dataset.fill), before, rows };
}

// Sums from the bottom up; drawn from the top down, each covers what is above it.
function columns({ rows, names, before }) {
  const sums = names.map((_, n) => rows.map((row) => row.values.slice(0, n + 1).reduce((a, b) => a + b, 0)));
  const earlier = before ? [rows.map((row) => row.values[names.length] ?? null)] : [];
  return [rows.map((_, n) => n), ...sums.reverse(), ...earlier];
}

function make(figure, place, data) {
  const colour = (property) => resolve(place, `var(${property})`);
  const fills = data.fills.map((name) => {
    const swatch = figure.querySelector(`.legend .${name}`);
    return swatch ? getComputedStyle(swatch).backgroundColor : colour("--accent");
  });
  const lines = "lines" in figure.dataset;
  const bars = uPlot.paths.bars({ size: [0.72, 48], radius: 0.15 });
  const series = fills.map((fill) => (lines
    ? { stroke: fill, width: 2, points: { show: false } }
    : { fill, stroke: colour("--surface"), width: 1, paths: bars, points: { show: false } })).reverse();
  if (data.before) series.push({ stroke: colour("--muted"), width: 1.5, dash: [2, 4], points: { show: false } });
  const number = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" });
  const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  const options = {
    width: place.clientWidth - 16, height: place.clientHeight, padding: [12, 8, 0, 4], legend: { show: false },
    scales: {
      x: { time: false, range: [-0.6, data.rows.length - 0.4] },
      y: { range: (_, __, top) => [0, Math.max(top * 1.08, 4)] },
    },
    cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { show: false } },
    axes: [
      { ...axis, size: 32, gap: 8, grid: { show: false }, splits: () => ticks(data.rows.length, place.clientWidth),
        values: (self, at) => at.map((n) => self.rows[n]?.short ?? "") },
      { ...axis, size: 48, gap: 4, grid: { stroke: colour("--line"), width: 1 }, space: 44,
        incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1e3, 2e3, 2500, 5e3, 1e4, 2e4, 25e3, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9],
        values: (_, at) => at.map((n) => number.format(n)) },
    ],
    series: [{}, ...series],
    hooks: { setCursor: [(self) => point(self, tip, figure, data)], setSelect: [(self) => zoom(self, figure)] },
  };
  const made = new uPlot(options, columns(data), place);
  made.rows = [...data.rows];
  made.over.append(tip);
  return made;
}

const ticks = (count, width) => {
  const step = Math.max(1, Math.ceil(count / Math.max(2, Math.floor(width / 88))));
  return Array.from({ length: Math.ceil(count / step) }, (_, n) => n * step);
};

function point(self, tip, figure, data) {
  const row = self.cursor.idx == null ? null : self.rows[self.cursor.idx];
  tip.hidden = !row || self.cursor.left < 0;
  if (tip.hidden) return;
  const head = document.createElement("b");
  head.textContent = row.label;
  const names = data.before ? [...data.names, data.before] : data.names;
  const parts = names.map((name, n) => {
    const line = document.createElement("div");
    const swatch = document.createElement("i");
    swatch.className = `swatch ${data.fills[n] ?? "dotted"}`;
    const value = document.createElement("span");
    value.textContent = row.written[n] ?? "–";
    line.append(swatch, name, value);
    return line;
  });
  const mine = parts.slice(0, data.names.length).reverse();
  tip.replaceChildren(head, ...mine, ...parts.slice(data.names.length));
  const left = self.cursor.left + 16 + tip.offsetWidth > self.over.clientWidth;
  tip.style.left = `${left ? self.cursor.left - 16 - tip.offsetWidth : self.cursor.left + 16}px`;
}

function zoom(self, figure) {
  const { left, width } = self.select;
  self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  const clamp = (n) => Math.min(self.rows.length - 1, Math.max(0, Math.round(n)));
  const first = clamp(self.posToVal(left, "x")), last = clamp(self.posToVal(left + width, "x"));
  if (width < 8 || !figure.dataset.zoom) return;
  const range = new URLSearchParams({ from: self.rows[first].from, to: self.rows[last].to });
  const link = document.createElement("a");
  link.href = figure.dataset.zoom + range;
  link.setAttribute("hx-swap", "innerMorph show:none");
  figure.append(link);
  window.htmx?.process(link);
  link.click();
  link.remove();
}

// A canvas knows no custom properties: an element resolves them to a colour.
function resolve(place, value) {
  const probe = document.createElement("i");
  probe.style.color = value;
  place.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const theme = () => getComputedStyle(document.body).backgroundColor;

const loaded = new Map();
function load(tag, name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((done, failed) => {
      const element = document.createElement(tag);
      if (tag === "link") Object.assign(element, { rel: "stylesheet", href: root + name });
      else element.src = root + name;
      element.onload = done;
      element.onerror = failed;
      document.head.append(element);
    }));
  }
  return loaded.get(name);
}

let resized = 0;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(draw, 120); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
