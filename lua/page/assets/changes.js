// The changed rows of a run: read once, then filtered and drawn as far as they are seen. Each row is one line of the
// same height, so that where it stands is a multiplication; the selected one is shown whole below.

const operations = {
  insert: { sign: "+", name: say("insert") },
  update: { sign: "~", name: say("update") },
  delete: { sign: "−", name: say("delete") },
};
const mostRemembered = 1000;
const onPaper = 100;
const inLine = 80;
const inDetail = 2000;

/** Rows as lua/page/changes.lua writes them. A value is a text, null, or { text, bytes } of one that was cut. */
class Changes {
  constructor(blocks) {
    this.blocks = blocks;
    const count = blocks.reduce((sum, block) => sum + block.rows.length / Changes.width(block), 0);
    this.block = new Uint32Array(count);
    this.at = new Uint32Array(count);
    this.texts = new Array(count);
    const columns = new Map();
    let row = 0;
    blocks.forEach((block, index) => {
      const width = Changes.width(block);
      const remembered = block.names.map((name) => {
        const column = block.table + "\0" + name;
        if (!columns.has(column)) columns.set(column, []);
        return columns.get(column);
      });
      for (let at = 0; at < block.rows.length; at += width) {
        this.block[row] = index;
        this.at[row++] = at;
        for (let column = 0; column < width; column++) {
          const behindKey = column - block.key.length;
          block.rows[at + column] = Changes.value(
            block.rows[at + column],
            behindKey < 0 ? null : remembered[behindKey % remembered.length],
          );
        }
      }
    });
  }

  static width(block) {
    return block.key.length + (block.old + block.new) * block.names.length;
  }

  static value(written, remembered) {
    if (written === null) return null;
    if (typeof written === "number") return remembered[written];
    if (Array.isArray(written)) return written.length === 1 ? written[0] : { text: written[0], bytes: written[1] };
    if (remembered && remembered.length < mostRemembered) remembered.push(written);
    return written;
  }

  get length() {
    return this.at.length;
  }

  of(row) {
    const block = this.blocks[this.block[row]];
    const { rows, key, names } = block;
    let at = this.at[row];
    const take = (count) => rows.slice(at, (at += count));
    return {
      block,
      key: take(key.length),
      old: block.old ? take(names.length) : null,
      new: block.new ? take(names.length) : null,
    };
  }

  /** The key as one text. */
  key(row) {
    const { rows, key } = this.blocks[this.block[row]];
    const first = this.at[row];
    return key.length === 1 ? textOf(rows[first]) : rows.slice(first, first + key.length).map(textOf).join(", ");
  }

  /** All that can be found in a row, in small letters. */
  text(row) {
    if (this.texts[row] === undefined) {
      const block = this.blocks[this.block[row]];
      const end = this.at[row] + Changes.width(block);
      let text = "";
      for (let at = this.at[row]; at < end; at++) text += textOf(block.rows[at]) + "\n";
      this.texts[row] = text.toLowerCase();
    }
    return this.texts[row];
  }

  /** Makes the texts of all rows while nothing else is to be done. */
  prepare(from = 0) {
    const idle = self.requestIdleCallback ?? ((work) => setTimeout(() => work({ timeRemaining: () => 8 }), 20));
    idle((deadline) => {
      let row = from;
      while (row < this.length && (row % 512 !== 0 || deadline.timeRemaining() > 2 || row === from)) this.text(row++);
      if (row < this.length) this.prepare(row);
    });
  }

  /** The numbers of the rows that a filter leaves. */
  matching({ table, operation, key, text }) {
    const wanted = this.blocks.map(
      (block) => (!table || block.table === table) && (!operation || block.operation === operation),
    );
    const small = text.toLowerCase();
    const found = [];
    for (let row = 0; row < this.length; row++) {
      if (!wanted[this.block[row]]) continue;
      if (key && !this.key(row).includes(key)) continue;
      if (small && !this.text(row).includes(small)) continue;
      found.push(row);
    }
    return found;
  }
}

function textOf(value) {
  return value === null ? "NULL" : typeof value === "string" ? value : value.text;
}

// What could act as a command, or make text look like other text.
const hazards = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function escaped(text, kept = "") {
  return text.replace(hazards, (sign) => {
    if (kept.includes(sign)) return sign;
    const named = { "\n": "\\n", "\t": "\\t", "\r": "\\r" }[sign];
    const code = sign.charCodeAt(0).toString(16);
    return named ?? (code.length > 2 ? "\\u" + code.padStart(4, "0") : "\\x" + code.padStart(2, "0"));
  });
}

/** The beginning of a text that cuts no character. */
function beginning(text, length) {
  const cut = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** A value in a line: isolated, so that its direction of writing is its own. */
function inline(tag, value) {
  if (value === null) return element(tag + ".null", {}, "NULL");
  const text = textOf(value);
  const shown = text === "" ? '""' : escaped(beginning(text, inLine));
  const isCut = text.length > inLine || typeof value !== "string";
  return element(tag + ".value", {}, element("bdi", {}, shown), isCut ? "…" : "");
}

/** A value by itself; a long one is whole on request. */
function whole(tag, value) {
  if (value === null) return element(tag + ".null", {}, "NULL");
  const text = textOf(value);
  if (text === "") return element(tag + ".value", {}, '""');
  const shown = element("bdi", {}, escaped(beginning(text, inDetail), "\n\t"));
  const made = element(tag + ".value", {}, shown);
  if (typeof value !== "string") {
    made.append("… ", element("span.soft", {}, say("cut: %s bytes in all", number(value.bytes))));
  } else if (text.length > inDetail) {
    const button = element("button", { type: "button" }, say("show all %s characters", number(text.length)));
    button.addEventListener("click", () => {
      shown.textContent = escaped(text, "\n\t");
      made.classList.add("whole");
      button.remove();
    });
    made.append("… ", button);
  }
  return made;
}

function operationOf(block) {
  const { sign, name } = operations[block.operation];
  return element(`span.operation.${block.operation}`, { "data-sign": sign }, name);
}

/** What changed, in a line. */
function summaryOf({ block, old, new: after }) {
  const parts = [];
  const shown = old || after ? block.names : [];
  if (!shown.length) parts.push(element("span.soft", {}, say("a new row; the journal has its key")));
  shown.forEach((name, at) => {
    if (parts.length > 60) return;
    if (at) parts.push(element("span.soft", {}, " · "));
    parts.push(element("bdi.soft", {}, escaped(name)), " ");
    if (old) parts.push(inline("del", old[at]));
    if (old && after) parts.push(element("span.soft", {}, " → "));
    if (after) parts.push(inline("ins", after[at]));
  });
  if (!block.direct) parts.unshift(element("span.soft", {}, say("by a cascade or a trigger") + " "));
  return element("span.diff", {}, ...parts);
}

/** The list: filters, rows, and the selected one below. */
class List {
  constructor(section, changes) {
    this.changes = changes;
    this.rows = section.querySelector(".rows");
    this.spacer = this.rows.querySelector(".spacer");
    this.window = this.rows.querySelector(".window");
    this.detail = section.querySelector(".detail");
    this.found = section.querySelector(".found");
    this.fields = Object.fromEntries([...section.querySelectorAll("[name]")].map((field) => [field.name, field]));
    const all = (of) => [...new Set(changes.blocks.map((block) => block[of]))].sort();
    offer(this.fields.table, all("table"), escaped);
    offer(this.fields.operation, all("operation"), (operation) => operations[operation].name);
    this.fit(all("table"));
    this.rows.addEventListener("scroll", () => this.later());
    this.rows.addEventListener("keydown", (event) => this.key(event));
    this.rows.addEventListener("click", (event) => {
      const line = event.target.closest(".change");
      if (line) this.select(Number(line.dataset.at));
    });
    for (const field of Object.values(this.fields)) field.addEventListener("input", () => this.filter());
    addEventListener("resize", () => this.measure());
    addEventListener("beforeprint", () => this.drawForPaper());
    addEventListener("afterprint", () => {
      this.tell();
      this.later();
    });
    this.filter();
    for (const part of section.querySelectorAll("[data-live]")) part.hidden = false;
    this.tellMore(section.querySelector(".more"));
    this.measure();
    startKeys(this.fields.text);
    changes.prepare();
  }

  /** Says that there are rows that the page does not have. */
  tellMore(note) {
    const [here, all] = [this.changes.length, Number(note.dataset.total)];
    note.hidden = here >= all;
    const said = say("The page has the first %s of %s changed rows; more of them:", number(here), number(all));
    note.firstElementChild.textContent = said;
  }

  /** Gives the columns the width that tables and keys want, within reason. */
  fit(tables) {
    const widest = (texts, most) => Math.min(most, Math.max(4, ...texts.map((text) => text.length)) + 1) + "ch";
    const keys = Array.from({ length: Math.min(1000, this.changes.length) }, (_, row) => this.changes.key(row));
    this.rows.style.setProperty("--table-width", widest(tables, 30));
    this.rows.style.setProperty("--key-width", widest(keys, 24));
  }

  filter() {
    const values = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
    this.matching = this.changes.matching(values);
    this.tell();
    this.rows.setAttribute("aria-rowcount", this.matching.length);
    this.rows.scrollTop = 0;
    this.select(0);
    this.measure();
  }

  tell() {
    const [shown, all] = [number(this.matching.length), number(this.changes.length)];
    this.found.textContent = shown === all ? say("%s changes", all) : say("%s of %s changes", shown, all);
  }

  drawForPaper() {
    const [count, all] = [Math.min(onPaper, this.matching.length), this.matching.length];
    if (count < all) this.found.textContent = say("the first %s of %s changes", number(count), number(all));
    this.draw(0, count);
  }

  measure() {
    this.height = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
    this.spacer.style.height = this.matching.length * this.height + "px";
    this.later();
  }

  /** Draws with the next frame, once. */
  later() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      const first = Math.max(0, Math.floor(this.rows.scrollTop / this.height) - 8);
      const last = Math.ceil((this.rows.scrollTop + this.rows.clientHeight) / this.height) + 8;
      this.draw(first, Math.min(last, this.matching.length));
    });
  }

  draw(first, last) {
    this.window.style.transform = `translateY(${first * this.height}px)`;
    this.window.replaceChildren();
    for (let at = first; at < last; at++) this.window.append(this.line(at));
  }

  line(at) {
    const change = this.changes.of(this.matching[at]);
    const attributes = {
      role: "row",
      id: "change-" + at,
      "data-at": at,
      "aria-rowindex": at + 1,
      "aria-selected": at === this.selected,
    };
    const key = escaped(beginning(this.changes.key(this.matching[at]), inLine));
    const cell = (content) => {
      content.setAttribute("role", "gridcell");
      return content;
    };
    return element(
      "div.change",
      attributes,
      cell(operationOf(change.block)),
      cell(element("span", {}, element("bdi", {}, escaped(change.block.table)))),
      cell(element("span.value", {}, element("bdi", {}, key))),
      cell(summaryOf(change)),
    );
  }

  select(at) {
    this.selected = Math.max(0, Math.min(at, this.matching.length - 1));
    this.rows.setAttribute("aria-activedescendant", "change-" + this.selected);
    this.show();
    this.later();
  }

  key(event) {
    const page = Math.floor(this.rows.clientHeight / this.height);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.select(this.selected + steps[event.key]);
    const top = this.selected * this.height;
    const bottom = top + this.height - this.rows.clientHeight;
    if (top < this.rows.scrollTop) this.rows.scrollTop = top;
    if (bottom > this.rows.scrollTop) this.rows.scrollTop = bottom;
  }

  /** The selected row, with all that is known of it. */
  show() {
    if (!this.matching.length) return this.detail.replaceChildren(say("no change matches"));
    const change = this.changes.of(this.matching[this.selected]);
    const { block } = change;
    const table = element("strong", {}, element("bdi", {}, escaped(block.table)));
    const head = element("p", {}, operationOf(block), " ", table);
    block.key.forEach((name, at) => {
      head.append(" ", element("bdi.soft", {}, escaped(name)), " ", inline("span", change.key[at]));
    });
    head.append(element("span.soft", {}, "  " + say("step %s, batch %s", block.step, block.batch)));
    if (!change.old && !change.new) {
      return this.detail.replaceChildren(head, element("p.soft", {}, say("a new row; the journal has its key")));
    }
    const titles = [say("column"), change.old && say("before"), change.new && say("after")].filter(Boolean);
    const lines = block.names.map((name, at) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, element("bdi", {}, escaped(name))),
        change.old && element("td", {}, whole("del", change.old[at])),
        change.new && element("td", {}, whole("ins", change.new[at])),
      ),
    );
    const values = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, ...lines),
    );
    this.detail.replaceChildren(head, values);
  }
}

const blocks = dataOf("rows");
if (blocks) new List(document.getElementById("changes"), new Changes(blocks));
