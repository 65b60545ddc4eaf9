/** Owner of these tables in the database. */
export const OWNER = 'search'

/**
 * Everything here can be made again from the audit log.
 *
 * `line` is the number of a line of the log: of an event its own, of a session or subject the one
 * that first named it. (`at`, `line`) orders each table and never changes, so that a page is stable
 * while events come in. `address_key` and `prefix` are addresses as text that sorts
 * (`network-range.ts`). A `place` is a network and device that a session, or a subject without one
 * (line -1), was seen with. It knows no null, because its unique index could not hold one.
 *
 * `terms.ts` says which index serves what. Those of columns that are often empty leave the empty
 * ones out.
 */
export const STEPS: readonly string[] = [
  `
  CREATE TABLE search_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;

  CREATE TABLE events (
    line INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, reason TEXT, outcome TEXT,
    actor TEXT NOT NULL, subject TEXT, session TEXT, asn INTEGER, kind TEXT, country TEXT,
    browser TEXT, os TEXT, correlation TEXT,
    name TEXT, tenant TEXT, address TEXT, address_key TEXT, prefix TEXT, agent TEXT,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_at ON events (at);
  CREATE INDEX events_type ON events (type, at);
  CREATE INDEX events_actor ON events (actor, at);
  CREATE INDEX events_reason ON events (reason, at) WHERE reason IS NOT NULL;
  CREATE INDEX events_outcome ON events (outcome, at) WHERE outcome IS NOT NULL;
  CREATE INDEX events_subject ON events (subject, at) WHERE subject IS NOT NULL;
  CREATE INDEX events_session ON events (session, at) WHERE session IS NOT NULL;
  CREATE INDEX events_correlation ON events (correlation, at) WHERE correlation IS NOT NULL;
  CREATE INDEX events_prefix ON events (prefix, at) WHERE prefix IS NOT NULL;
  CREATE INDEX events_asn ON events (asn, at) WHERE asn IS NOT NULL;
  CREATE INDEX events_asn_country ON events (asn, country, at) WHERE asn IS NOT NULL;
  CREATE INDEX events_country ON events (country, at) WHERE country IS NOT NULL;

  CREATE TABLE sessions (
    line INTEGER PRIMARY KEY, at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    session TEXT NOT NULL UNIQUE, subject TEXT, state TEXT NOT NULL,
    ended_at INTEGER, ended_reason TEXT, ended_actor TEXT,
    events INTEGER NOT NULL, score INTEGER, worst INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_at ON sessions (at);
  CREATE INDEX sessions_last_at ON sessions (last_at, at);
  CREATE INDEX sessions_subject ON sessions (subject, at);

  CREATE TABLE subjects (
    line INTEGER PRIMARY KEY, at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    subject TEXT NOT NULL UNIQUE, name TEXT, tenant TEXT,
    events INTEGER NOT NULL, sessions INTEGER NOT NULL, score INTEGER, worst INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX subjects_at ON subjects (at);
  CREATE INDEX subjects_last_at ON subjects (last_at, at);
  CREATE INDEX subjects_name ON subjects (name, tenant) WHERE name IS NOT NULL;

  CREATE TABLE places (
    subject TEXT NOT NULL, line INTEGER NOT NULL,
    address TEXT NOT NULL, address_key TEXT NOT NULL, prefix TEXT NOT NULL,
    asn INTEGER NOT NULL, kind TEXT NOT NULL, country TEXT NOT NULL, city TEXT NOT NULL,
    browser TEXT NOT NULL, os TEXT NOT NULL,
    at INTEGER NOT NULL, last_at INTEGER NOT NULL, events INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX places_of
    ON places (subject, line, address_key, asn, kind, country, city, browser, os);
  CREATE INDEX places_line ON places (line, last_at);
  CREATE INDEX places_subject ON places (subject, last_at);
  CREATE INDEX places_prefix ON places (prefix);
  CREATE INDEX places_asn ON places (asn, country);
  CREATE INDEX places_country ON places (country);
  CREATE INDEX places_kind ON places (kind);
  CREATE INDEX places_device ON places (browser, os);
  `,
]
