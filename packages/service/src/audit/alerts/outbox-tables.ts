import type { Database } from '../database.ts'

/** Makes the tables of the outbox: alerts, and their deliveries, one for each target. */
export function prepareTables(database: Database): void {
  database.migrate('alerts', [
    `CREATE TABLE alerts (
      id TEXT PRIMARY KEY,
      at INTEGER NOT NULL,
      severity INTEGER NOT NULL,
      body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX alerts_at ON alerts (at);
    CREATE TABLE alert_deliveries (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      alert TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
      target TEXT NOT NULL,
      incident TEXT,
      severity INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('alert', 'closing', 'digest', 'notice')),
      state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead', 'folded')),
      held INTEGER NOT NULL,
      due INTEGER NOT NULL,
      since INTEGER NOT NULL,
      leased INTEGER,
      attempts INTEGER NOT NULL DEFAULT 0,
      settled INTEGER,
      problem TEXT,
      UNIQUE (alert, target)
    ) STRICT;
    CREATE INDEX alert_deliveries_due ON alert_deliveries (target, due) WHERE state = 'pending';
    CREATE INDEX alert_deliveries_incident ON alert_deliveries (target, incident, seq)
      WHERE state = 'pending';
    CREATE INDEX alert_deliveries_state ON alert_deliveries (state, target);
    CREATE INDEX alert_deliveries_settled ON alert_deliveries (settled)
      WHERE settled IS NOT NULL;`,
  ])
}
