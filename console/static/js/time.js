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

  const span = (seconds) => {
    const parts = [
      [Math.floor(seconds / 86400), "day"],
      [Math.floor((seconds % 86400) / 3600), "hour"],
      [Math.floor((seconds % 3600) / 60), "minute"],
      [Math.floor(seconds % 60), "second"],
    ];
    let first = parts.findIndex(([count]) => count > 0);
    if (first < 0) first = 3;
    return parts.slice(first, first + 2).filter(([count], index) => count > 0 || index === 0)
      .map(([count, name]) => unit(count, name)).join(" ");
  };

  const tick = () => {
    const now = forecall.now();
    if (clock) clock.textContent = face.format(now);
    for (const element of document.querySelectorAll("[data-due]")) {
      const left = (Date.parse(element.dataset.due) - now) / 1000;
      element.textContent = (left < 0 ? "−" : "") + span(Math.abs(left));
      element.closest(".sla")?.classList.toggle("sla-late", left < 0);
    }
    for (const element of document.querySelectorAll("[data-since]")) {
      element.textContent = span(Math.max(0, (now - Date.parse(element.dataset.since)) / 1000));
    }
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
})();
