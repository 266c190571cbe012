// The little that the console's pages cannot do by themselves: parts that refresh themselves, keys,
// and the live chat. Every page works without this file.
(() => {
  "use strict";

  // Parts of a page that are fetched anew: data-refresh="seconds".
  for (const part of document.querySelectorAll("[data-refresh]")) {
    setInterval(() => refresh(part), part.dataset.refresh * 1000);
  }

  async function refresh(part) {
    // Not under somebody's hands, and not in a tab that nobody looks at.
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const response = await fetch(location.href, { headers: { "X-Refresh": "1" } });
      if (!response.ok || response.redirected) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) {
        const more = Number(fresh.dataset.count) > Number(part.dataset.count);
        part.innerHTML = fresh.innerHTML;
        part.dataset.count = fresh.dataset.count;
        if (more) ring();
      }
    } catch {
      // The next time.
    }
  }

  /** A short tone for something new, where staff switched it on. */
  function ring() {
    if (localStorage.getItem("spinebot sound") !== "on") return;
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    tone.frequency.value = 660;
    tone.connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.15);
  }

  const sound = document.querySelector("[data-sound]");
  if (sound) {
    sound.hidden = false;
    const show = () => (sound.ariaPressed = localStorage.getItem("spinebot sound") === "on");
    sound.addEventListener("click", () => {
      localStorage.setItem("spinebot sound", sound.ariaPressed === "true" ? "off" : "on");
      show();
    });
    show();
  }

  // Keys: j and k move, r reviewed, l later, n next unreviewed, f flag, t tag, / search.
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...document.querySelectorAll("[data-row]")];
    if ((event.key === "j" || event.key === "k") && links.length) {
      const at = links.indexOf(document.activeElement);
      const next = links[event.key === "j" ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0)];
      next.focus();
      next.scrollIntoView({ block: "center" });
      event.preventDefault();
      return;
    }
    // A digit chooses for the item that has the focus, else for the first one.
    if (/^[0-9]$/.test(event.key)) {
      const item = document.activeElement.closest("[data-item]") ?? document.querySelector("[data-item]");
      item?.querySelector(`[data-digit="${event.key}"]`)?.click();
      return;
    }
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target) return;
    event.preventDefault();
    const holder = target.closest("details");
    if (holder) holder.open = true;
    if (target.matches("input, select, textarea")) target.focus();
    else target.click();
  });

  // A form that is checked as one types: it is sent as it is, and the parts of the page that judge
  // it are replaced. What has the focus stays.
  for (const form of document.querySelectorAll("form[data-check]")) {
    let wait, running;
    form.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(check, 600);
    });
    async function check() {
      running?.abort();
      running = new AbortController();
      const body = new URLSearchParams(new FormData(form));
      try {
        const response = await fetch(form.action, { method: "POST", body, signal: running.signal, headers: { "X-Refresh": "1" } });
        if (response.redirected) return;
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const part of form.querySelectorAll("[data-part]")) {
          const fresh = page.getElementById(part.id);
          if (fresh && !part.contains(document.activeElement)) part.innerHTML = fresh.innerHTML;
        }
      } catch {
        // Typed on, or the network is away: the next time.
      }
    }
  }

  // Ticks every message of a cluster.
  for (const button of document.querySelectorAll("[data-tick]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const id of button.dataset.tick.split(" ")) {
        const box = document.querySelector(`input[name="messages"][value="${id}"]`);
        if (box) box.checked = true;
      }
    });
  }
  // What a link leads to is opened, too.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details")) target.open = true;
  };
  addEventListener("hashchange", open);
  open();

  // Whoever comes back from a form goes on where they were.
  document.querySelector("[data-item]:target")?.focus();

  // The live chat: messages as they come, typing both ways, and that staff are still there.
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const log = document.getElementById("talk");
  const status = document.getElementById("live-status");
  const post = (what) => fetch(`${live.dataset.live}/${what}`, {
    method: "POST", headers: { "X-CSRF": document.body.dataset.csrf }, body: new URLSearchParams(),
  }).catch(() => {});

  const source = new EventSource(`${live.dataset.live}/events?after=${live.dataset.last}`);
  source.addEventListener("message", ({ data }) => {
    const { number, html } = JSON.parse(data);
    if (document.getElementById(`m${number}`)) return;
    log.insertAdjacentHTML("beforeend", html);
    log.lastElementChild.scrollIntoView({ block: "end" });
    status.textContent = "";
    if (live.dataset.mine) post("reading");
    if (document.hidden) ring();
  });
  let fades;
  source.addEventListener("typing", ({ data }) => {
    if (JSON.parse(data).who !== "visitor") return;
    status.textContent = "The visitor is writing...";
    clearTimeout(fades);
    fades = setTimeout(() => (status.textContent = ""), 6000);
  });
  // Whoever just pressed a button goes to another page anyway: a reload would cancel that.
  let isLeaving = false;
  document.addEventListener("submit", (event) => (isLeaving ||= !event.defaultPrevented));
  source.addEventListener("owner", () => isLeaving || location.reload());

  const form = document.getElementById("reply");
  if (!form) return;
  const box = form.elements.text;
  let told = 0;
  box.addEventListener("input", () => {
    if (Date.now() - told < 4000) return;
    told = Date.now();
    post("typing");
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    if (!box.value.trim()) return;
    const response = await fetch(form.action, { method: "POST", body, headers: { "X-Refresh": "1" } }).catch(() => null);
    if (response?.ok) {
      box.value = "";
      form.elements.key.value = crypto.getRandomValues(new Uint32Array(4)).join("");
    } else status.textContent = "Not sent. Your text is still there: try again.";
  });
  for (const canned of document.querySelectorAll("[data-canned]"))
    canned.addEventListener("click", () => {
      box.value = [box.value, canned.dataset.canned].filter(Boolean).join("\n");
      box.focus();
    });
  setInterval(() => post("presence"), 20000);
})();
