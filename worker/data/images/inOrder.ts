/** What `work` makes of each item, in the order of the items, up to `width` at work at once. Ends the source when the caller stops. */
export async function* inOrder<T, R>(items: AsyncIterable<T>, width: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const waiting: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const promise = work(item);
      promise.catch(() => {}); // it is awaited in its turn
      waiting.push(promise);
      if (waiting.length >= width) yield await waiting.shift()!;
    }
    while (waiting.length) yield await waiting.shift()!;
  } finally {
    await Promise.allSettled(waiting);
  }
}
