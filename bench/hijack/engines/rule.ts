import type { LookupResult } from 'holdfast'
import type { ThiefRequest } from '../attackers.ts'
import type { Person } from '../people.ts'
import type { DataAt } from '../pools.ts'
import type { Request } from '../timeline.ts'
import type { Engine, Guard, Verdict } from './engine.ts'

/** A request as a rule sees it. */
export interface Seen extends Pick<Request, 'at' | 'address' | 'facts' | 'sensitive' | 'device'> {
  readonly prefix: string
  readonly place: LookupResult
}

/** A rule of the trade: what it remembers of a person, and what it makes of a request. */
export interface Rule<State> {
  readonly name: string
  begin(person: Person): State
  copy(state: State): State
  /** From the threshold on somebody is asked. */
  score(state: State, seen: Seen): number
  /** It was served: what the rule learns. */
  served(state: State, seen: Seen, score: number): void
}

/**
 * A rule in the place of an engine. It has no secrets that rotate: who has the cookie has the
 * session.
 */
export function ruleEngine<State>(rule: Rule<State>, threshold: number): Engine {
  return {
    name: rule.name,
    guard: (person, { data }) => guardOf(rule, { threshold, data }, rule.begin(person)),
  }
}

function guardOf<State>(
  rule: Rule<State>,
  using: { readonly threshold: number; readonly data: DataAt },
  state: State,
): Guard {
  const { threshold, data } = using
  const seenOf = (request: Request | ThiefRequest, device: number): Seen => {
    const { at, address, facts, sensitive } = request
    return {
      at,
      address,
      facts,
      sensitive,
      device,
      prefix: prefixOf(address),
      place: data(plain(address), at) ?? {},
    }
  }
  return {
    owner(request): Verdict {
      const seen = seenOf(request, request.device)
      const score = rule.score(state, seen)
      rule.served(state, seen, score >= threshold ? 0 : score)
      return { answer: score >= threshold ? 'asked' : 'ok', score }
    },
    steal: () => ({}),
    thief(_loot, request, device): Verdict {
      const seen = seenOf(request, device)
      const score = rule.score(state, seen)
      if (score < threshold) rule.served(state, seen, score)
      return { answer: score >= threshold ? 'asked' : 'ok', score }
    },
    phish: () => undefined,
    clone: () => guardOf(rule, using, rule.copy(state)),
  }
}

/** /24 and /64, as far as the addresses of the world need it. */
export function prefixOf(address: string): string {
  return address.includes(':')
    ? address.split(':', 4).join(':')
    : address.slice(0, address.lastIndexOf('.'))
}

/** The data knows what NAT64 has translated as the IPv4 address. */
function plain(address: string): string {
  const tail = /^64:ff9b::([0-9a-f]+):([0-9a-f]+)$/.exec(address)
  if (tail === null) return address
  const [high, low] = [Number.parseInt(tail[1] ?? '0', 16), Number.parseInt(tail[2] ?? '0', 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
