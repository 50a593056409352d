(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function themed(layout, narrow) {
    var copy = JSON.parse(JSON.stringify(layout));
    var ink = colour("--ink"), grid = colour("--grid"), line = colour("--line");
    copy.paper_bgcolor = "rgba(0,0,0,0)";
    copy.plot_bgcolor = "rgba(0,0,0,0)";
    copy.font = { family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 13, color: ink };
    copy.hoverlabel = { bgcolor: colour("--card"), bordercolor: line, font: { color: ink } };
    ["xaxis", "yaxis"].forEach(function (name) {
      var axis = copy[name] = copy[name] || {};
      axis.gridcolor = grid; axis.linecolor = line; axis.zerolinecolor = line; axis.fixedrange = true;
      if (narrow && axis.nticks) { axis.nticks = 6; }
      if (axis.title) { axis.title.font = { size: narrow ? 11 : 12, color: colour("--soft") }; axis.title.standoff = 8; }
    });
    if (narrow && copy.legend) { copy.legend.font = { size: 10 }; }
    return copy;
  }
  function draw() {
    var narrow = window.innerWidth < 640;
    Object.keys(figures).forEach(function (id) {
      var box = document.getElementById(id);
      if (box) {
        Plotly.react(box, figures[id].data, themed(figures[id].layout, narrow), { displayModeBar: false, responsive: true });
      }
    });
  }
  draw();
  dark.addEventListener("change", draw);
})();
