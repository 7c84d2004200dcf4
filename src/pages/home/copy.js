"use strict";
const said = document.getElementById("said");
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const [word, about] = button.children;
  let later;
  const tell = (short, long) => {
    word.textContent = short;
    said.textContent = long;
    clearTimeout(later);
    later = setTimeout(() => { word.textContent = "Copy"; said.textContent = ""; }, 4000);
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      tell("Copied", `Copied ${about.textContent}.`);
    } catch {
      getSelection().selectAllChildren(source);
      tell("Selected", `Selected ${about.textContent}. Copy it with your keyboard.`);
    }
  });
}
