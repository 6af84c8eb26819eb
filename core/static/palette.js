// The command palette, and what single keys and sequences of letters do (UX 1.3, 1.6). app.js loads it when first needed.
// Every page works without it: the field leads to the search, and what a key does is a link or a button of the page.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const PAUSE = 120, SEQUENCE = 1500;

// --- the palette ---------------------------------------------------------------------------------------------------

const dialog = $("#palette"), input = document.createElement("input"), found = document.createElement("div");
input.className = "form-control";
input.role = "combobox";
input.ariaLabel = $(".search-top input").ariaLabel;
input.ariaAutoComplete = "list";
input.ariaExpanded = "false";
input.autocomplete = "off";
input.spellcheck = false;
dialog.append(input, found);
const options = () => $$("[role=option]", found);
const active = () => $("[aria-selected=true]", found);
let waiting, asked;

export function open(text = "") {
  if ($("dialog[open]")) return;
  input.value = text;
  fill();
  dialog.showModal();
  input.focus();
  ask();
}

function point(option) {
  for (const other of options()) other.ariaSelected = String(other === option);
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function fill(parts = []) {
  found.replaceChildren(...parts);
  const list = $("[role=listbox]", found);
  input.ariaExpanded = String(Boolean(list));
  if (list) input.setAttribute("aria-controls", list.id);
  else input.removeAttribute("aria-controls");
}

async function ask() {
  asked?.abort();
  const mine = asked = new AbortController();
  const query = new URLSearchParams({ q: input.value, ctx: location.pathname + location.search });
  let text;
  try {
    const answer = await fetch(`/palette?${query}`, { signal: mine.signal, headers: { "HX-Request": "true" } });
    if (answer.redirected || answer.status === 401) return location.reload();
    text = answer.ok ? await answer.text() : "";
  } catch {
    return;
  }
  if (mine.signal.aborted) return;
  const part = $("[data-palette-answer]", new DOMParser().parseFromString(text, "text/html"));
  fill(part?.children ?? []);
  point(options()[0]);
}

function keep() { // what something was opened by is among the last searches then
  if (!input.value.trim()) return;
  fetch(`/palette?${new URLSearchParams({ q: input.value, keep: "1" })}`, { keepalive: true, headers: { "HX-Request": "true" } });
}

function run(option, elsewhere) {
  keep();
  const fields = option.dataset.fields;
  if (!fields) {
    if (elsewhere) window.open(option.href, "_blank", "noopener");
    else {
      dialog.close();
      location.assign(option.href);
    }
    return;
  }
  const form = document.createElement("form");
  form.method = "post";
  form.action = option.href;
  form.hidden = true;
  const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
  for (const [name, value] of [["csrf_token", token], ...JSON.parse(fields)]) {
    const field = document.createElement("input");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  dialog.close();
  document.body.append(form);
  form.requestSubmit();
}

input.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE);
});
input.addEventListener("keydown", (event) => {
  const { key } = event, all = options(), at = all.indexOf(active());
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[key];
  if (to !== undefined && all.length) {
    event.preventDefault();
    point(all[(to + all.length) % all.length]);
  } else if (key === "Enter") {
    event.preventDefault();
    event.stopPropagation(); // Ctrl+Enter saves a form elsewhere
    if (active()) run(active(), event.ctrlKey || event.metaKey);
    else if (input.value.trim()) {
      keep();
      location.assign(`/search?${new URLSearchParams({ q: input.value })}`);
    }
  }
});
found.addEventListener("click", (event) => {
  if (event.target.closest("#palette-all")) keep();
  const option = event.target.closest("[role=option]");
  if (!option || ((event.ctrlKey || event.metaKey) && !option.dataset.fields)) return;
  event.preventDefault();
  run(option);
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// --- keys ----------------------------------------------------------------------------------------------------------

let first = "", pressed = 0;
const rows = () => $$("#list tbody tr");
const rowOf = (target) => target.closest?.("#list tbody tr");

function move(target, by) {
  const all = rows(), at = all.indexOf(rowOf(target));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  $("th[scope=row] a", next ?? document.body)?.focus();
  if (!all.length) $(`[data-step="${by > 0 ? "next" : "previous"}"]`)?.click();
}

let last = null;
function select(target, range) {
  const row = rowOf(target), all = rows();
  if (!row) return;
  const from = range && last?.isConnected ? all.indexOf(last) : all.indexOf(row), to = all.indexOf(row);
  const box = $("input[name=id]", row), checked = range ? true : !box?.checked;
  for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
    const other = $("input[name=id]:not(:disabled)", one);
    if (other) other.checked = checked;
  }
  last = row;
  box?.dispatchEvent(new Event("change", { bubbles: true }));
}

async function help() { // the list of keys, in the dialog of every page
  const box = $("#dialog"), answer = await fetch("/help/keys", { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) return location.assign("/help");
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  box.replaceChildren(...part.body.children);
  box.showModal();
  return undefined;
}

const click = (selector) => { const found = $(selector); found?.click(); return Boolean(found); };
const KEYS = {
  "?": help,
  j: ({ target }) => move(target, 1),
  k: ({ target }) => move(target, -1),
  x: ({ target }) => select(target, false),
  X: ({ target }) => select(target, true),
  f: () => click("#list [popovertarget=filter]"),
  v: () => $("#list .views a")?.focus(),
  e: ({ target }) => rowOf(target) ? import($("#assertive").dataset.lists).then(({ walk }) => walk(target.closest("td, th"), "F2")) : click(".sheet-header a[href$='/edit']"),
  m: ({ target }) => $(".strip [tabindex='0'], .strip-menu", rowOf(target) ?? $("main"))?.focus() ?? ($(".path [aria-current], .path button") ?? $(".chooser select"))?.focus(),
  n: () => { const note = $("#note, [data-note] textarea, [data-note]"); note?.focus(); },
  u: () => { const undo = $$("#done form[action^='/undo/']").at(-1); undo?.requestSubmit(); },
};

export function press({ key, target }) {
  const now = Date.now(), before = now - pressed < SEQUENCE ? first : "";
  first = "";
  if (before === "g" || before === "c") {
    const link = $(`[data-key="${before} ${CSS.escape(key.toLowerCase())}"]`);
    if (link) return link.click();
  }
  if (before === "s" && /^[1-9]$/.test(key)) {
    const opener = rowOf(target) && $(".strip-menu", rowOf(target));
    if (opener) return import($("#assertive").dataset.lists).then(({ set }) => set(opener, key - 1));
    return $$(".strip button", rowOf(target) ?? $(".path"))[key - 1]?.click();
  }
  if (key === "g" || key === "c" || (key === "s" && rowOf(target))) {
    first = key;
    pressed = now;
    return undefined;
  }
  return KEYS[key]?.({ target });
}
