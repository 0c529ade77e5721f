// The reader's time zone, the fleet's clock in the header, and what counts down.
"use strict";

(() => {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  document.cookie = `forecall_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  if (root.dataset.zone !== zone && document.querySelector("main time")) {
    // The first page after a login from a new place: it was rendered before the zone was known.
    if (!sessionStorage.getItem("forecall-zone-told")) {
      sessionStorage.setItem("forecall-zone-told", zone);
      location.reload();
    }
  }

  const lang = root.lang;
  const speed = Number(root.dataset.speed);
  let shown = Date.parse(root.dataset.now);
  let at = performance.now();

  const forecall = (window.forecall = {
    /** The fleet's time in milliseconds, running on between two looks at the server. */
    now: () => shown + (performance.now() - at) * speed,
    /** The server said what time it is. */
    tell: (moment) => {
      shown = moment;
      at = performance.now();
    },
    lang,
  });

  const clock = document.getElementById("clock");
  const face = new Intl.DateTimeFormat(lang, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
  });
  const unit = (count, name) =>
    new Intl.NumberFormat(lang, { style: "unit", unit: name, unitDisplay: lang.startsWith("en") ? "narrow" : "short" }).format(count);

  const span = (seconds, days = true) => {
    const parts = [
      [days ? Math.floor(seconds / 86400) : 0, "day"],
      [Math.floor((days ? seconds % 86400 : seconds) / 3600), "hour"],
      [Math.floor((seconds % 3600) / 60), "minute"],
      [Math.floor(seconds % 60), "second"],
    ];
    let first = parts.findIndex(([count]) => count > 0);
    if (first < 0) first = 3;
    return parts.slice(first, first + 2).filter(([count], index) => count > 0 || index === 0)
      .map(([count, name]) => unit(count, name)).join(" ");
  };

  // A clock of a promise: it runs in its hours only, and not at all while the case waits.
  const count = (clock, now) => {
    const since = Date.parse(clock.at);
    const hours = clock.runs === "always" ? [[-Infinity, Infinity]]
      : clock.runs.split(" ").filter(Boolean).map((pair) => pair.split("/").map(Number));
    const ran = hours.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(now, to) - Math.max(since, from)), 0);
    return { left: Number(clock.left) - ran / 1000, stands: !hours.some(([from, to]) => from <= now && now < to) };
  };

  const tick = () => {
    const now = forecall.now();
    if (clock) clock.textContent = face.format(now);
    for (const element of document.querySelectorAll("[data-left]")) {
      const { left, stands } = count(element.dataset, now);
      element.textContent = (left < 0 ? "−" : "") + span(Math.abs(left), !("hours" in element.dataset));
      const box = element.closest(".sla, .sla-cell");
      box?.classList.toggle("sla-late", left < 0);
      box?.classList.toggle("sla-stands", stands);
    }
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = span(Math.max(0, (now - Date.parse(element.dataset.since)) / 1000));
    }
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
})();
