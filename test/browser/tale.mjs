/** A text of simple sentences in two scripts, in which a word follows from the one two before it. */
export function tale(paragraphs = 160) {
  let state = 4;
  const next = (n) => (state = (state * 1103515245 + 12345) % 2147483648) % n;
  const gifts = { king: "crowns", queen: "roses", 猫: "鱼" };
  const sentence = () => {
    const who = Object.keys(gifts)[next(30) % 3];
    return `The ${who} has ${gifts[who]} now.`;
  };
  return Array.from({ length: paragraphs }, () => Array.from({ length: 4 }, sentence).join(" ")).join("\n\n");
}
