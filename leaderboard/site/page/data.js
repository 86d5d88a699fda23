"use strict";
// Data are scripts, loaded by name: a page opened from disk may not fetch.
(() => {
  const known = new Map();
  // A page in one file holds its pictures and downloads too: path -> the content as an address.
  dvtr.place = (path) => dvtr.inside?.[path] ?? path;
  const asked = new Map();

  dvtr.put = (name, value) => known.set(name, value);

  dvtr.load = (name) => {
    if (!/^[\w-]+$/.test(name)) return Promise.reject(new Error(`no data are called ${name}`));
    if (known.has(name)) return Promise.resolve(known.get(name));
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const script = dvtr.el("script", { src: `data/${name}.js` });
        script.addEventListener("load", () => {
          script.remove();
          if (known.has(name)) resolve(known.get(name));
          else reject(new Error(`data/${name}.js holds other data`));
        });
        script.addEventListener("error", () => {
          script.remove();
          asked.delete(name);
          reject(new Error(`data/${name}.js is not there`));
        });
        document.head.append(script);
      }));
    }
    return asked.get(name);
  };

  dvtr.loadAll = (names) => Promise.all(names.map((name) => dvtr.load(name)));
})();
