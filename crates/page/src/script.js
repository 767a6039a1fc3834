// What makes pages live: news of the run by server-sent events, parts of the page brought up to date from the server's
// own words, a switch between light and dark, and buttons that copy. Without it every page can still be read.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  const kept = localStorage.getItem("theme");
  if (kept) root.dataset.theme = kept;
  document.getElementById("theme")?.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // Not every page may write there: then the command is marked, to be copied by hand.
      getSelection().selectAllChildren(button.previousElementSibling);
    }
  });

  const main = document.querySelector("main[data-events]");
  if (!main) return;
  const connection = document.getElementById("connection");
  const MOST_LINES = 500;
  let seq = Number(main.dataset.seq);
  let busy = false;
  let wanted = false;
  let held = false;
  let took = 0;

  // What of a part has the keyboard, so that its like can have it after the part was exchanged.
  const reachable = (part) => [...part.querySelectorAll("a[href], button, summary, [tabindex]")];

  // Asks for the page again, and exchanges the parts that changed: focus, open details and what is being typed stay.
  async function refresh() {
    const began = performance.now();
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = [...page.querySelectorAll("[data-live]")];
    const ids = new Set(parts.map((part) => part.id));
    for (const old of main.querySelectorAll("[data-live]")) if (!ids.has(old.id)) old.remove();
    let before = null;
    for (const part of parts) {
      const old = document.getElementById(part.id);
      if (old && old.isEqualNode(part)) {
        before = old;
        continue;
      }
      const active = old?.contains(document.activeElement) ? document.activeElement : null;
      if (active?.matches("input, select, textarea") || (old?.matches(":hover") && getSelection().toString())) {
        held = true;
        before = old;
        continue;
      }
      const focused = active ? reachable(old).indexOf(active) : -1;
      const open = old ? [...old.querySelectorAll("details")].map((found) => found.open) : [];
      const scrolled = old ? [...old.querySelectorAll(".scroll, .log")].map((found) => [found.scrollLeft, found.scrollTop]) : [];
      if (old) old.replaceWith(part);
      else if (before) before.after(part);
      else main.append(part);
      part.querySelectorAll("details").forEach((found, index) => { if (open[index]) found.open = true; });
      part.querySelectorAll(".scroll, .log").forEach((found, index) => { if (scrolled[index]) [found.scrollLeft, found.scrollTop] = scrolled[index]; });
      if (focused >= 0) {
        const address = active.getAttribute("href");
        const same = address && reachable(part).find((found) => found.getAttribute("href") === address);
        (same || reachable(part)[focused])?.focus({ preventScroll: true });
      }
      before = part;
    }
    document.title = page.title;
    took = performance.now() - began;
  }

  // One at a time, and a page that takes long to make is asked for less often. What comes meanwhile is asked for after it.
  function changed() {
    wanted = true;
    if (busy) return;
    busy = true;
    setTimeout(async () => {
      wanted = false;
      try { await refresh(); } catch { /* The server is away: coming back to it asks again. */ }
      busy = false;
      if (wanted) changed();
    }, Math.max(500, 4 * took));
  }

  // A part that was being typed in is brought up to date when that is over.
  main.addEventListener("focusout", () => { if (held) { held = false; changed(); } });

  function tell(line) {
    const log = document.getElementById("log-lines");
    if (!log || document.getElementById(`event-${line.seq}`)) return;
    document.getElementById("log-empty")?.remove();
    const item = document.createElement("li");
    item.id = `event-${line.seq}`;
    item.className = line.weight;
    const time = document.createElement("time");
    time.dateTime = line.at;
    time.textContent = line.at.slice(11, 19);
    item.append(time, `${line.stage ? line.stage + ": " : ""}${line.text}`);
    log.prepend(item);
    while (log.children.length > MOST_LINES) log.lastElementChild.remove();
  }

  function listen() {
    const source = new EventSource(`${main.dataset.events}?after=${seq}`);
    // How the run stands may have changed while nobody listened: no record tells that its controller was killed.
    source.addEventListener("open", () => { connection.textContent = "live"; changed(); });
    source.addEventListener("error", () => {
      connection.textContent = "reconnecting";
      // A browser gives up on some errors: from then on it is for us to come back, where we were.
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(listen, 2000); }
    });
    source.addEventListener("record", (event) => {
      seq = Number(event.lastEventId);
      root.dataset.seq = seq;
      tell(JSON.parse(event.data));
      changed();
    });
    source.addEventListener("standing", changed);
    source.addEventListener("over", () => { source.close(); connection.textContent = "ended"; changed(); });
  }
  listen();
})();
