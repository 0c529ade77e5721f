// The device page's chart: one quantity, its hourly mean, and the band between lowest and highest.
"use strict";

(() => {
  const place = document.getElementById("chart");
  const choice = document.getElementById("metric");
  if (!place || !choice) return;
  const legend = document.getElementById("chart-value");
  const lang = forecall.lang;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const numbers = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });
  const percents = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
  const days = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric" });
  const hours = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const moments = new Intl.DateTimeFormat(lang, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  let plot;

  const shown = () => choice.selectedOptions[0];
  const say = (value) => {
    if (value === null || value === undefined) return "–";
    if ("percent" in shown().dataset) return percents.format(value);
    const unit = shown().dataset.unit;
    return unit ? `${numbers.format(value)} ${unit}` : numbers.format(value);
  };
  const ticks = (_, marks) =>
    marks.map((mark, index) => {
      const step = marks.length > 1 ? marks[1] - marks[0] : 0;
      const at = mark * 1000;
      const midnight = new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0;
      return step >= 86400 || midnight ? days.format(at) : hours.format(at);
    });

  const tell = (self) => {
    const index = self.cursor.idx;
    if (index === null || index === undefined) {
      legend.textContent = "";
      return;
    }
    const [at, value, low, high] = self.data.map((column) => column[index]);
    const spread = low === undefined || low === high ? "" : ` (${say(low)} – ${say(high)})`;
    legend.textContent = `${moments.format(at * 1000)} · ${say(value)}${spread}`;
  };

  const axis = (more) => ({
    stroke: colour("--muted"), font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more,
  });

  const options = (banded) => ({
    padding: [8, 24, 0, 0],
    width: place.clientWidth, height: place.clientHeight, legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    hooks: { setCursor: [tell] },
    axes: [
      axis({ values: ticks, size: 32 }),
      axis({ size: 74, values: (_, marks) => marks.map(say) }),
    ],
    series: [
      {},
      { stroke: colour("--accent"), width: 2, points: { show: false } },
      ...(banded ? [{ stroke: "transparent" }, { stroke: "transparent" }] : []),
    ],
    bands: banded ? [{ series: [3, 2], fill: colour("--accent") + "30" }] : [],
  });

  const draw = async () => {
    const answer = await fetch(`${place.dataset.source}&metric=${encodeURIComponent(choice.value)}`);
    if (!answer.ok) return;
    const { at, value, low, high } = await answer.json();
    plot?.destroy();
    plot = undefined;
    legend.textContent = at.length ? "" : place.dataset.empty;
    if (!at.length) return;
    const banded = low.length > 0;
    plot = new uPlot(options(banded), banded ? [at, value, low, high] : [at, value], place);
  };

  choice.addEventListener("change", draw);
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
