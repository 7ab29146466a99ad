/**
 * Work on several pieces at once: at most `ahead` are begun and not yet taken, results come in the order of the
 * pieces. Throws what `pieces` or `work` throws. However it ends, `pieces` is given back and nothing runs on.
 */
export async function* inOrder<Piece, Result>(
  pieces: AsyncIterable<Piece>,
  ahead: number,
  work: (piece: Piece) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const begun: Promise<Result>[] = []
  try {
    for await (const piece of pieces) {
      const result = work(piece)
      // An error is thrown when it is this piece's turn.
      result.catch(() => {})
      begun.push(result)
      if (begun.length >= ahead) yield await begun.shift()!
    }
    while (begun.length > 0) yield await begun.shift()!
  } finally {
    await Promise.allSettled(begun)
  }
}
