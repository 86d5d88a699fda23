"use strict";
// The address after # says what is shown: #/view/id?setting=value. A link restores the page.
(() => {
  dvtr.readAddress = () => {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [view = "", id = ""] = path.split("/").map((part) => {
      try { return decodeURIComponent(part); } catch { return part; }
    });
    return { view, id, settings: new URLSearchParams(query) };
  };

  dvtr.link = (view, id, settings = {}) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(settings)) {
      if (value !== "" && value !== null && value !== undefined) query.set(name, value);
    }
    const told = query.toString();
    return `#/${view}/${encodeURIComponent(id)}${told ? `?${told}` : ""}`;
  };

  // Changes settings of the page that is shown, without a step for the back button.
  dvtr.remember = (changes) => {
    const { view, id, settings } = dvtr.readAddress();
    const merged = { ...Object.fromEntries(settings), ...changes };
    history.replaceState(null, "", dvtr.link(view, id, merged));
  };
})();
