// The page works without this script: values have titles, and labels of a map that overlap are hidden.
"use strict";
for (const chart of document.querySelectorAll("svg.chart[data-series]")) {
  const { left, right, count, series } = JSON.parse(chart.dataset.series);
  const line = chart.querySelector(".cursor"), readout = chart.parentNode.querySelector(".readout");
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect(), width = chart.viewBox.baseVal.width;
    const x = ((event.clientX - box.left) / box.width) * width;
    const share = (x - left) / Math.max(right - left, 1);
    const at = Math.max(0, Math.min(count - 1, Math.round(share * (count - 1))));
    const place = count > 1 ? left + (at / (count - 1)) * (right - left) : left;
    line.setAttribute("x1", place);
    line.setAttribute("x2", place);
    line.style.visibility = "visible";
    const values = series.filter((each) => each.values[at] != null).map((each) => `${each.name} ${each.values[at]}`);
    readout.textContent = `epoch ${at + 1}: ${values.join(" · ")}`;
  });
  chart.addEventListener("pointerleave", () => { line.style.visibility = "hidden"; readout.textContent = ""; });
}
for (const map of document.querySelectorAll("svg.map")) {
  const view = map.viewBox.baseVal, full = { x: 0, y: 0, width: view.width, height: view.height };
  const texts = [...map.querySelectorAll("text")], dots = [...map.querySelectorAll("circle")];
  function draw() {
    const scale = view.width / full.width, taken = [];
    for (const dot of dots) dot.setAttribute("r", 3 * scale);
    for (const text of texts) {  // the most important first
      const size = 14 * scale, wide = text.textContent.length * size, x = +text.dataset.x, y = +text.dataset.y;
      const box = [x, y - size, x + wide + 4 * scale, y + 0.3 * size];
      const inside = x > view.x - wide && x < view.x + view.width && y > view.y - size && y < view.y + view.height + size;
      const free = inside && taken.every((b) => box[0] > b[2] || box[2] < b[0] || box[1] > b[3] || box[3] < b[1]);
      text.classList.toggle("hidden", !free);
      if (!free) continue;
      taken.push(box);
      text.setAttribute("font-size", size);
      text.setAttribute("x", x + 4 * scale);
    }
  }
  function zoom(factor, x, y) {
    const width = Math.min(full.width, Math.max(full.width / 64, view.width * factor)), by = width / view.width;
    view.x = Math.max(0, Math.min(full.width - width, x - (x - view.x) * by));
    view.y = Math.max(0, Math.min(full.height - full.height * (width / full.width), y - (y - view.y) * by));
    view.width = width;
    view.height = full.height * (width / full.width);
    draw();
  }
  const place = (event) => {
    const box = map.getBoundingClientRect();
    return [view.x + ((event.clientX - box.left) / box.width) * view.width,
            view.y + ((event.clientY - box.top) / box.height) * view.height];
  };
  map.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, ...place(event));
  }, { passive: false });
  let grip = null;
  map.addEventListener("pointerdown", (event) => { grip = place(event); map.setPointerCapture(event.pointerId); });
  map.addEventListener("pointerup", () => { grip = null; });
  map.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = place(event);
    view.x = Math.max(0, Math.min(full.width - view.width, view.x + grip[0] - x));
    view.y = Math.max(0, Math.min(full.height - view.height, view.y + grip[1] - y));
    draw();
  });
  for (const button of map.parentNode.querySelectorAll("button[data-zoom]")) {
    button.hidden = false;
    button.addEventListener("click", () =>
      zoom(+button.dataset.zoom, view.x + view.width / 2, view.y + view.height / 2));
  }
  draw();
}
