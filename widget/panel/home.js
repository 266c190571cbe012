/** The home tab: articles, also where the dialogue is away. */

import { element, texts } from "./host.js";
import { request } from "./server.js";
import { icon, hidden, box, small, alert } from "./pieces.js";
import { passage, emergency } from "./messages.js";

export async function loadTopics(panel) {
  if (panel.views.home || !panel.config) return;
  // A server without topics has no home tab.
  const found = await request("GET", "topics").catch(() => null);
  if (!found || panel.views.home) return;
  const show = (question) => passage(question.title, question);
  const questions = found.topics.flatMap((topic) => topic.questions);
  const top = found.top.map((title) => questions.find((question) => question.title === title));
  panel.addTab("home");
  panel.addView("home", searchForm(panel),
    element("h3", {}, texts.topics), ...top.filter(Boolean).map(show),
    ...found.topics.map((topic) => element("details", { class: "topic" },
      element("summary", {}, topic.title, icon("down")), ...topic.questions.map(show))));
}

function searchForm(panel) {
  const input = element("input", { type: "search", id: "search", maxlength: 200 });
  const results = element("div", { "aria-live": "polite" });
  const form = element("form", { role: "search" },
    element("label", { for: "search" }, texts.search),
    box("row", input, element("button", { class: "round" }, icon("find"), hidden(texts.find))), results);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (input.value.trim()) results.replaceChildren(...await search(panel, input.value));
  });
  return form;
}

async function search(panel, q) {
  panel.count("search");
  try {
    const { emergency: alarm, results } = await request("GET", `search?${new URLSearchParams({ q })}`);
    if (alarm) return [emergency(alarm)];
    return [small(texts.found(results.length)), ...results.map((result) => passage(result.section_title, result))];
  } catch {
    return [alert(texts.away)];
  }
}
