const form = document.querySelector(".tm-filter");
const cards = [...document.querySelectorAll(".tm-card")];
const filter = () => {
  const wanted = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const card of cards) {
    card.hidden = Object.entries(wanted).some(([key, value]) => value && card.dataset[key] !== value);
    shown += card.hidden ? 0 : 1;
  }
  const output = form.querySelector("output");
  output.value = output.dataset.text.replace("#", shown);
};
if (form) {
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = cards.filter((card) => !card.open);
  for (const card of closed) card.open = true;
});
window.addEventListener("afterprint", () => {
  for (const card of closed) card.open = false;
});
