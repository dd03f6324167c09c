// Ages that grow while the page is open, all definitions as rows, and a new page when there is one.
"use strict";
(() => {
{% filter indent(2, first=true) %}{% include "filter.js" %}{% endfilter %}

  const MINUTE = 60 * 1000;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  const AT_A_TIME = 100;
  const NEW_PAGE_AFTER = 10 * MINUTE;

  const span = (milliseconds) => {
    if (milliseconds < 1.5 * HOUR) {
      return `${Math.max(Math.floor(milliseconds / MINUTE), 0)} min`;
    }
    return milliseconds < 2 * DAY ? `${Math.floor(milliseconds / HOUR)} h` : `${Math.floor(milliseconds / DAY)} days`;
  };

  const alive = document.getElementById("alive");
  const tick = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-since]")) {
      const {since, before, after} = element.dataset;
      if (!Number.isNaN(Date.parse(since))) {
        element.textContent = `${before}${span(now - Date.parse(since))}${after}`;
      }
    }
    if (alive.dataset.overdue) {
      const late = now > Date.parse(alive.dataset.overdue);
      document.body.classList.toggle("stale", late);
      alive.classList.toggle("late", late);
      alive.querySelector(".warn").hidden = !late;
    }
  };

  const {kinds, targets, statuses, errors, rows} = JSON.parse(document.getElementById("data").textContent);
  const entries = rows.map(([name, kind, target, status, since, what, part]) => ({
    name,
    kind: kinds[kind][0],
    target: targets[target][0],
    status: statuses[status][0],
    shown: statuses[status],
    since,
    what: typeof what === "number" ? errors[what][0] : what,
    page: `definitions/${targets[target][1]}/${kinds[kind][1]}/${part || name}.html`,
    text: [name, kinds[kind][0], targets[target][0], ...(typeof what === "number" ? errors[what] : [what])]
      .join("\n").toLowerCase(),
  }));

  const made = (tag, className, ...children) => {
    const element = document.createElement(tag);
    element.className = className;
    element.append(...children);
    return element;
  };

  const row = ({name, kind, target, status, shown: [, mark, label], since, what, page}) => {
    const sign = made("span", "", mark);
    sign.setAttribute("aria-hidden", "true");
    const link = made("a", "", made("code", "", name));
    link.href = page;
    const facts = made("span", "facts", made("code", "", kind), " in ", made("code", "", target));
    if (since) {
      facts.append(` since ${since.slice(0, 10)}`);
    }
    const item = made("li", `row ${status}`, made("span", `badge ${status}`, sign, ` ${label}`), " ", link, " ", facts);
    if (what) {
      item.append(" ", made("code", "what", what));
    }
    return item;
  };

  const list = document.getElementById("rows");
  const more = document.getElementById("more");
  const shown = document.getElementById("shown");
  let chosen = [];

  const extend = () => {
    const first = list.childElementCount;
    list.append(...chosen.slice(first, first + AT_A_TIME).map(row));
    more.hidden = list.childElementCount === chosen.length;
    return list.children[first];
  };

  filtering((choice) => {
    chosen = entries.filter((entry) => isChosen(entry, choice));
    list.replaceChildren();
    extend();
    const number = (count) => count.toLocaleString("en");
    shown.textContent =
      `${number(chosen.length)} of ${number(entries.length)} ${entries.length === 1 ? "definition" : "definitions"}`;
  });

  more.addEventListener("click", () => extend()?.querySelector("a").focus());

  // The filter has just filled the section that an address with a fragment leads to.
  if (location.hash === "#definitions") {
    document.getElementById("definitions").scrollIntoView();
  }

  tick();
  setInterval(tick, MINUTE / 2);

  // A screen on a wall, which nobody touches: the page is loaded again when it is another, and only if it is there.
  if (location.protocol !== "file:") {
    let used = Date.now();
    ["keydown", "pointerdown", "wheel"].forEach((kind) => addEventListener(kind, () => { used = Date.now(); }));
    setInterval(async () => {
      if (Date.now() - used < NEW_PAGE_AFTER) {
        return;
      }
      try {
        const answer = await fetch(location.pathname, {cache: "no-cache"});
        if (answer.ok && !(await answer.text()).includes(document.getElementById("data").textContent)) {
          location.reload();
        }
      } catch {
        // Whoever looks sees how old the page is.
      }
    }, NEW_PAGE_AFTER);
  }
})();
