const groups = [...document.querySelectorAll("details.group")];
const unfold = () => { const group = document.getElementById(location.hash.slice(1)); if (group) group.open = true; };
addEventListener("hashchange", unfold);
unfold();
if (groups.length > 1) {
  const filter = document.createElement("input");
  filter.id = "filter";
  filter.type = "search";
  filter.placeholder = "Filter by application, object or cluster";
  filter.oninput = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const group of groups) group.hidden = !words.every((word) => group.dataset.words.includes(word));
  };
  groups[0].before(filter);
}
