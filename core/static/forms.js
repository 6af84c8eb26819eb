// Forms: linked records found while typing, formats checked on change, nothing left by accident. All work without it.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (type, handle, capture = false) => document.addEventListener(type, handle, capture);

// --- comboboxes: the server searches, arrows and Enter choose (UX 7.4) ---------------------------------------------

const PAUSE = 200;
const comboOf = (target) => target.closest?.("[data-combo]");
const inputOf = (combo) => $("[role=combobox]", combo);
const listOf = (combo) => $("[role=listbox]", combo);

function upgrade(combo) {
  const input = $("input[type=text]", combo);
  if (!input || input.role === "combobox") return;
  input.role = "combobox";
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", listOf(combo).id);
  $("button[value=find]", combo)?.remove();
  const select = $("[data-matches]", combo);
  if (!select) return;
  const number = document.createElement("input");
  number.type = "hidden";
  number.name = select.name;
  number.dataset.number = "";
  combo.prepend(number);
  $(`label[for="${CSS.escape(select.id)}"]`, combo)?.remove();
  select.remove();
}

function close(combo) {
  clearTimeout(combo.waiting);
  combo.asked?.abort();
  const input = inputOf(combo);
  listOf(combo).hidden = true;
  input.ariaExpanded = "false";
  input.removeAttribute("aria-activedescendant");
}

function point(combo, option) {
  for (const other of $$("[role=option]", combo)) other.ariaSelected = String(other === option);
  const input = inputOf(combo);
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

async function ask(combo) {
  combo.asked?.abort();
  const asked = combo.asked = new AbortController();
  const input = inputOf(combo), list = listOf(combo);
  const url = `${combo.dataset.combo}?${new URLSearchParams({ q: input.value })}`;
  let text;
  try {
    const answer = await fetch(url, { signal: asked.signal, headers: { "HX-Request": "true" } });
    text = answer.ok && !answer.redirected ? await answer.text() : "";
  } catch {
    return;
  }
  if (asked.signal.aborted || document.activeElement !== input) return;
  const part = new DOMParser().parseFromString(text, "text/html");
  const options = $$("[role=option]", part);
  options.forEach((option, at) => { option.id = `${list.id}-${at}`; });
  list.replaceChildren(...options);
  list.hidden = !options.length;
  input.ariaExpanded = String(options.length > 0);
  input.removeAttribute("aria-activedescendant");
  $("[data-count]", combo).textContent = $("[data-said]", part)?.textContent ?? "";
}

function choose(combo, option) {
  const input = inputOf(combo), number = $("[data-number]", combo);
  input.value = $("[data-stands-for]", combo).value = option.textContent;
  number.value = option.dataset.value;
  close(combo);
  number.dispatchEvent(new Event("input", { bubbles: true })); // a form that is left now is not saved
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

on("input", ({ target }) => {
  const combo = comboOf(target);
  if (!combo || target.role !== "combobox") return;
  $("[data-number]", combo).value = ""; // another name: nothing is chosen until the server or the person says what
  clearTimeout(combo.waiting);
  combo.waiting = setTimeout(ask, PAUSE, combo);
});
on("keydown", (event) => {
  const { target, key } = event, combo = comboOf(target);
  if (!combo || target.role !== "combobox") return;
  const options = $$("[role=option]", combo), open = !listOf(combo).hidden;
  const at = options.findIndex((option) => option.ariaSelected === "true");
  if (key === "ArrowDown" || key === "ArrowUp") {
    event.preventDefault();
    if (!open) ask(combo);
    else point(combo, options[(at + (key === "ArrowDown" ? 1 : -1) + options.length + (at < 0 && key === "ArrowUp" ? 1 : 0)) % options.length]);
  } else if (key === "Enter" && open && at >= 0 && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    choose(combo, options[at]);
  } else if (key === "Escape" && open) {
    event.preventDefault();
    event.stopPropagation();
    close(combo);
  }
}, true);
on("pointerdown", (event) => event.target.closest("[data-combo] [role=listbox]") && event.preventDefault());
on("click", ({ target }) => {
  const option = target.closest("[data-combo] [role=option]"), combo = comboOf(target);
  if (option) choose(combo, option);
  else if (combo && target.role === "combobox" && listOf(combo).hidden) ask(combo);
});
on("focusout", ({ target }) => {
  const combo = comboOf(target);
  if (combo && target.role === "combobox") close(combo);
});

// --- formats: asked of the server when a field is left, never while typing, never of an empty one (UX 2.4) ---------

async function check(control) {
  const form = control.form, value = control.value;
  const field = control.closest(".field"), name = control.name;
  const wrong = control.closest(".has-error");
  if (!value.trim() || !(wrong || control.hasAttribute("data-check"))) return;
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, field: name, value });
  let said;
  try {
    const answer = await fetch(form.dataset.checks, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) return;
    said = (await answer.text()).trim();
  } catch {
    return; // saving checks everything again
  }
  if (control.value === value) show(control, field, said);
}

function show(control, field, said) {
  const owner = control.matches("[type=radio], [type=checkbox]") ? control.closest("fieldset") ?? control : control;
  const id = `${owner.id}-error`;
  let error = document.getElementById(id);
  const described = (owner.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  field.classList.toggle("has-error", Boolean(said));
  if (said) {
    if (!error) {
      error = document.createElement("p");
      error.className = "error";
      error.id = id;
      control.before(error);
    }
    error.textContent = said;
    described.push(id);
    owner.setAttribute("aria-invalid", "true");
  } else {
    error?.remove();
    owner.removeAttribute("aria-invalid");
  }
  if (described.length) owner.setAttribute("aria-describedby", described.join(" "));
  else owner.removeAttribute("aria-describedby");
  const line = $(`[data-problem] a[href="#${CSS.escape(owner.id)}"]`);
  if (!line) return;
  if (said) {
    line.textContent = said;
  } else {
    line.closest("li").remove();
    const summary = $("[data-problem]");
    if (!$("li", summary)) summary.remove();
  }
}

on("change", ({ target }) => {
  if (target.form?.dataset.checks && target.name && target.closest(".field") && !comboOf(target)) check(target);
});

// --- nothing typed is left by accident: a dialog for links and Back, the browser's own question for the rest --------

const leaving = $("#leave");
let dirty = false, then = null, marked = Boolean(history.state?.guarded);

function soil() {
  dirty = true;
  if (leaving && !marked) { // so that Back comes here first
    marked = true;
    history.pushState({ ...history.state, guarded: true }, "");
  }
}
function question(next) {
  then = next;
  if (!leaving.open) leaving.showModal();
}
const guarded = () => $("form[data-guard]");

on("input", ({ target }) => { if (target.closest("[data-guard]")) soil(); });
on("submit", ({ target }) => { if (target.hasAttribute("data-guard")) dirty = false; });
addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
on("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!dirty || !leaving || !link || leaving.contains(link) || event.defaultPrevented) return;
  const elsewhere = link.target && link.target !== "_self";
  const here = link.getAttribute("href").startsWith("#");
  if (elsewhere || here || link.hasAttribute("download") || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  question(() => location.assign(link.href));
}, true);
on("submit", (event) => {
  const form = event.target;
  if (!dirty || !leaving || form.hasAttribute("data-guard") || form.closest("#leave") || form.hasAttribute("hx-post")) return;
  event.preventDefault();
  event.stopPropagation();
  const submitter = event.submitter;
  question(() => form.requestSubmit(submitter));
}, true);
addEventListener("popstate", ({ state }) => {
  if (!marked || state?.guarded || location.hash) return; // a link to a field of the same page
  marked = false;
  if (!dirty) history.back(); // the page before, which Back was pressed for
  else question(() => history.back());
});
leaving?.addEventListener("close", () => {
  const next = then, answer = leaving.returnValue;
  then = null;
  leaving.returnValue = "";
  if (answer === "leave") {
    dirty = false;
    next?.();
  } else if (answer === "save") {
    const save = $("[data-save]", guarded()) ?? guarded().querySelector("[type=submit]");
    guarded().requestSubmit(save);
  } else if (!marked) {
    soil();
  }
});
on("keydown", (event) => {
  const cancel = $("form[data-guard] .form-bar a");
  if (event.key !== "Escape" || event.defaultPrevented || !cancel || $(":popover-open, dialog[open]")) return;
  if (!event.target.closest("form[data-guard]")) return;
  event.preventDefault(); // else the same press would close the dialog it opens
  cancel.click();
});

// --- parts of a numbering pattern -----------------------------------------------------------------------------------

on("click", (event) => {
  const part = event.target.closest("[data-token]"), mask = $("#f-mask");
  if (!part || !mask) return;
  event.preventDefault();
  mask.setRangeText(part.value, mask.selectionStart, mask.selectionEnd, "end");
  mask.dispatchEvent(new Event("input", { bubbles: true }));
  mask.focus();
});

// --- start, and again after each swap ------------------------------------------------------------------------------

function ready() {
  for (const combo of $$("[data-combo]")) upgrade(combo);
}

ready();
on("htmx:after:swap", ready);
if ($("[data-problem]")?.closest("[data-guard]")) dirty = true;
