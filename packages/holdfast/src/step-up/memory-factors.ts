import type { FactorOwner, FactorStore, VersionedFactors } from './factors.ts'

/** Keeps factors in this process: for tests and demonstrations, lost on restart. */
export function memoryFactors(): FactorStore {
  const records = new Map<string, VersionedFactors>()
  const keyOf = ({ tenant, subject }: FactorOwner): string => JSON.stringify([tenant, subject])

  return {
    async read(owner) {
      return records.get(keyOf(owner))
    },
    async write(owner, record) {
      const key = keyOf(owner)
      if ((records.get(key)?.version ?? 0) !== record.version - 1) return false
      records.set(key, record)
      return true
    },
  }
}
