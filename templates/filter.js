// The controls of a filter over definitions, kept in the address. `apply` is given what is chosen, anew each time.
const filtering = (apply) => {
  const form = document.getElementById("filter");
  const query = document.getElementById("query");
  const toggles = [...form.querySelectorAll("button[aria-pressed]")];
  const selects = [...form.querySelectorAll("select")];

  const pressed = () => toggles.filter((button) => button.getAttribute("aria-pressed") === "true")
    .map((button) => button.value);

  const press = (statuses) => toggles.forEach((button) => {
    button.setAttribute("aria-pressed", String(statuses.includes(button.value)));
  });

  const choose = () => apply({
    statuses: pressed(),
    words: query.value.toLowerCase().split(/\s+/).filter(Boolean),
    members: selects.filter((select) => select.value).map((select) => [select.name, select.value]),
  });

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
    choose();
    clearTimeout(waiting);
    waiting = setTimeout(remember, 150);
  };

  const clear = () => {
    query.value = "";
    press([]);
    selects.forEach((select) => { select.value = ""; });
    update();
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

  form.hidden = false;
  restore();
  choose();
  return clear;
};

const isChosen = (entry, {statuses, words, members}) =>
  (statuses.length === 0 || statuses.includes(entry.status))
  && members.every(([name, value]) => entry[name] === value)
  && words.every((word) => entry.text.includes(word));
