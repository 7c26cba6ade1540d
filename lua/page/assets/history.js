// The page of all runs: the rows of its table that a filter leaves, and their trend.

const most = 120;
const chosen = ["runbook", "rung", "target", "outcome", "operator"];
const tones = { good: "", idle: "", warn: "warn", bad: "bad" };

class History {
  constructor(runs) {
    this.runs = runs;
    this.lines = [...document.querySelectorAll(".runs tbody tr")];
    this.texts = this.lines.map((line) => line.textContent.toLowerCase());
    const fields = [...document.querySelectorAll(".filters [name]")];
    this.fields = Object.fromEntries(fields.map((field) => [field.name, field]));
    for (const name of chosen) {
      offer(this.fields[name], [...new Set(runs.map((run) => run[name]).filter(Boolean))].sort());
    }
    for (const field of Object.values(this.fields)) field.addEventListener("input", () => this.filter());
    for (const part of document.querySelectorAll("[data-live]")) part.hidden = false;
    startKeys(this.fields.text);
    this.filter();
  }

  filter() {
    const wanted = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
    const text = wanted.text.toLowerCase();
    const left = this.runs.filter((run, at) => {
      const fits =
        chosen.every((name) => !wanted[name] || run[name] === wanted[name]) &&
        (!wanted.from || run.day >= wanted.from) &&
        (!wanted.until || run.day <= wanted.until) &&
        this.texts[at].includes(text);
      this.lines[at].hidden = !fits;
      return fits;
    });
    document.querySelector(".found").textContent = say("%s of %s runs", number(left.length), number(this.runs.length));
    for (const chart of document.querySelectorAll("[data-chart]")) this.draw(chart, left.slice(0, most).reverse());
  }

  /** A column a run, from the oldest to the newest; the higher the more. */
  draw(chart, runs) {
    const name = chart.dataset.chart;
    const known = runs.filter((run) => run[name] !== null);
    chart.hidden = known.length < 2;
    const highest = Math.max(...known.map((run) => run[name]), name === "rows" ? 1 : 0.001);
    const width = 1000 / Math.max(known.length, 12);
    const columns = known.map((run, at) => {
      const height = Math.max((run[name] / highest) * 100, 1);
      const title = svg("title");
      title.textContent = `${run.day} ${run.runbook}: ${this.said(name, run[name])}`;
      return svg(
        "rect",
        { class: "area " + tones[run.tone], x: at * width, y: 100 - height, width: width * 0.85, height },
        title,
      );
    });
    chart.querySelector("svg").replaceChildren(...columns);
    const [first, last] = chart.querySelectorAll(".axis span");
    first.textContent = known.length ? known[0].day : "";
    last.textContent = say("at most %s", this.said(name, highest));
  }

  said(name, value) {
    if (name === "rows") return number(value);
    if (value < 1) return Math.round(value * 1000) + " ms";
    if (value < 60) return value.toFixed(1) + " s";
    return `${Math.floor(value / 60)} min ${String(Math.round(value % 60)).padStart(2, "0")} s`;
  }
}

const runs = dataOf("runs");
if (runs.length) new History(runs);
