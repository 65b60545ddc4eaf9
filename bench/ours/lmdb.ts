import { join } from 'node:path'
import { lmdbStore } from 'holdfast/lmdb'
import { contend } from '../contender-process.ts'
import { verifications } from './estate.ts'

await contend(({ folder }) =>
  verifications('LMDB', (name, now) => lmdbStore({ path: join(folder, name), now })),
)
