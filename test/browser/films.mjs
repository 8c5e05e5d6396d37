// Ratings that nobody had to give: half of the people like the odd films, half the even ones. As MovieLens writes u.data: tabs, no header.

function numbers(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

export function filmRatings(users = 200, films = 40) {
  const next = numbers(7);
  const lines = [];
  for (let u = 1; u <= users; u++)
    for (let i = 1; i <= films; i++) {
      const likes = u % 2 === i % 2;
      if (next() > (likes ? 0.45 : 0.08)) continue;
      const stars = Math.max(1, Math.min(5, Math.round((likes ? 4.3 : 1.9) + next() - 0.5)));
      lines.push(`${u}\t${i}\t${stars}\t${880_000_000 + Math.floor(next() * 9e6)}`);
    }
  return `${lines.join("\n")}\n`;
}

export function filmTitles(films = 40) {
  return `id,title\n${Array.from({ length: films }, (_, i) => `${i + 1},Film ${i + 1} (${1960 + i})`).join("\n")}\n`;
}
