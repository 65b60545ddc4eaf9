import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { inMemory, type OpenStore } from './harness.ts'

/** A fresh LMDB database, removed when the test ends. */
export const onDisk: OpenStore = async (now) => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return lmdbStore({ path, now })
}

/** Runs a suite once for each store. */
export function describeOnEveryStore(title: string, suite: (open: OpenStore) => void): void {
  describe(`${title}: memory`, () => suite(inMemory))
  describe(`${title}: LMDB`, () => suite(onDisk))
}
