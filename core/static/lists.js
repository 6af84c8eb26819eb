// What lists do beside what every page does (UX 2.1): cells that are walked through by arrows and edited in place, the
// menu of a status, the choice of columns. app.js loads it when it is first needed. Without script the menu of each row
// leads to the form, a status too, and columns are moved by the server.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const before = new WeakMap(); // what a cell showed before it was edited
let next = null; // where to go on once the row was saved: its id, the cell's place, and whether to edit there

const heads = () => [...$("#list thead tr").cells];
const fieldOf = (cell) => cell.matches("td") ? heads()[cell.cellIndex]?.dataset.edits : undefined;
const controlOf = (root) => $(".field :is(input, select, textarea):not([type=hidden])", root);
const linkOf = (row) => $("th[scope=row] a", row);

function go(cell) {
  if (!cell) return;
  if (cell.matches("th")) linkOf(cell.parentElement)?.focus();
  else {
    cell.tabIndex = -1;
    cell.focus();
  }
}

function close(cell) {
  cell.classList.remove("editing");
  cell.replaceChildren(...before.get(cell) ?? []);
}

export async function edit(cell) {
  const field = fieldOf(cell), row = cell.closest("tr");
  if (!field || cell.classList.contains("editing")) return;
  for (const open of $$("#list .editing")) close(open);
  before.set(cell, [...cell.childNodes]);
  cell.classList.add("editing");
  const path = new URL(location.href).pathname.replace(/\/$/, "");
  const url = `${path}/${row.id.replace("row-", "")}/field/${encodeURIComponent(field)}?list=1`;
  await window.htmx.ajax("GET", url, { target: cell, swap: "innerHTML" });
  const control = controlOf(cell);
  if (!control) return close(cell);
  control.focus();
  if (control.matches("input, textarea")) control.select?.();
  return undefined;
}

function beside(cell, by) {
  const cells = [...cell.parentElement.cells].filter((one) => !one.matches(".pick"));
  return cells[Math.min(Math.max(cells.indexOf(cell) + by, 0), cells.length - 1)];
}

function nextEdited(cell) {
  const cells = [...cell.parentElement.cells];
  return cells.slice(cell.cellIndex + 1).find(fieldOf) ?? (fieldOf(cell) ? cell : cells.find(fieldOf));
}

export function walk(cell, key) {
  const row = cell.parentElement, form = $("form", cell);
  if (cell.classList.contains("editing")) {
    if (key === "Escape") {
      close(cell);
      go(cell);
    } else {
      const other = nextEdited(cell);
      next = { row: row.id, at: other.cellIndex, edits: other !== cell };
      form?.requestSubmit($("[data-save]", form));
    }
  } else if (key === "Enter" || key === "F2") {
    const chosen = fieldOf(cell) ? cell : cell.matches("th") ? nextEdited(cell) : undefined;
    if (chosen) edit(chosen);
  } else if (key === "Escape") go($("th[scope=row]", row));
  else if (/Left|Right/.test(key)) go(beside(cell, key === "ArrowRight" ? 1 : -1));
  else go(row[key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling"]?.cells[cell.cellIndex]);
}

// --- a status as a menu, where a list is too long for strips --------------------------------------------------------

const statuses = () => [...$("#bulk-value")?.options ?? []];

export function set(opener, place) {
  const option = statuses()[place], row = opener.closest("tr");
  if (!option) return;
  const values = { value: option.value, seen: opener.dataset.seen };
  window.htmx.ajax("POST", opener.pathname.replace(/field\/[^/]+$/, "status"), { source: opener, target: row, swap: "outerMorph", values });
}

export function menu(opener) {
  let box = $("#status-menu");
  if (!box) {
    box = document.createElement("div");
    box.id = "status-menu";
    box.popover = "auto";
    box.role = "menu";
    $("#main").append(box); // no list, which is renewed, but a landmark
  }
  box.ariaLabel = $("label[for=bulk-value]").textContent;
  box.replaceChildren(...statuses().map((option, place) => {
    const item = document.createElement("button");
    item.role = "menuitemradio";
    item.ariaChecked = String(option.value === opener.dataset.seen);
    item.textContent = option.text;
    item.addEventListener("click", () => {
      box.hidePopover();
      opener.focus();
      set(opener, place);
    });
    return item;
  }));
  box.showPopover({ source: opener });
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("#list .editing");
  if (!cell || !event.target.closest("a.btn-ghost")) return;
  event.preventDefault();
  close(cell);
  go(cell);
});
document.addEventListener("submit", ({ target }) => {
  const cell = target.closest("#list .editing");
  if (cell && !next) next = { row: cell.parentElement.id, at: cell.cellIndex, edits: false };
}, true);
document.addEventListener("htmx:after:swap", () => {
  if (!next) return;
  const { row, at, edits } = next, open = $("#list .editing form"), cell = document.getElementById(row)?.cells[at];
  next = null;
  if (open) ($("[aria-invalid]", open) ?? controlOf(open))?.focus(); // it was refused: the form says why
  else if (cell && edits) edit(cell);
  else go(cell);
});

// --- columns: moved in the dialog, sent with Apply -----------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest(".column-choices [name=move]"), line = button?.closest("li");
  if (!button) return;
  event.preventDefault();
  const up = button.value.startsWith("up:"), other = up ? line.previousElementSibling : line.nextElementSibling;
  if (other && !$("input:disabled", other)) other[up ? "before" : "after"](line);
  button.focus();
});

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-narrows]")) return;
  const words = folded(target.value).split(/\s+/), lines = $$(".column-choices li", target.form);
  for (const line of lines) line.hidden = !words.every((word) => folded(line.textContent).includes(word));
  $("[role=status]", target.parentElement).textContent = lines.filter((line) => !line.hidden).length;
});
document.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.matches("[data-narrows]")) event.preventDefault(); });
