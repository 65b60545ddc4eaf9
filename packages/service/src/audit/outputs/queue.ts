/** An entry in the words of its receiver. */
export interface Shipment {
  readonly index: number
  readonly text: string
  readonly bytes: number
}

export interface QueueBounds {
  readonly entries: number
  readonly bytes: number
}

/**
 * What waits for a receiver, in order. What was taken stays in it until it is settled, so that it
 * can be taken again after a connection has broken.
 */
export interface Queue {
  /** False when there is no room. */
  push(shipment: Shipment): boolean
  /** The next ones that were not taken, within bounds; at least one if there is any. */
  next(most: QueueBounds): readonly Shipment[]
  take(count: number): void
  /** Removes so many of the oldest, all of them taken before. */
  settle(count: number): void
  /** Everything that is not settled is to be taken again. */
  rewind(): void
  waiting(): number
  unsettled(): number
}

export function boundedQueue(bounds: QueueBounds): Queue {
  let items: Shipment[] = []
  let head = 0
  let taken = 0
  let bytes = 0

  return {
    push(shipment) {
      const full = items.length - head >= bounds.entries || bytes + shipment.bytes > bounds.bytes
      if (full) return false
      items.push(shipment)
      bytes += shipment.bytes
      return true
    },
    next(most) {
      let end = taken
      let size = 0
      for (; end < items.length && end - taken < most.entries; end++) {
        size += items[end]?.bytes ?? 0
        if (size > most.bytes && end > taken) break
      }
      return items.slice(taken, end)
    },
    take(count) {
      taken += count
    },
    settle(count) {
      for (const end = head + count; head < end; head++) bytes -= items[head]?.bytes ?? 0
      if (head < items.length / 2) return
      items = items.slice(head)
      taken -= head
      head = 0
    },
    rewind() {
      taken = head
    },
    waiting: () => items.length - taken,
    unsettled: () => items.length - head,
  }
}
