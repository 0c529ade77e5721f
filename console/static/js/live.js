// One stream from the server: it tells the figures, and which regions of the page to fetch anew.
"use strict";

(() => {
  const REST_MS = 2000; // a region is fetched at most this often
  const state = document.getElementById("link-state");
  const due = new Map(); // region -> the topics' news has come, not fetched yet
  const fetched = new WeakMap(); // region -> when

  const show = (here) => {
    state.textContent = here ? state.dataset.here : state.dataset.away;
    state.classList.toggle("away", !here);
  };

  // Words that somebody has begun to write, or a choice that is not sent yet, must not be swept away.
  const begun = (field) => {
    if (field.matches("select")) {
      const first = [...field.options].findIndex((option) => option.defaultSelected);
      return field.selectedIndex > 0 ? field.selectedIndex !== first : first > 0;
    }
    return field.matches("[type=checkbox]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  };

  const busy = (region) => {
    const active = document.activeElement;
    if (region.contains(active) && active.matches("input, select, textarea")) return true;
    return [...region.querySelectorAll("form input:not([type=hidden]), form select, form textarea")].some(begun);
  };

  const fetchDue = () => {
    if (document.hidden || document.querySelector(".filters.htmx-request")) return;
    const now = performance.now();
    for (const region of [...due.keys()]) {
      if (!region.isConnected) due.delete(region);
      else if (!busy(region) && now - (fetched.get(region) ?? -Infinity) >= REST_MS) {
        due.delete(region);
        fetched.set(region, now);
        const source = region.dataset.source || location.pathname + location.search;
        htmx.ajax("GET", source, { source: region, target: region });
      }
    }
  };

  // Somebody may have begun while the answer was on its way: it is fetched anew once they are done.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.requestConfig.elt;
    if (!region.matches("[data-live]") || !busy(region)) return;
    event.detail.shouldSwap = false;
    due.set(region, true);
  });

  const flash = (element) => {
    element.classList.remove("changed");
    void element.offsetWidth; // lets the animation begin anew
    element.classList.add("changed");
  };

  const figures = (values) => {
    for (const element of document.querySelectorAll("[data-figure]")) {
      const value = values[element.dataset.figure];
      if (value === undefined || element.textContent === value) continue;
      const first = element.textContent === "";
      element.textContent = value;
      if (!first) flash(element);
    }
  };

  const source = new EventSource("/live");
  source.addEventListener("open", () => show(true));
  source.addEventListener("error", () => show(false));
  source.addEventListener("look", (message) => {
    const look = JSON.parse(message.data);
    forecall.tell(Date.parse(look.at));
    figures(look.figures);
    for (const region of document.querySelectorAll("[data-live]")) {
      if (region.dataset.live.split(" ").some((topic) => look.topics.includes(topic))) due.set(region, true);
    }
    fetchDue();
  });
  setInterval(fetchDue, 500);
  document.addEventListener("visibilitychange", fetchDue);
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
})();

// What a link leads to is opened.
document.querySelector("details:target")?.setAttribute("open", "");

// A form that was sent is emptied for the next words.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.elt.matches("form[data-clear]")) event.detail.elt.reset();
});

// What can't be undone is asked about; what was sent the plain way is confirmed on the page that it leads to.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) event.preventDefault();
  else if (form.matches("main form[method=post]:not([hx-post])")) sessionStorage.setItem("forecall-sent", "1");
});

const tell = (element, words, forMs) => {
  element.textContent = words;
  setTimeout(() => (element.textContent = ""), forMs);
};

if (sessionStorage.getItem("forecall-sent")) {
  sessionStorage.removeItem("forecall-sent");
  const done = document.getElementById("done");
  if (!document.getElementById("problem")) tell(done, done.dataset.done, 4000);
}

// What the server refused is said in the words of its own page about it.
document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  tell(document.getElementById("toast"), page.querySelector("h1")?.textContent ?? event.detail.xhr.statusText, 8000);
});
