import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'holdfast-lmdb-'))
let made = 0

afterAll(() => rmSync(directory, { recursive: true, force: true }))

storeContract('LMDB', ({ now, feedLimit }) =>
  lmdbStore({ path: join(directory, String(made++)), now, feedLimit }),
)
