const table = document.querySelector(".tm-board");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const original = [...body.rows];
const places = new Map(original.map((row, i) => [row, i]));

const valueOf = (row, column) => {
  const text = row.cells[column].dataset.sort;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
};

const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));

const mark = (isFirst) => {
  [...body.rows].forEach((row, i, rows) => {
    const isApart = isFirst && i > 0 && row.dataset.tie !== rows[i - 1].dataset.tie;
    row.classList.toggle("tm-apart", Boolean(isApart));
  });
};

const sort = (column) => {
  const isUp = heads[column].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", isUp ? "ascending" : "descending");
  const rows = [...original].sort((a, b) => {
    const order = compare(valueOf(a, column), valueOf(b, column));
    return (isUp ? order : -order) || places.get(a) - places.get(b);
  });
  body.append(...rows);
  mark(column === 0 && isUp);
};

heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => sort(column)));
document.body.classList.add("tm-sortable");
mark(true);
