/**
 * The tables of `../tables.ts` for PostgreSQL, with what several directories of logs need:
 *
 * `search_origins` is how far the log of each directory was read, by its own lines, and by a writer
 * of which epoch. `line` of the other tables counts on over all of them, so that with one directory
 * it is the line of the log. An event has its `id` once, whoever has logged it.
 *
 * Text compares by its bytes, whatever the database does. `line` ends an index as SQLite has it by
 * itself. A name can be longer than an entry of an ordinary index.
 */
export const STEPS: readonly string[] = [
  `
  CREATE TABLE search_state (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
  INSERT INTO search_state (name, value) VALUES ('cursor', 0);
  CREATE TABLE search_origins (
    origin TEXT PRIMARY KEY, next BIGINT NOT NULL, epoch BIGINT NOT NULL
  );

  CREATE TABLE events (
    line BIGINT PRIMARY KEY, at BIGINT NOT NULL, type TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C", outcome TEXT COLLATE "C", actor TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C", session TEXT COLLATE "C", asn BIGINT, kind TEXT COLLATE "C",
    country TEXT COLLATE "C", browser TEXT COLLATE "C", os TEXT COLLATE "C",
    correlation TEXT COLLATE "C", name TEXT COLLATE "C", tenant TEXT COLLATE "C",
    address TEXT COLLATE "C", address_key TEXT COLLATE "C", prefix TEXT COLLATE "C",
    agent TEXT COLLATE "C", json TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL UNIQUE
  );
  CREATE INDEX events_at ON events (at, line);
  CREATE INDEX events_type ON events (type, at, line);
  CREATE INDEX events_actor ON events (actor, at, line);
  CREATE INDEX events_reason ON events (reason, at, line) WHERE reason IS NOT NULL;
  CREATE INDEX events_outcome ON events (outcome, at, line) WHERE outcome IS NOT NULL;
  CREATE INDEX events_subject ON events (subject, at, line) WHERE subject IS NOT NULL;
  CREATE INDEX events_session ON events (session, at, line) WHERE session IS NOT NULL;
  CREATE INDEX events_correlation ON events (correlation, at, line)
    WHERE correlation IS NOT NULL;
  CREATE INDEX events_prefix ON events (prefix, at, line) WHERE prefix IS NOT NULL;
  CREATE INDEX events_asn ON events (asn, at, line) WHERE asn IS NOT NULL;
  CREATE INDEX events_asn_country ON events (asn, country, at, line) WHERE asn IS NOT NULL;
  CREATE INDEX events_country ON events (country, at, line) WHERE country IS NOT NULL;

  CREATE TABLE sessions (
    line BIGINT PRIMARY KEY, at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    session TEXT COLLATE "C" NOT NULL UNIQUE, subject TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL, ended_at BIGINT, ended_reason TEXT COLLATE "C",
    ended_actor TEXT COLLATE "C", events BIGINT NOT NULL, score BIGINT, worst BIGINT NOT NULL
  );
  CREATE INDEX sessions_at ON sessions (at, line);
  CREATE INDEX sessions_last_at ON sessions (last_at, at, line);
  CREATE INDEX sessions_subject ON sessions (subject, at, line);

  CREATE TABLE subjects (
    line BIGINT PRIMARY KEY, at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL UNIQUE, name TEXT COLLATE "C", tenant TEXT COLLATE "C",
    events BIGINT NOT NULL, sessions BIGINT NOT NULL, score BIGINT, worst BIGINT NOT NULL
  );
  CREATE INDEX subjects_at ON subjects (at, line);
  CREATE INDEX subjects_last_at ON subjects (last_at, at, line);
  CREATE INDEX subjects_name ON subjects USING hash (name);

  CREATE TABLE places (
    subject TEXT COLLATE "C" NOT NULL, line BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL, address_key TEXT COLLATE "C" NOT NULL,
    prefix TEXT COLLATE "C" NOT NULL, asn BIGINT NOT NULL, kind TEXT COLLATE "C" NOT NULL,
    country TEXT COLLATE "C" NOT NULL, city TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL, os TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL, last_at BIGINT NOT NULL, events BIGINT NOT NULL
  );
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

/** Those that are made again from the log. */
export const MADE_AGAIN = [
  ...['events', 'sessions', 'subjects', 'places', 'search_state', 'search_origins'],
]

/**
 * Who was erased, and until when: what another directory still has of them is taken without what
 * tells who they are. No log can make it again, so it stays when the index is made anew.
 */
export const ERASED = `
  CREATE TABLE IF NOT EXISTS search_erased (
    subject TEXT COLLATE "C" PRIMARY KEY, at BIGINT NOT NULL, pending BIGINT NOT NULL
  );
`
