// What scrolls sideways must also be reached by the keyboard.
addEventListener("load", () => {
  for (const part of document.querySelectorAll("pre, .table-wrapper, div.math")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  }
});
