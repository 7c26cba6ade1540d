"""Looks at a page as a person would, and prints as JSON what there was: look.py run|values|plain|history|alarms FILE"""

import json
import sys
import time

from browser import Browser

SET = """(name, value) => {
  const field = document.querySelector(`[name=${name}]`);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""
FOUND = "document.querySelector('.found').textContent"


def filtered(browser, **fields):
    """What the page says that is left by filters; they are emptied again."""
    for name, value in fields.items():
        browser.evaluate(f"({SET})({json.dumps(name)}, {json.dumps(value)})")
    found = browser.evaluate(FOUND)
    for name in fields:
        browser.evaluate(f"({SET})({json.dumps(name)}, '')")
    return found


def milliseconds(browser, text):
    """How long a filter takes, with all that it draws."""
    return browser.evaluate(
        f"(() => {{ const began = performance.now(); ({SET})('text', {json.dumps(text)});"
        " document.body.offsetHeight; return performance.now() - began; })()"
    )


def keyboard(browser):
    """What keys do: to the filter and out of it, through the rows, to the content, to the other colours."""
    seen = {}
    browser.press("/")
    seen["slash"] = browser.evaluate("document.activeElement.name")
    browser.write("green")
    seen["written"] = browser.evaluate(FOUND)
    browser.press("Escape")
    seen["escape"] = browser.evaluate(FOUND)
    browser.press("Tab")
    browser.frame()
    seen["grid"] = browser.evaluate("document.activeElement.className")
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    browser.frame()
    seen["third"] = browser.evaluate("document.querySelector('[aria-selected=true]').getAttribute('aria-rowindex')")
    browser.press("End")
    browser.frame()
    seen["last"] = browser.evaluate("document.querySelector('[aria-selected=true]').getAttribute('aria-rowindex')")
    seen["detail"] = browser.evaluate("document.querySelector('.detail').innerText")
    browser.open(sys.argv[2])
    browser.press("Tab")
    seen["skip"] = browser.evaluate("document.activeElement.getAttribute('href')")
    paper = "getComputedStyle(document.body).backgroundColor"
    seen["light"] = browser.evaluate(paper)
    browser.press("Tab")
    browser.press("Enter")
    seen["dark"] = browser.evaluate(paper)
    return seen


# The rows of the test's runbook as the page reads them: those that are not what it wrote, and how many keys there are.
READ = """(() => {
  const changes = new Changes(dataOf("rows")), keys = new Set();
  let wrong = 0;
  for (let row = 0; row < changes.length; row++) {
    const { block, key, old, new: after } = changes.of(row);
    const value = (values, name) => values[block.names.indexOf(name)];
    keys.add(block.table + key);
    if (block.operation === "update") wrong += value(old, "part") + "!" !== value(after, "part") || value(after, "done") !== "t";
    else wrong += value(old, "note") !== "old" || value(old, "id") !== key[0];
  }
  return { wrong, keys: keys.size };
})()"""


def of_run(browser, path):
    browser.colours("light")
    seconds = min(browser.open(path) for _ in range(3))
    seen = {"seconds": seconds, "all": browser.evaluate(FOUND), "heading": browser.evaluate("document.title")}
    seen["read"] = browser.evaluate(READ)
    # Idle time, in which the page makes its texts to be searched.
    time.sleep(1)
    texts = ("g", "green", "99.1", "nothing")
    seen["milliseconds"] = max(min(milliseconds(browser, text) for _ in range(3)) for text in texts)
    seen["by_text"] = filtered(browser, text="green")
    seen["by_key"] = filtered(browser, key="4711")
    seen["by_operation"] = filtered(browser, operation="delete")
    seen["by_table"] = filtered(browser, table="public.item", text="red")
    browser.frame()
    seen["drawn"] = browser.evaluate("document.querySelectorAll('.change').length")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen["printed"] = browser.evaluate("document.querySelectorAll('.change').length")
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    seen["keys"] = keyboard(browser)
    browser.size(390, 844, mobile=True)
    browser.open(path)
    seen["width"] = browser.evaluate("document.documentElement.scrollWidth")
    return seen


def of_values(browser, path):
    """What hostile values come to: as they are shown, and what they did."""
    browser.open(path)
    browser.evaluate("document.querySelector('.rows').style.height = '2000px'; dispatchEvent(new Event('resize'))")
    browser.frame()
    seen = {
        "shown": browser.evaluate("[...document.querySelectorAll('.change ins')].map((value) => value.textContent)"),
        "isolated": browser.evaluate("document.querySelectorAll('.change ins bdi').length"),
        "elements": browser.evaluate("document.querySelectorAll('main :is(script, img, iframe, b, form)').length"),
    }
    browser.evaluate(f"({SET})('key', 'long')")
    browser.evaluate("document.querySelector('.detail button').click()")
    lengths = "[...document.querySelectorAll('.detail bdi')].map((part) => part.textContent.length)"
    seen["whole"] = max(browser.evaluate(lengths))
    seen["done"] = browser.evaluate("window.hacked ?? null")
    return seen


def of_plain(browser, path):
    """What there is without JavaScript."""
    browser.without_scripts()
    browser.open(path)
    return {
        "text": browser.evaluate("document.body.innerText"),
        "filters": browser.evaluate("document.querySelectorAll('.filters:not([hidden])').length"),
    }


def of_history(browser, path):
    browser.open(path)
    columns = "document.querySelectorAll('.chart:not([hidden]) rect').length"
    seen = {"all": browser.evaluate(FOUND), "charts": browser.evaluate(columns)}
    seen["text_of_all"] = browser.evaluate("document.querySelector('main').innerText")
    later = "2999-01-01"
    for name, value in {"outcome": "done", "text": "many", "from": later, "until": later}.items():
        seen[name] = filtered(browser, **{name: value})
    seen["problems"], seen["linked"], seen["of_pages"] = list(browser.problems), [], []
    for link in browser.evaluate("[...document.querySelectorAll('tbody a')].map((link) => link.href)"):
        browser.open(link.removeprefix("file://"))
        seen["linked"].append(browser.evaluate("document.querySelector('h1').textContent"))
        seen["of_pages"] += browser.problems
    return seen


def of_alarms(browser, path):
    """Whether what is looked for would be seen: the same page, its data not escaped and its policy taken out; then a
    script that the policy does not name."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    seen = {}

    def spoiled(text):
        with open(path + ".spoiled.html", "w", encoding="utf-8") as file:
            file.write(text)
        browser.open(file.name)
        return {"done": browser.evaluate("window.hacked ?? null"), "problems": len(browser.problems)}

    start = page.index('<meta content="default-src')
    without_policy = page[:start] + page[page.index(">", start) + 1 :]
    seen["careless"] = spoiled(without_policy.replace("\\u003c", "<"))
    seen["policy"] = spoiled(page.replace("<main", "<script>window.hacked = 'inline'</script><main", 1))
    return seen


looks = {"run": of_run, "values": of_values, "plain": of_plain, "history": of_history, "alarms": of_alarms}

with Browser() as window:
    result = looks[sys.argv[1]](window, sys.argv[2])
    result.setdefault("problems", list(window.problems))
    print(json.dumps(result))
