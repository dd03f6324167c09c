// Search, filters, and links to one definition. Without this script the page shows everything.
"use strict";
(() => {
  const form = document.getElementById("filter");
  const query = document.getElementById("query");
  const shown = document.getElementById("shown");
  const toggles = [...form.querySelectorAll("button[aria-pressed]")];
  const selects = [...form.querySelectorAll("select")];
  const chunks = [...document.querySelectorAll(".chunk")].map((chunk) => ({chunk, size: 0, shown: 0, was: 0}));
  const chunkOf = new Map(chunks.map((entry) => [entry.chunk, entry]));
  // Read once: going through the page again at each key would be slow with thousands of definitions.
  const entries = [...document.querySelectorAll("article")].map((article) => ({
    article,
    chunk: chunkOf.get(article.parentElement),
    status: article.dataset.status,
    kind: article.dataset.kind,
    target: article.dataset.target,
    text: [...article.getElementsByTagName("code")].map((code) => code.textContent).join("\n").toLowerCase(),
    hidden: false,
  }));

  for (const {chunk} of entries) {
    chunk.size += 1;
    chunk.shown += 1;
    chunk.was += 1;
  }

  const pressed = () => toggles.filter((button) => button.getAttribute("aria-pressed") === "true")
    .map((button) => button.value);

  const press = (statuses) => toggles.forEach((button) => {
    button.setAttribute("aria-pressed", String(statuses.includes(button.value)));
  });

  // A chunk out of sight is not laid out: how high it is has to be guessed from what is left in it.
  const fit = (entry) => {
    entry.was = entry.shown;
    entry.chunk.classList.toggle("empty", entry.shown === 0);
    entry.chunk.style.containIntrinsicHeight = entry.shown === entry.size ? "" : `${54 * entry.shown}px`;
  };

  const apply = () => {
    const statuses = pressed();
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = selects.filter((select) => select.value);
    let count = 0;
    for (const entry of entries) {
      const hidden = !((statuses.length === 0 || statuses.includes(entry.status))
        && chosen.every((select) => entry[select.name] === select.value)
        && words.every((word) => entry.text.includes(word)));
      if (hidden !== entry.hidden) {
        entry.hidden = hidden;
        entry.article.hidden = hidden;
        entry.chunk.shown += hidden ? -1 : 1;
      }
      count += hidden ? 0 : 1;
    }
    chunks.filter((entry) => entry.shown !== entry.was).forEach(fit);
    shown.textContent = `${count} of ${entries.length} ${entries.length === 1 ? "definition" : "definitions"}`;
  };

  const remember = () => {
    const state = new URLSearchParams();
    if (query.value) {
      state.set("q", query.value);
    }
    if (pressed().length) {
      state.set("status", pressed().join(","));
    }
    selects.filter((select) => select.value).forEach((select) => state.set(select.name, select.value));
    const search = state.toString();
    try {
      history.replaceState(null, "", (search ? `?${search}` : location.pathname) + location.hash);
    } catch {
      // Some browsers keep no state for a page that is a local file.
    }
  };

  const restore = () => {
    const state = new URLSearchParams(location.search);
    query.value = state.get("q") || "";
    press((state.get("status") || "").split(","));
    for (const select of selects) {
      const value = state.get(select.name) || "";
      select.value = [...select.options].some((option) => option.value === value) ? value : "";
    }
  };

  let waiting;
  const update = () => {
    apply();
    clearTimeout(waiting);
    waiting = setTimeout(remember, 150);
  };

  const clear = () => {
    query.value = "";
    press([]);
    selects.forEach((select) => { select.value = ""; });
    update();
  };

  const reveal = () => {
    let id;
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const article = document.getElementById(id);
    if (!article || article.localName !== "article") {
      return;
    }
    if (article.hidden) {
      clear();
    }
    article.querySelector("details").open = true;
    article.scrollIntoView();
    article.focus({preventScroll: true});
  };

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    clear();
  });
  toggles.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    update();
  }));
  addEventListener("hashchange", reveal);

  form.hidden = false;
  restore();
  apply();
  reveal();
})();
