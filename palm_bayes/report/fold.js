// On a phone, tables that support an answer begin folded. On paper all are there.
(() => {
  const folds = [...document.querySelectorAll("details.fold")];
  let before = [];
  if (matchMedia("screen and (max-width: 36rem)").matches) {
    for (const fold of folds) fold.open = false;
  }
  addEventListener("beforeprint", () => {
    before = folds.map((fold) => fold.open);
    for (const fold of folds) fold.open = true;
  });
  addEventListener("afterprint", () => {
    folds.forEach((fold, i) => { fold.open = before[i]; });
  });
})();
