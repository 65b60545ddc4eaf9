/** A store writes those of a moment together. */
const UNDER_WAY = 512

/** Does `work` for each turn, many at a time, as many clients would. */
export async function together(
  count: number,
  work: (turn: number) => Promise<void>,
): Promise<void> {
  let next = 0
  async function client(): Promise<void> {
    for (let turn = next++; turn < count; turn = next++) await work(turn)
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, client))
}
