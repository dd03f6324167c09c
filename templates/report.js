// Search, filters, and links to one definition. Without this script the page shows everything.
"use strict";
(() => {
{% filter indent(2, first=true) %}{% include "filter.js" %}{% endfilter %}
  const shown = document.getElementById("shown");
  const chunks = [...document.querySelectorAll(".chunk")].map((chunk) => ({chunk, size: 0, shown: 0, was: 0}));
  const chunkOf = new Map(chunks.map((entry) => [entry.chunk, entry]));
  // Read once: going through the page again at each key would be slow with thousands of definitions.
  const codes = (element) => [...element.getElementsByTagName("code")].map((code) => code.textContent);
  // What keeps many from being read stands in the page once, and finds each of them.
  const causes = new Map([...document.querySelectorAll(".causes li")]
    .map((cause) => [`#${cause.id}`, codes(cause.querySelector(".failure"))]));
  const causeOf = (article) => causes.get(article.querySelector(".failure a")?.getAttribute("href")) || [];
  const entries = [...document.querySelectorAll("article")].map((article) => ({
    article,
    chunk: chunkOf.get(article.parentElement),
    status: article.dataset.status,
    kind: article.dataset.kind,
    target: article.dataset.target,
    text: [...codes(article), ...causeOf(article)].join("\n").toLowerCase(),
    hidden: false,
  }));

  for (const {chunk} of entries) {
    chunk.size += 1;
    chunk.shown += 1;
    chunk.was += 1;
  }

  // A chunk out of sight is not laid out: how high it is has to be guessed from what is left in it.
  const fit = (entry) => {
    entry.was = entry.shown;
    entry.chunk.classList.toggle("empty", entry.shown === 0);
    entry.chunk.style.containIntrinsicHeight = entry.shown === entry.size ? "" : `${54 * entry.shown}px`;
  };

  const apply = (chosen) => {
    let count = 0;
    for (const entry of entries) {
      const hidden = !isChosen(entry, chosen);
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

  const clear = filtering(apply);

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

  addEventListener("hashchange", reveal);
  reveal();
})();
