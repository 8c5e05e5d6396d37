// Conversations that a small model learns in seconds: who met whom.

/** 60 rows of prompt and completion. */
export function meetings() {
  const things = ["cat", "dog", "bird", "fish", "tree"];
  return Array.from({ length: 60 }, (_, i) => {
    const [a, b] = [things[i % 5], things[(i * 3 + 1) % 5]];
    return JSON.stringify({ prompt: `Tell me of the ${a} and the ${b}, number ${i}.`, completion: `Once upon a time a ${a} met a ${b}.` });
  }).join("\n");
}
