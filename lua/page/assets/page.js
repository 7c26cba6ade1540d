"use strict";
// What every page has: its words, the switch between light and dark, the key that leads to the filter, and paper.

/** The data of the script element with this id; null when there is none. */
function dataOf(id) {
  const element = document.getElementById(id);
  return element && JSON.parse(element.textContent);
}

const words = dataOf("words");

/** A sentence of the page's with its places filled: "%s of %s". */
function say(form, ...values) {
  return (words[form] ?? form).replace(/%s/g, () => values.shift());
}

function number(value) {
  return value.toLocaleString("en-US");
}

/** An element with its content: texts, elements, or null for nothing. Text stays text. */
function element(tag, attributes = {}, ...content) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  made.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content.filter((part) => part !== null));
  return made;
}

function svg(tag, attributes = {}, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

// Where a file may keep nothing, the choice lasts as long as the page is open.
const memory = {
  get: () => { try { return localStorage.getItem("opsh.theme"); } catch { return null; } },
  set: (theme) => { try { localStorage.setItem("opsh.theme", theme); } catch { /* as said */ } },
};

function startThemes(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = isDark() ? say("light") : say("dark"); };
  const kept = memory.get();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    memory.set(root.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  label();
}

/** "/" leads to the filter, Escape empties it. */
function startKeys(field) {
  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && writing && event.target.value !== "") {
      event.target.value = "";
      event.target.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
}

/** A select with "all" and these values, shown as they are or as `shown` says; gone when there is nothing to choose. */
function offer(select, values, shown = (value) => value) {
  select.append(element("option", { value: "" }, say("all")));
  for (const value of values) select.append(element("option", { value }, shown(value)));
  select.closest("label").hidden = values.length < 2;
}

// On paper nothing can be opened: what is folded up is, but for entries of the log, which fill pages.
function startPaper() {
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open], [data-closed])")) {
      details.open = true;
      opened.push(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened.splice(0)) details.open = false;
  });
}

/** A table that is wider than the page is scrolled by keys as well. */
function startTables() {
  const tables = document.querySelectorAll(".scroll");
  const mark = () => {
    for (const table of tables) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", mark);
  mark();
}

startThemes(document.getElementById("theme"));
startPaper();
startTables();
