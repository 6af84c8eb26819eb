// What htmx and the browser do not do by themselves. Every page works without it.
// Components are found by data- attributes; nothing is bound to elements that a swap may replace.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (type, handle, capture = false) => document.addEventListener(type, handle, capture);
const words = () => $("#assertive").dataset;

// --- status strips: one tab stop, arrows, the word of the button under the pointer --------------------------------

function roving(strip, chosen) {
  const buttons = $$("button", strip);
  chosen ??= buttons.find((button) => button === document.activeElement)
    ?? buttons.find((button) => button.ariaPressed === "true") ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1;
}

function showWord(strip, button) {
  const word = $(".word", strip);
  button ??= $("[aria-pressed=true]", strip);
  const known = button && [...($("#bulk-value")?.options ?? [])].find((option) => option.value === button.value);
  if (word && known) word.textContent = known.text;
}

function step(items, current, key) {
  const at = items.indexOf(current);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
  return by && items[(at + by + items.length) % items.length];
}

const stripOf = (target) => target.closest?.(".strip");
on("mouseover", ({ target }) => target.closest(".strip button") && showWord(stripOf(target), target.closest("button")));
on("mouseout", ({ target }) => stripOf(target) && showWord(stripOf(target), $("button:focus-visible", stripOf(target))));
on("focusin", ({ target }) => {
  if (!target.matches(".strip button")) return;
  roving(stripOf(target), target);
  showWord(stripOf(target), target);
});
on("focusout", ({ target }) => stripOf(target) && showWord(stripOf(target)));

// --- menus: native popovers open and close them, arrows walk through them ------------------------------------------

const itemsOf = (menu) => $$("[role^=menuitem]", menu);
let byKey = false;
on("keydown", (event) => {
  byKey = true;
  const { target, key } = event;
  const menu = target.closest("[role=menu]");
  const found = menu ? !/Left|Right/.test(key) && step(itemsOf(menu), target, key)
    : stripOf(target) && !/Up|Down/.test(key) && step($$("button", stripOf(target)), target, key);
  if (found) {
    event.preventDefault();
    found.focus();
  } else if (menu && key === "Tab") {
    menu.hidePopover();
  } else if (key === "ArrowDown" && target.matches("[aria-haspopup=menu]")) {
    event.preventDefault();
    document.getElementById(target.getAttribute("popovertarget"))?.showPopover({ source: target });
  } else if (key === " " && target.matches("a[role=button]")) {
    event.preventDefault();
    target.click();
  } else if (!event.defaultPrevented && ((key === "Enter" && (event.ctrlKey || event.metaKey)) || (key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey))) {
    const save = $("[data-save]", target.closest("form") ?? document) ?? $("[data-save]");
    if (save) {
      event.preventDefault();
      save.form.requestSubmit(save);
    }
  }
});
on("pointerdown", () => { byKey = false; }, true);
on("toggle", ({ target, newState }) => {
  if (newState !== "open") return;
  if (target.matches("[role=menu]")) {
    if (byKey) itemsOf(target)[0]?.focus();
  } else if (target.matches("[role=dialog]")) {
    $("select, input:not([type=hidden], :disabled)", target)?.focus();
  }
}, true);

// --- shortcuts of actions: in a list for the chosen rows, or else for the row with the focus; on a sheet for its record ----
// Alt and Shift with the letter: single keys must be able to be switched off (WCAG 2.1.4).

on("keydown", (event) => {
  const { target, key, code } = event;
  if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || $("dialog[open]")) return;
  if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  const letter = (/^[a-z]$/i.test(key) ? key : code.replace("Key", "")).toUpperCase(); // a Mac types signs with Alt
  const place = $(".sheet-header") ?? ($(".pick input[name=id]:checked") ? $("#bulk") : target.closest("tr"));
  const keys = `Alt+Shift+${CSS.escape(letter)}`, form = $(`form[data-shortcut="${keys}"]`); // of the buttons in row menus
  const button = place && ($(`[aria-keyshortcuts="${keys}"]`, place) ?? (form && $(`[form=${form.getAttribute("id")}]`, place)));
  if (button) {
    event.preventDefault();
    button.click();
  }
});

// --- cells of a list edited in place: lists.js, loaded when a cell is double-clicked or walked to -------------------

let lists;
const withLists = (use) => { lists ??= import(words().lists); lists.then(use); };
on("dblclick", ({ target }) => {
  const cell = target.closest("#list tbody td:not(.pick)");
  if (cell && !target.closest("a, button, form")) withLists(({ edit }) => edit(cell));
});
on("click", (event) => {
  const opener = event.target.closest(".strip-menu");
  if (!opener || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  withLists(({ menu }) => menu(opener));
});
on("keydown", (event) => {
  const { target, key } = event, cell = target.closest?.("#list tbody tr > *");
  if (!cell || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const known = target.matches("td") ? /^(Arrow|Enter$|F2$|Escape$)/ : target.closest(".editing") ? /^(Escape|Tab)$/ : /^(ArrowRight|F2)$/;
  if (!known.test(key) || target.closest(".strip, .pick, [role=menu]")) return;
  if (key === "Tab" && (event.shiftKey || !target.matches("input, select, textarea"))) return;
  event.preventDefault();
  withLists(({ walk }) => walk(cell, key));
});

// --- palette, single keys and sequences: palette.js, loaded when it is first needed ---------------------------------

let palette;
const withPalette = (use) => { palette ??= import($("#palette").dataset.module); palette.then(use); };
on("keydown", (event) => {
  const { key, target } = event, held = event.ctrlKey || event.metaKey;
  if (event.defaultPrevented || event.altKey || !$("#palette") || $("dialog[open], [popover]:not(.side):popover-open")) return;
  if (held && !event.shiftKey && key.toLowerCase() === "k") {
    event.preventDefault();
    withPalette(({ open }) => open());
    return;
  }
  if (held || key.length !== 1 || key === " " || document.body.dataset.keys === "off") return;
  if (target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
  if (key === "/") event.preventDefault(); // the browser's own search
  withPalette(({ open, press }) => key === "/" ? open() : press({ key, target }));
});
on("click", (event) => {
  const opener = event.target.closest("[data-palette-open]");
  if (!opener || !event.detail) return; // Enter in the field searches
  event.preventDefault();
  withPalette(({ open }) => open($("input", opener.form)?.value));
});
on("input", ({ target }) => {
  if (!target.matches("[data-palette-open]")) return;
  const text = target.value;
  target.value = "";
  withPalette(({ open }) => open(text));
});

// --- filter: the value of the chosen operator ----------------------------------------------------------------------

function narrow(form) {
  const op = form.elements.op?.selectedOptions[0];
  if (!op) return;
  const { values, takes } = op.dataset, days = takes === "days" && values !== "none";
  const first = $("[data-value]", form), list = $("select[name=value]", first);
  enable($("[data-days]", form), days);
  enable(first, !days && values !== "none");
  enable($("[data-second]", form), !days && (values === "two" || values === "many"));
  if (list) list.multiple = values === "many";
}

function enable(part, wanted) {
  if (!part) return;
  part.hidden = !wanted;
  for (const one of $$("input, select", part)) one.disabled = !wanted;
}

on("change", ({ target }) => {
  const form = target.closest("[data-filter]");
  if (form && target.name === "op") narrow(form);
  if (form && target.name === "field") $("[id$=-rest]", form).replaceChildren(); // the server sends what fits
});

// --- selection -----------------------------------------------------------------------------------------------------

function selection() {
  const boxes = $$(".pick input[name=id]"), all = $("[data-all]"), chosen = boxes.filter((box) => box.checked).length;
  if (!all) return;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  const told = $("[data-selected]");
  if (told) told.textContent = chosen ? `${chosen} / ${boxes.length}` : "";
}

on("change", ({ target }) => {
  if (target.matches("[data-all]")) for (const box of $$(".pick input[name=id]")) box.checked = target.checked;
  if (target.matches(".pick input")) selection();
});

// --- messages: at least 20 s, never while hovered or focused, three at most ----------------------------------------

const LIFE = 20_000;
function tend() {
  const messages = $$("#done [data-message]");
  for (const old of messages.slice(0, -3)) old.remove();
  for (const message of messages) {
    if (message.dataset.since) continue;
    message.dataset.since = Date.now();
    expire(message, LIFE);
  }
}
function expire(message, wait) {
  setTimeout(() => {
    if (!message.isConnected) return;
    if (message.matches(":hover, :focus-within") || document.hidden) expire(message, 3000);
    else message.remove();
  }, wait);
}
function tell(text, again) {
  const message = document.createElement("div"), said = document.createElement("p"), button = document.createElement("button");
  message.className = "message";
  said.className = "message-text";
  button.className = "btn btn-sm btn-ghost";
  button.type = "button";
  message.dataset.message = button.dataset.dismiss = "";
  said.textContent = text;
  button.textContent = words().dismiss;
  message.append(said);
  if (again) {
    const retry = document.createElement("button");
    retry.className = "btn btn-sm";
    retry.type = "button";
    retry.textContent = words().again;
    retry.addEventListener("click", () => {
      message.remove();
      again();
    });
    message.append(retry);
  }
  message.append(button);
  $("#assertive").replaceChildren(message);
}

on("click", (event) => {
  const { target } = event;
  const shown = target.closest("[data-close]")?.closest("dialog[open]");
  if (shown) {
    event.preventDefault();
    shown.close();
  }
  const dismiss = target.closest("[data-dismiss]");
  if (dismiss) {
    const next = dismiss.closest("[data-message]");
    const other = (next.nextElementSibling ?? next.previousElementSibling)?.querySelector("button");
    next.remove();
    (other ?? $("h1") ?? $("#main")).focus();
  }
  const show = target.closest("[data-show]");
  if (show) {
    const input = document.getElementById(show.dataset.show), visible = input.type === "password";
    input.type = visible ? "text" : "password";
    show.ariaPressed = String(visible);
  }
});

// --- forms: saved once ------------------------------------------------------------------------------------------

on("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post") || event.submitter?.hasAttribute("data-again")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button?.closest(".form-bar")) {
    button.dataset.label = button.textContent;
    button.textContent = words().saving;
    button.ariaBusy = "true";
  }
});
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const form of $$("[data-sent]")) delete form.dataset.sent;
  for (const button of $$("[data-label]")) {
    button.textContent = button.dataset.label;
    button.ariaBusy = null;
  }
});

// --- htmx: focus survives, failures are told, slow answers show a line ---------------------------------------------

let kept = null;
function keep() {
  const active = document.activeElement;
  if (!active || active === document.body) return;
  kept = { id: active.id, key: active.dataset.key ?? active.value, row: active.closest("tr")?.id, next: active.closest("tr")?.nextElementSibling?.id };
}
function restore() {
  const lost = !document.activeElement || document.activeElement === document.body;
  if (lost && kept) {
    const row = kept.row && document.getElementById(kept.row), next = kept.next && document.getElementById(kept.next);
    const place = (kept.id && document.getElementById(kept.id))
      || (row && ((kept.key && $(`[data-key="${CSS.escape(kept.key)}"], button[value="${CSS.escape(kept.key)}"]`, row)) || $("a", row)))
      || (next && $("a", next)) || $("h1") || $("#main");
    place.focus({ preventScroll: true });
  }
  kept = null;
}

const targetOf = ({ target }) => typeof target === "string" ? $(target) : target; // an answer may name another one
let waiting = 0, line;
on("htmx:before:request", ({ detail }) => {
  waiting += 1;
  line ??= setTimeout(() => {
    $("#busy").hidden = false;
    targetOf(detail.ctx)?.setAttribute("aria-busy", "true");
  }, 1000);
});
on("htmx:finally:request", ({ detail }) => {
  waiting = Math.max(0, waiting - 1);
  if (waiting) return;
  clearTimeout(line);
  line = undefined;
  $("#busy").hidden = true;
  targetOf(detail.ctx)?.removeAttribute("aria-busy");
});
on("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (/^\s*<!doctype/i.test(ctx.text) && ctx.target !== document.body) { // signed out, or a page where a part was asked for
    event.preventDefault();
    location.assign(ctx.response.raw.redirected ? ctx.response.raw.url : location.href);
    return;
  }
  const refused = ctx.response.status >= 400 && (![409, 422].includes(ctx.response.status) || /^\s*<div class="alert/.test(ctx.text));
  if (refused) { // it is told below; part and address stay as they are
    event.preventDefault();
    return;
  }
  keep();
});
on("htmx:after:swap", ({ detail }) => {
  const target = targetOf(detail.ctx);
  if (target?.id === "list") {
    for (const open of $$("#list [popover]:popover-open")) open.hidePopover();
    $("#dialog[open]")?.close();
  }
  ready();
  restore();
  if (/-rest$/.test(target?.id)) $("select", target)?.focus();
  if (target?.matches("dialog:not([open])")) target.showModal(); // focus goes in, and back when it closes
});
on("htmx:response:error", ({ detail: { ctx } }) => {
  const part = new DOMParser().parseFromString(ctx.text ?? "", "text/html").querySelector(".alert");
  const ours = ctx.response.status >= 500;
  if (part || ![409, 422].includes(ctx.response.status)) tell(part?.textContent.trim() || words().lost, ours && repeat(ctx));
});
on("htmx:error", ({ detail }) => { if (detail.ctx) tell(words().lost, repeat(detail.ctx)); });

function repeat(ctx) { // what was pressed, pressed again; nothing when it is no longer there
  const source = ctx.sourceElement, submitter = ctx.sourceEvent?.submitter;
  if (!source?.matches("a, button, form")) return undefined;
  return () => {
    if (!source.isConnected) return;
    if (source.matches("form")) source.requestSubmit(submitter?.isConnected ? submitter : undefined);
    else source.click();
  };
}

// --- start, and again after each swap ------------------------------------------------------------------------------

function ready() {
  for (const strip of $$(".strip")) {
    roving(strip);
    if (!strip.contains(document.activeElement)) showWord(strip);
  }
  for (const form of $$("[data-filter]")) narrow(form);
  selection();
  tend();
  if ($(".column-choices")) import(words().lists);
  if ($("[data-combo]")) import(words().forms); // once: what is searched for while typing
}

ready();
$("[data-replay]")?.requestSubmit();
const problem = $("[data-problem]");
problem?.focus();
const said = $("#done");
if (said?.firstElementChild) { // what was in the page from the start is not announced: put it there again
  setTimeout(() => said.append(...said.children), 100);
}
