// Sphinx's search drops words that have only digits; here these are the platform's codes.
if (typeof Search !== "undefined") {
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parse(query);
    const [, searched, , highlighted] = parsed;
    for (const code of query.match(/\b\d+\b/g) || []) {
      searched.add(code);
      highlighted.add(code);
    }
    return parsed;
  };
}
